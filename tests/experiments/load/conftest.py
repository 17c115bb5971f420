"""A shop of a test's own, and customers who go there without Locust."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from drill.payments import Begun, RefundAsked, Stratum, Told
from experiments.load.buyer import Buyer, World
from experiments.load.purchases import Card, Purchase, Way
from experiments.load.stories import live
from experiments.load.tab import Asked, Tab, make_network
from experiments.load.wire import Errand, FeatureStep, Message, Site
from tests.experiments.load.shop import PRODUCTS, Shop
from tests.experiments.load.sites import open_shop


class Town(NamedTuple):
    """A shop, and all that customers wrote down there."""

    shop: Shop
    site: Site
    said: list[Message]
    asked: list[Asked]
    world: World

    def live(
        self,
        stratum: Stratum,
        *,
        card: Card = "captured",
        way: Way = "",
        ordinal: int = 1,
        share: float = 0.5,
    ) -> Buyer:
        """Let one customer live through a purchase."""
        buyer = self.buyer(stratum, card=card, way=way, ordinal=ordinal, share=share)
        live(buyer)
        return buyer

    def buyer(
        self,
        stratum: Stratum,
        *,
        card: Card = "captured",
        way: Way = "",
        ordinal: int = 1,
        share: float = 0.5,
    ) -> Buyer:
        """A customer; nobody thinks for long here."""
        purchase = Purchase(
            ordinal=ordinal,
            product="creator-pass",
            stratum=stratum,
            card=card,
            way=way,
            thinks_s=(0.0,),
            share=share,
        )
        return Buyer(Errand(purchase, f"i{ordinal}-r@drill.test"), self.world)

    def poor(self) -> "Town":
        """The same town without a place where refunds are asked for."""
        site = msgspec.structs.replace(self.site, refund_path="")
        return self._replace(site=site, world=msgspec.structs.replace(self.world, site=site))

    def nowhere(self) -> World:
        """A world in which nobody listens where the shop should be."""
        site = msgspec.structs.replace(self.site, web="http://127.0.0.1:9")
        network = make_network(site, lambda _: nullcontext(), self.asked.append)
        return msgspec.structs.replace(self.world, site=site, open_tab=lambda: Tab(network))

    def with_control(self) -> "Town":
        """The same town, whose sandbox has a control port."""
        site = msgspec.structs.replace(self.site, sandbox=self.site.web, sandbox_token="token")
        network = make_network(site, lambda _: nullcontext(), self.asked.append)
        world = msgspec.structs.replace(self.world, site=site, open_tab=lambda: Tab(network))
        return self._replace(site=site, world=world)

    def told(self, intent: str = "i1") -> list[tuple[str, str]]:
        """What a customer was told, and by what, in order."""
        return [
            (one.said, one.via)
            for one in self.said
            if isinstance(one, Told) and one.intent == intent
        ]

    def kinds(self) -> list[str]:
        """The kinds of all records, in order."""
        return [type(one).__name__ for one in self.said if isinstance(one, Begun | RefundAsked)]


@pytest.fixture(scope="session")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str, str]]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with open_shop(folder) as opened:
        yield opened


@pytest.fixture
def town(_opened: tuple[Shop, str, str], monkeypatch: pytest.MonkeyPatch) -> Town:
    """A shop that nobody has visited yet."""
    shop, web, bank = _opened
    shop.__init__()  # type: ignore[misc]
    monkeypatch.setattr("experiments.load.buyer.AGAIN_S", 0.02)
    site = site_of(web, bank)
    said: list[Message] = []
    asked: list[Asked] = []
    network = make_network(site, lambda _: nullcontext(), asked.append)
    world = World(
        site=site,
        say=said.append,
        now=time.monotonic,
        open_tab=lambda: Tab(network),
        late=lambda _: None,
        paid_references=deque(),
    )
    return Town(shop, site, said, asked, world)


def site_of(web: str, bank: str) -> Site:
    """The local shop as the generator is told of it."""
    return Site(
        web=web,
        resolve={"checkout.paystack.com": bank},
        refund_path="/api/admin/orders/{order}/refund",
        refund_header="X-API-Key",
        refund_key="key",
        prices=PRODUCTS,
        password="correct horse battery",  # pragma: allowlist secret - made up
        features={
            "love-loops": [
                FeatureStep(
                    "POST",
                    "/api/v1/love-loops",
                    {"X-API-Key": "key"},
                    '{"note": "{nonce}"}',
                    {"id": "id"},
                ),
                FeatureStep("GET", "/api/v1/love-loops/{id}", {"X-API-Key": "key"}),
            ]
        },
    )
