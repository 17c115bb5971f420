"""Canaries in a small shop over real sockets; the true one is in the docker tests."""

import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from drill.payments import Begun, Intended, Price, Told
from tests.validators.ledger.web import Asked, Reply, serving
from validators.ledger.canaries import FORGERS_KEY, ShopCanaries
from validators.ledger.specs import CanaryShop

pytestmark = pytest.mark.anyio
PRICE = Price("pass", 500_000, "NGN", once_only=True)
PAID = '<p data-testid="checkout-message" data-outcome="paid">'
CANCELLED = '<p data-testid="checkout-message" data-outcome="cancelled">'
Said = list[Intended | Begun | Told]


def to(address: str) -> Reply:
    return Reply(303, headers={"location": address})


class Small:
    """A shop, and a payment page under another name."""

    def __init__(self, instead: Callable[[Asked], Reply | None] = lambda _: None) -> None:
        self.instead = instead
        self.heard: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply:
        self.heard.append(asked)
        answers = {
            "/signup": to("/dashboard"),
            "/buy": to("http://pay.test/code"),
            "/code": Reply(body="a form"),
            "/code/pay": to("/back?reference=r1&trxref=r1") if self._good(asked) else Reply(),
            "/code/cancel": to("/cancelled?reference=r2"),
            "/back": to("/order"),
            "/order": Reply(body=PAID),
            "/cancelled": Reply(body=CANCELLED),
            "/api/paystack/webhook": Reply(401),
        }
        return self.instead(asked) or answers[asked.path]

    @staticmethod
    def _good(asked: Asked) -> bool:
        return asked.form.get("card_cvv") == "408"


async def made(shop: Small) -> Said:
    """What was meant and told when the canaries were made in *shop*."""
    said: Said = []
    async with serving(shop) as url:
        inner = shop.instead

        def redirect(asked: Asked) -> Reply | None:
            if asked.headers["host"] == "pay.test":
                assert asked.path.startswith("/code")
            return inner(asked)

        shop.instead = redirect
        spec = CanaryShop(
            product="pass",
            domain="Drill.test",
            password=SecretStr("a made-up word"),
            resolve={"pay.test": urlsplit(url).netloc},
        )
        # Ways back are addresses of the shop's own: here they are relative, and so found there.
        await ShopCanaries(spec, url, "run", lambda: 1.5, PRICE).make(said.append)
    return said


def told(said: Said) -> list[tuple[str, str, str]]:
    return [(each.intent, each.said, each.reference) for each in said if isinstance(each, Told)]


async def test_one_of_each_kind_is_made_and_told() -> None:
    """Each is meant before it begins, has a customer of its own, and ends as it has to."""
    shop = Small()

    said = await made(shop)

    intents = [each for each in said if isinstance(each, Intended)]
    assert [one.canary for one in intents] == ["paid", "declined", "abandoned", "forged"]
    assert [one.email for one in intents] == [f"c{n}-run@drill.test" for n in range(1, 5)]
    assert [type(each) for each in said[:3]] == [Intended, Begun, Told]
    assert told(said) == [
        ("c1", "paid", "r1"),
        ("c2", "never", ""),
        ("c3", "never", ""),
        ("c4", "refused", "r2"),
        ("c4", "refused", "r2"),
    ]
    assert said[-1].detail == "forged event answered HTTP 401"  # type: ignore[union-attr]


async def test_the_forged_event_is_signed_by_another_key() -> None:
    """It is Paystack's to the letter, but for who signed it."""
    shop = Small()
    await made(shop)

    (event,) = [asked for asked in shop.heard if asked.path == "/api/paystack/webhook"]
    body = json.loads(event.body)
    wanted = hmac.new(FORGERS_KEY, event.body.encode(), hashlib.sha512).hexdigest()
    assert event.headers["x-paystack-signature"] == wanted
    assert (body["event"], body["data"]["reference"]) == ("charge.success", "r2")
    assert (body["data"]["amount"], body["data"]["status"]) == (500_000, "success")


@pytest.mark.parametrize(
    ("path", "reply", "canary", "why"),
    [
        ("/signup", Reply(503), "c1", "sign up was answered HTTP 503"),
        ("/buy", Reply(200, "closed"), "c3", "buy was answered HTTP 200"),
        ("/code/pay", Reply(500), "c2", "declined card was answered HTTP 500"),
        ("/code/cancel", to("/cancelled"), "c4", "no reference"),
        ("/back", to("/back"), "c1", "more than 5 redirects"),
    ],
)
async def test_a_canary_that_cannot_be_made_is_said(
    path: str, reply: Reply, canary: str, why: str
) -> None:
    """It is told as unknown with the step, and the others are made all the same."""
    shop = Small(lambda asked: reply if asked.path == path else None)

    said = await made(shop)

    found = [each for each in said if isinstance(each, Told) and each.intent == canary]
    assert found[-1].said == "unknown"
    assert why in found[-1].detail
    assert len([each for each in said if isinstance(each, Intended)]) == 4


async def test_a_shop_that_is_away_is_said_for_each() -> None:
    """Without any connection every canary is told as unknown, and the drill goes on."""
    said: Said = []
    spec = CanaryShop(product="pass", domain="d.test", password=SecretStr("a made-up word"))

    await ShopCanaries(spec, "http://127.0.0.1:1", "run", lambda: 0.0, PRICE).make(said.append)

    assert [what for _, what, _ in told(said)] == ["unknown"] * 4
    assert not [each for each in said if isinstance(each, Begun)]
