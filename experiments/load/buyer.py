"""
What a customer does step by step, and what the customer is told on the way.

Written as plain blocking code: in the generator every wait yields to the other customers.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import cycle
from urllib.parse import parse_qs, urlsplit

import msgspec

from drill.payments import Begun, RefundAsked, Said, Told, Via
from experiments.load.pages import Element, Page, Statement, statement
from experiments.load.purchases import Card
from experiments.load.tab import Tab
from experiments.load.wire import (
    CHECKOUT,
    PURCHASE_LIMIT_S,
    Errand,
    Message,
    Site,
    short,
)

ENTER_TRIES, BUY_TRIES, PAGE_STEPS, LOOKS, HOPS = 20, 20, 8, 12, 4
AGAIN_S = 2.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
Form = Mapping[str, str]
FIELDS = ("card-number", "card-pin", "card-otp")


def _card(number: str, cvv: str, pin: str = "", otp: str = "") -> Mapping[str, Form]:
    first = {"card_number": number, "card_expiry": "12/30", "card_cvv": cvv}
    return {"card-number": first, "card-pin": {"card_pin": pin}, "card-otp": {"card_otp": otp}}


# Paystack's published test cards; no other is ever typed in.
CARDS: Mapping[Card, Mapping[str, Form]] = {
    "captured": _card("4084084084084081", "408"),
    "pin": _card("507850785078507812", "081", pin="1111"),
    "pin_otp": _card("5060666666666666666", "123", pin="1234", otp="123456"),
    "declined": _card("4084080000005408", "001"),
    "insufficient": _card("4084080000670037", "787"),
}


class World(msgspec.Struct, frozen=True):
    """
    What all customers of a process share.

    Attributes:
        say: Writes a record down, without waiting.

        now: Seconds from the drill's start.

        open_tab: A new session.

        late: Told how many seconds after its time a wait ended.

        paid_references: References that other customers have paid lately.
    """

    site: Site
    say: Callable[[Message], None]
    now: Callable[[], float]
    open_tab: Callable[[], Tab]
    late: Callable[[float], None]
    paid_references: deque[str]


class Buyer:
    """The customer of one intent."""

    def __init__(self, errand: Errand, world: World) -> None:
        self.errand = errand
        self.world = world
        self.purchase = errand.purchase
        self.order = self.reference = ""
        self.payable = False
        self.said: Said = "never"
        self.last: Told | None = None
        self._begun = self._sent = self._refused = False
        self._thinks = cycle(errand.purchase.thinks_s or (0.0,))
        self._until = time.monotonic() + PURCHASE_LIMIT_S

    @property
    def left_s(self) -> float:
        """Of the limit for the whole purchase."""
        return self._until - time.monotonic()

    def think(self) -> None:
        """Wait as long as this customer thinks before the next step."""
        self.wait(next(self._thinks))

    def wait(self, seconds: float) -> None:
        """Wait, and tell how late the wait ended: that is the load's own doing."""
        due = time.monotonic() + seconds
        time.sleep(seconds)
        self.world.late(time.monotonic() - due)

    def tell(self, said: Said, via: Via, detail: str) -> None:
        """Write down a statement, unless it is the last one over again."""
        self.said = said
        self._refused = said == "refused" or (self._refused and said != "corrected")
        told = Told(
            t=self.world.now(),
            intent=self.purchase.id,
            said=said,
            via=via,
            detail=short(detail),
            reference=self.reference,
            order=self.order,
        )
        last = self.last
        if last and msgspec.structs.replace(last, t=told.t, detail=told.detail) == told:
            return
        self.last = told
        self.world.say(told)

    def hear(self, page: Page, *, own: bool = True) -> Statement:
        """Write down what a page of the shop says; one that is not *own* names another's order."""
        heard = statement(page, payable=self.payable)
        if own:
            self.order = heard.order or self.order
            self.reference = heard.reference or self.reference
        self.tell(heard.said, "page", heard.detail)
        return heard

    def begin(self) -> None:
        """The first byte of the intent is about to leave."""
        if not self._begun:
            self._begun = True
            self.world.say(Begun(t=self.world.now(), intent=self.purchase.id))

    def conclude(self) -> None:
        """Say it where no byte of the purchase ever left, whatever the customer made of that."""
        if self._begun and not self._sent:
            self.tell("unsent", "load", "there was never a connection to the shop")

    def enter(self, tab: Tab) -> bool:
        """Sign up, or sign in where the account is there already; False if neither works."""
        form = {"email": self.errand.email, "password": self.world.site.password}
        page = Page(0)
        for _ in range(ENTER_TRIES):
            page = tab.post("/signup", form)
            if page.status == 422:  # noqa: PLR2004 - there is an account: a former answer was lost
                page = tab.post("/signin", form)
            if page.status in REDIRECTS:
                return True
            if self.left_s < AGAIN_S:
                break
            self.wait(AGAIN_S)
        if not self._begun:
            why = page.problem or f"HTTP {page.status}"
            self.tell("unsent", "load", f"could not sign in, so nothing was bought: {why}")
        return False

    def press_buy(self, tab: Tab) -> str:
        """
        Press the button until there is Paystack's page, or something better or final.

        Returns:
            The page's address; empty if the customer was told something else instead.
        """
        form = {"product": self.purchase.product}
        for _ in range(BUY_TRIES):
            self.begin()
            page = tab.post("/buy", form)
            self._sent = self._sent or page.sent
            where = urlsplit(page.location)
            if page.status in REDIRECTS and where.hostname == CHECKOUT:
                self.payable = True
                return page.location
            if where.path == "/signin":
                if not self.enter(tab):
                    return ""
                continue
            heard = self.follow(tab, page)
            asks_to_wait = heard.said == "unknown" and "checkout-message" in page.elements
            if heard.said in ("paid", "corrected") or asks_to_wait or self.left_s < AGAIN_S:
                return ""
            self.wait(AGAIN_S)
        return ""

    def pay(self, tab: Tab, url: str, card: Card | None = None) -> Page:
        """
        Fill in the hosted page, whatever it asks for.

        Returns:
            The last page: one with a way back once it is paid.
        """
        forms, typed = CARDS[card or self.purchase.card], False
        page = tab.hosted("GET", url)
        for _ in range(PAGE_STEPS):
            field = next((name for name in FIELDS if name in page.elements), "")
            refused = "card-error" in page.elements
            if page.location or (refused and (typed or not field)) or self.left_s < 0:
                break
            if not field:
                # The page itself shows how the payment stands, so it is looked at, not sent again.
                said = page.problem or f"HTTP {page.status}"
                self.tell("unknown", "page", f"hosted page: {said}")
                self.wait(AGAIN_S)
                page, typed = tab.hosted("GET", url), False
                continue
            self.think()
            typed = field == "card-number"
            if self._refused:
                # That nothing was charged was true until now: it is no claim on what follows.
                self.tell("corrected", "request", "the customer goes on to pay after a refusal")
            page = tab.hosted("POST", f"{url}/pay", forms[field])
        error = page.elements.get("card-error")
        if page.location:
            self.remember_reference(page.location)
        elif error:
            self.tell("refused", "page", f"hosted page: {error.text}")
        return page

    def remember_reference(self, location: str) -> None:
        """The reference in a way back to the shop is this customer's own."""
        found = parse_qs(urlsplit(location).query).get("reference")
        self.reference = found[0] if found else self.reference

    def cancel(self, tab: Tab, url: str) -> None:
        """Cancel on the hosted page, and hear what the shop says to it."""
        page = tab.hosted("POST", f"{url}/cancel", {})
        if page.location:
            self.remember_reference(page.location)
            self.follow(tab, tab.get(page.location, "/checkout/cancelled"))
        else:
            self.tell("unknown", "page", page.problem or "cancelled, and not sent back")

    def follow(self, tab: Tab, page: Page, *, own: bool = True) -> Statement:
        """Go where a page sends the customer, and hear the last one."""
        for _ in range(HOPS):
            if page.status not in REDIRECTS or not page.location:
                break
            path = urlsplit(page.location).path
            if path == "/signin":
                break
            if own and path.startswith("/orders/"):
                self.order = path.rpartition("/")[2]
            name = "/orders/{id}" if path.startswith("/orders/") else path
            page = tab.get(page.location, name)
        return self.hear(page, own=own)

    def come_back(self, tab: Tab, location: str, looks: int = LOOKS) -> None:
        """Back from Paystack: hear the shop, and find out where it did not say."""
        self.follow(tab, tab.get(location, "/checkout/callback"))
        for _ in range(looks):
            if self.said != "unknown" or self.left_s < AGAIN_S:
                break
            self.wait(AGAIN_S)
            own = f"/orders/{self.order}" if self.order else location
            self.follow(tab, tab.get(own, "/orders/{id}" if self.order else "/checkout/callback"))

    def see_pass(self, tab: Tab, looks: int = LOOKS) -> bool:
        """Look at the dashboard until what was bought is there."""
        for look in range(looks):
            page = tab.get("/dashboard")
            shown: Element | None = page.elements.get(f"pass-{self.purchase.product}")
            if shown:
                self.order = self.order or shown.attributes.get("data-order", "")
                self.tell("paid", "dashboard", f"the dashboard shows {self.purchase.product}")
                return True
            if self.left_s < AGAIN_S or look == looks - 1:
                break
            self.wait(AGAIN_S)
        return False

    def write_to_support(self, tab: Tab) -> None:
        """Ask people; whatever they answer is not this customer's story any more."""
        text = f"I may have paid for {self.purchase.product} and cannot see it. {self.reference}"
        tab.post("/support", {"message": text})

    def ask_refund(self, tab: Tab, amount: int | None) -> None:
        """Ask for money back, once; an answer that is lost is not asked for again."""
        site = self.world.site
        path = site.refund_path.replace("{order}", self.order)
        body = "" if amount is None else msgspec.json.encode({"amount": amount}).decode()
        self.world.say(
            RefundAsked(t=self.world.now(), intent=self.purchase.id, amount=amount),
        )
        headers = {site.refund_header: site.refund_key}
        page = tab.send("POST", path, name="refund", json=(body, headers))
        what = page.problem or f"HTTP {page.status}: {page.text}"
        accepted = page.status in (200, 201, 202)
        self.tell("corrected" if accepted else "unknown", "request", f"refund asked, {what}")
