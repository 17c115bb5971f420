"""
Canaries: four purchases whose end is known, made over plain HTTP before anything is broken.

One is paid, one declined, one abandoned, and of one somebody forges Paystack's event. A reader
that sees them as one capture and three times nothing can be believed about the others.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx

from drill.payments import Begun, Canary, Intended, Price, Said, Stratum, Told
from validators import moved
from validators.ledger.specs import CanaryShop

ASK_LIMIT_S = 10.0
MAKE_LIMIT_S = 60.0
PAID_LOOKS, LOOK_EVERY_S = 50, 0.2
HOPS = 5
OUTCOME = re.compile(r'data-testid="checkout-message" data-outcome="(\w+)"')
SAYS: Mapping[str, Said] = {
    "paid": "paid",
    "failed": "refused",
    "cancelled": "refused",
    "unavailable": "refused",
}
KINDS: tuple[tuple[Canary, Stratum], ...] = (
    ("paid", "directed"),
    ("declined", "declined"),
    ("abandoned", "abandoned"),
    ("forged", "directed"),
)
# Paystack's published test cards.
CARDS: Mapping[str, Mapping[str, str]] = {
    "paid": {"card_number": "4084084084084081", "card_expiry": "12/30", "card_cvv": "408"},
    "declined": {"card_number": "4084080000005408", "card_expiry": "12/30", "card_cvv": "001"},
}
FORGERS_KEY = b"not the shop's key"
Say = Callable[[Intended | Begun | Told], None]


class _Failed(Exception):
    """A canary could not be made; the message says at which step."""


class ShopCanaries:
    """
    Makes the canaries in a shop whose payment page is the drill's own sandbox.

    Args:
        spec: How a purchase is made.

        web: Where the shop is.

        mark: The run, as its customers' addresses bear it.

        now: Seconds from the drill's start.

        price: What a forged event says was paid.
    """

    def __init__(
        self, spec: CanaryShop, web: str, mark: str, now: Callable[[], float], price: Price
    ) -> None:
        self._spec = spec
        self._web = web
        self._mark = mark
        self._now = now
        self._price = price

    async def make(self, say: Say) -> None:
        """Make one of each kind, one after the other; what fails is said as it was told."""
        for number, (kind, stratum) in enumerate(KINDS, 1):
            intent = Intended(
                t=self._now(),
                id=f"c{number}",
                ordinal=-number,
                email=f"c{number}-{self._mark}@{self._spec.domain}".lower(),
                product=self._price.product,
                stratum=stratum,
                canary=kind,
            )
            say(intent)
            try:
                with anyio.fail_after(MAKE_LIMIT_S):
                    await self._make(intent, say)
            except (httpx.HTTPError, TimeoutError, _Failed) as error:
                why = str(error) or type(error).__name__
                self._tell(say, intent, "unknown", f"the canary could not be made: {why}")

    async def _make(self, intent: Intended, say: Say) -> None:
        async with moved.client(
            self._spec.resolve, timeout_s=ASK_LIMIT_S, base_url=self._web
        ) as browser:
            form = {"email": intent.email, "password": self._spec.password.get_secret_value()}
            _redirected(await browser.post(self._spec.signup, data=form), "sign up")
            say(Begun(t=self._now(), intent=intent.id))
            answer = await browser.post(self._spec.buy, data={"product": intent.product})
            page = _redirected(answer, "buy")
            if intent.canary == "paid":
                await self._pay(browser, page, intent, say)
            elif intent.canary == "declined":
                answer = await browser.post(f"{page}/pay", data=CARDS["declined"])
                if not answer.is_success:
                    raise _Failed(f"the declined card was answered HTTP {answer.status_code}")
                self._tell(say, intent, "never", "the card was declined and the tab closed")
            elif intent.canary == "abandoned":
                await browser.get(page)
                self._tell(say, intent, "never", "the tab was closed on Paystack's page")
            else:
                await self._forge(browser, page, intent, say)

    async def _pay(self, browser: httpx.AsyncClient, page: str, intent: Intended, say: Say) -> None:
        """Pay, come back, and follow the order's page until it says that it is paid."""
        back = _redirected(await browser.post(f"{page}/pay", data=CARDS["paid"]), "pay")
        reference = _reference_in(back)
        shown = await _followed(browser, back)
        for _ in range(PAID_LOOKS):
            said = _said(shown)
            if said == "paid":
                break
            await anyio.sleep(LOOK_EVERY_S)
            shown = await browser.get(shown.url)
        self._tell(say, intent, _said(shown), f"HTTP {shown.status_code}", reference)

    async def _forge(
        self, browser: httpx.AsyncClient, page: str, intent: Intended, say: Say
    ) -> None:
        """Cancel, which shows the reference, and post a success that Paystack never signed."""
        back = _redirected(await browser.post(f"{page}/cancel"), "cancel")
        reference = _reference_in(back)
        if not reference:
            raise _Failed("the way back names no reference to forge an event of")
        shown = await _followed(browser, back)
        self._tell(say, intent, _said(shown), f"HTTP {shown.status_code}", reference)
        data = {
            "id": 1,
            "domain": "test",
            "status": "success",
            "reference": reference,
            "amount": self._price.amount,
            "currency": self._price.currency,
            "customer": {"email": intent.email},
        }
        body = json.dumps({"event": "charge.success", "data": data}).encode()
        forged = hmac.new(FORGERS_KEY, body, hashlib.sha512).hexdigest()
        answer = await browser.post(
            self._spec.webhook,
            content=body,
            headers={"content-type": "application/json", "x-paystack-signature": forged},
        )
        self._tell(
            say, intent, _said(shown), f"forged event answered HTTP {answer.status_code}", reference
        )

    def _tell(
        self, say: Say, intent: Intended, said: Said, detail: str, reference: str = ""
    ) -> None:
        say(
            Told(
                t=self._now(),
                intent=intent.id,
                said=said,
                via="page",
                detail=detail,
                reference=reference,
            )
        )


def _redirected(answer: httpx.Response, step: str) -> str:
    """Where an answer leads."""
    if not answer.has_redirect_location:
        raise _Failed(f"{step} was answered HTTP {answer.status_code}")
    return answer.headers["location"].rstrip("/")


async def _followed(browser: httpx.AsyncClient, address: str) -> httpx.Response:
    """The page at the end of some redirects."""
    answer = await browser.get(address)
    for _ in range(HOPS):
        if not answer.has_redirect_location:
            return answer
        answer = await browser.get(answer.url.join(answer.headers["location"]))
    raise _Failed(f"more than {HOPS} redirects")


def _said(page: httpx.Response) -> Said:
    found = OUTCOME.search(page.text)
    return SAYS.get(found[1], "unknown") if found else "unknown"


def _reference_in(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("reference", [""])[0]
