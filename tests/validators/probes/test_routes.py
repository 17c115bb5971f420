"""Routes in real Chromium, and what the shop's page makes of a script that does not come."""

from pathlib import Path

import anyio
import pytest
from playwright.async_api import Browser, Page, expect

from drill.verdict import Health
from tests.validators.probes.conftest import Chromium
from tests.validators.probes.small_shop import SmallShop
from validators.probes.build import build_journey
from validators.probes.hosts import HostMet, HostRule, HostSeen, Meets
from validators.probes.journeys.browser import JourneyBrowser
from validators.probes.schedule import Seen
from validators.probes.specs import Journey

pytestmark = pytest.mark.browser
HOST = "js.paystack.co"
LOOK_S = 20.0
MESSAGE = '[data-testid="checkout-message"]'
BUY = '[data-testid="buy-creator-pass"]'
BLOCK = HostRule(name="f1", host=HOST, way="block")
STATUS = HostRule(name="f1", host="*.paystack.co", way="status", status=503)
SLOW = HostRule(name="f1", host=HOST, way="slow", delay_s=30)
expect.set_options(timeout=LOOK_S * 1000)


async def fetched(page: Page) -> str:
    """What a script tag for Paystack's script comes to in a page of a journey."""
    return str(
        await page.evaluate(
            """address => new Promise(done => {
                const script = document.createElement("script");
                script.onload = () => done("loaded");
                script.onerror = () => done("failed");
                script.src = address;
                document.head.append(script);
            })""",
            f"https://{HOST}/v2/inline.js",
        )
    )


Outcome = tuple[list[str], list[HostSeen], HostMet | None]


@pytest.mark.parametrize("rule", [BLOCK, STATUS], ids=["block", "status"])
def test_requests_fail_in_pages_open_and_new_until_the_route_is_gone(
    chromium: Chromium, rule: HostRule
) -> None:
    """
    Both a page that was open before and a new one feel the rule, Chromium's own reports of the
    journeys' requests are counted and the drill's own looks are not, and all is gone at once.
    """

    async def work(browser: JourneyBrowser) -> Outcome:
        came, seen = [], []
        async with browser.context() as before:
            page = await before.new_page()
            came.append(await fetched(page))
            seen.append(await browser.ask(HOST, LOOK_S))
            await browser.routes.divert(rule)
            came.append(await fetched(page))
            async with browser.context() as after:
                came.append(await fetched(await after.new_page()))
            seen.append(await browser.ask(HOST, LOOK_S))
            met = await browser.routes.let_through(rule.name)
            came.append(await fetched(page))
            seen.append(await browser.ask(HOST, LOOK_S))
            assert await browser.routes.let_through(rule.name) is None
        assert not browser.routes.held
        return came, seen, met

    came, (before, during, after), met = chromium.do(work)

    assert came == ["loaded", "failed", "failed", "loaded"]
    assert (before.outcome, before.status, before.by) == ("answered", 404, "")
    assert (after.outcome, after.status, after.by) == ("answered", 404, "")
    if rule.way == "block":
        assert (during.outcome, during.error) == ("failed", "ERR_BLOCKED_BY_CLIENT")
    else:
        assert (during.outcome, during.status, during.by) == ("answered", 503, "f1")
    assert met is not None
    assert met.hit == 2


def test_a_slow_request_is_late_and_let_go_with_the_route(chromium: Chromium) -> None:
    """
    A request waits while the rule is in force, is counted as late while it still waits, and is
    answered as soon as the rule is gone, however long it would have waited.
    """

    async def work(browser: JourneyBrowser) -> tuple[str, HostSeen, HostMet | None]:
        came: list[str] = []
        await browser.routes.divert(SLOW)
        async with browser.context() as context, anyio.create_task_group() as group:
            page = await context.new_page()

            async def load() -> None:
                came.append(await fetched(page))

            group.start_soon(load)
            seen = await browser.ask(HOST, SLOW.late_s + 0.5)
            met = browser.routes.met("f1")
            assert browser.routes.met("f1") == met
            assert not came
            with anyio.fail_after(LOOK_S):
                await browser.routes.let_through("f1")
        return came[0], seen, met

    came, seen, met = chromium.do(work)

    assert came == "loaded"
    assert seen.outcome == "silent"
    assert met is not None
    assert met.hit == 1


def test_a_page_that_is_left_before_it_was_late_waited_for_nothing(chromium: Chromium) -> None:
    """
    Only a request that a page still waited for when it was late is counted.
    """

    async def work(browser: JourneyBrowser) -> HostMet | None:
        await browser.routes.divert(SLOW)
        async with browser.context() as context:
            page = await context.new_page()
            async with page.expect_request(f"https://{HOST}/**"):
                await page.goto(f"{chromium.shop.web}/plans")
        await browser.ask(HOST, SLOW.late_s + 0.5)
        return browser.routes.met("f1")

    met = chromium.do(work)

    assert met is not None
    assert met.hit == 0


