"""One Chromium for all tests that need one of their own, as starting takes a second of a core."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, TypeVar

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.validators.probes.small_shop import SmallShop, small_shop
from validators.probes.journeys.browser import JourneyBrowser, open_browser

T = TypeVar("T")


class Chromium(NamedTuple):
    """A Chromium as drills have it, and the shop whose names it resolves."""

    shop: SmallShop
    browser: JourneyBrowser
    portal: BlockingPortal

    def do(self, work: Callable[[JourneyBrowser], Awaitable[T]]) -> T:
        """Run *work* in the browser's own thread."""
        return self.portal.call(work, self.browser)


@pytest.fixture(scope="module")
def one_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with (
        small_shop(tmp_path_factory.mktemp("shop")) as shop,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_browser("test-routes", shop.resolve)) as browser,
    ):
        yield Chromium(shop, browser, portal)


@pytest.fixture
def chromium(one_chromium: Chromium) -> Iterator[Chromium]:
    """As new: no rule, and a shop of which nothing was asked."""
    one_chromium.shop.posts.clear()
    one_chromium.shop.signed_in = False
    yield one_chromium
    one_chromium.portal.call(_tidied, one_chromium.browser)


async def _tidied(browser: JourneyBrowser) -> None:
    await browser.routes.let_through("f1")
    for context in (await browser.start()).contexts:
        await context.close()