def test_a_name_that_leads_nowhere_is_no_answer(chromium: Chromium) -> None:
    """
    What cannot be reached even without a rule says so in Chromium's words.
    """
    seen = chromium.do(lambda browser: browser.ask("no.such.host.invalid", LOOK_S))

    assert seen.told() == "no.such.host.invalid failed with ERR_NAME_NOT_RESOLVED"


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(BLOCK, id="block"),
        pytest.param(STATUS, id="status", marks=pytest.mark.thorough),
        pytest.param(SLOW, id="slow", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize("kind", ["checkout", pytest.param("customer", marks=pytest.mark.thorough)])
def test_a_script_that_does_not_load_is_a_polite_refusal(
    chromium: Chromium, tmp_path: Path, kind: str, rule: HostRule
) -> None:
    """
    Both journeys see the shop's message, keep a picture of it, and no order is ever asked for.
    """
    files: list[tuple[str, Path, str, str]] = []
    web = chromium.shop.web

    async def work(browser: JourneyBrowser) -> Seen:
        await browser.routes.divert(rule)
        spec = Journey.model_validate({"journey": kind, "deadline": "20s"})
        look = build_journey(
            "j",
            spec,
            web,
            browser,
            evidence=tmp_path,
            kept=lambda *kept: files.append(kept),
        )
        seen = await look.look()
        await look.close()
        return seen

    seen = chromium.do(work)

    assert seen.health is Health.DEGRADED, seen
    assert seen.detail.endswith("the shop says 'unavailable', nobody was charged")
    assert "/buy" not in chromium.shop.posts
    assert [path.suffix for _, path, _, _ in files] == [".png", ".zip"]


@pytest.mark.parametrize(
    ("way", "deadline", "detail"),
    [
        ("block", "20s", "on the way to Paystack: ERR_BLOCKED_BY_CLIENT"),
        ("status", "20s", "on the way to Paystack: the page answered 503"),
        pytest.param(
            "slow",
            "6s",
            "on the way to Paystack: nothing more within 6 s",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_what_a_redirect_leads_to_meets_the_rule(
    chromium: Chromium, tmp_path: Path, way: Meets, deadline: str, detail: str
) -> None:
    """
    The shop sends the customer on to Paystack's page by a redirect, which is hit as well.
    """
    rule = HostRule("f1", "checkout.paystack.com", way, delay_s=60, status=503)
    web = chromium.shop.web

    async def work(browser: JourneyBrowser) -> tuple[Seen, HostMet | None]:
        await browser.routes.divert(rule)
        spec = Journey.model_validate({"journey": "checkout", "deadline": deadline})
        look = build_journey("j", spec, web, browser, evidence=tmp_path, kept=lambda *_: None)
        seen = await look.look()
        await look.close()
        return seen, await browser.routes.let_through("f1")

    seen, met = chromium.do(work)

    assert (seen.health, seen.detail) == (Health.DOWN, detail)
    assert met is not None
    assert met.hit == 1


async def opened(browser: Browser, shop: SmallShop, *, javascript: bool = True) -> Page:
    """The plans page in a context without any route."""
    context = await browser.new_context(ignore_https_errors=True, java_script_enabled=javascript)
    page = await context.new_page()
    await page.goto(f"{shop.web}/plans", timeout=LOOK_S * 1000)
    return page


def test_with_the_script_a_press_leads_to_paystack(chromium: Chromium) -> None:
    """
    Nothing is said, and a press is one order, however early it comes.
    """

    async def work(browser: JourneyBrowser) -> None:
        page = await opened(await browser.start(), chromium.shop)
        await page.click(BUY)
        await page.wait_for_url("https://checkout.paystack.com/abc")

    chromium.do(work)

    assert chromium.shop.posts == ["/buy"]


def test_without_javascript_customers_buy_as_ever(chromium: Chromium) -> None:
    """
    A browser that runs no script is told nothing and is sent to Paystack, blocked script or not.
    """

    async def work(browser: JourneyBrowser) -> None:
        page = await opened(await browser.start(), chromium.shop, javascript=False)
        await page.route(f"https://{HOST}/**", lambda route: route.abort())
        await page.click(BUY)
        await page.wait_for_url("https://checkout.paystack.com/abc")

    chromium.do(work)

    assert chromium.shop.posts == ["/buy"]


def test_a_script_that_hangs_keeps_no_page_and_is_welcome_late(chromium: Chromium) -> None:
    """
    The page is loaded at once; a press waits for the script, and after 3 s the customer is told
    that nothing was charged; when the script comes after all Buy works, and was not pressed.
    """

    async def work(browser: JourneyBrowser) -> None:
        await browser.routes.divert(SLOW)
        async with browser.context() as context:
            page = await context.new_page()
            await page.goto(f"{chromium.shop.web}/plans", timeout=LOOK_S * 1000)
            await page.click(BUY)
            await expect(page.locator(MESSAGE)).to_contain_text("You have not been charged")
            await expect(page.locator(BUY)).to_be_disabled()
            await browser.routes.let_through("f1")
            await expect(page.locator(MESSAGE)).to_have_count(0)
            assert "/buy" not in chromium.shop.posts
            await page.click(BUY)
            await page.wait_for_url("https://checkout.paystack.com/abc")

    chromium.do(work)

    assert chromium.shop.posts == ["/buy"]
