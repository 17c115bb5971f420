"""What the shop's pages say, read by their test ids; and what that means for an intent. Pure."""

from collections.abc import Mapping
from html.parser import HTMLParser

import msgspec

from drill.payments import Said
from experiments.load.wire import short

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
MESSAGE = "checkout-message"
OUTCOMES: Mapping[str, Said] = {
    "paid": "paid",
    "failed": "refused",
    "cancelled": "refused",
    "unavailable": "refused",
    "pending": "unknown",
}
REFUNDED = frozenset({"refunding", "refunded"})
NOT_CHARGED = ("not been charged", "nothing was charged for", "nothing was charged.")


class Element(msgspec.Struct):
    """An element with a test id."""

    attributes: Mapping[str, str]
    text: str = ""


class Page(msgspec.Struct, frozen=True):
    """
    An answer, or why there is none.

    Attributes:
        status: The HTTP status; 0 if no whole answer came.

        location: Where it sends the customer, empty if nowhere.

        problem: Why no whole answer came.

        sent: False if certainly no byte left: there was no connection.
    """

    status: int
    text: str = ""
    location: str = ""
    problem: str = ""
    sent: bool = True

    @property
    def elements(self) -> Mapping[str, Element]:
        """The elements by test id; of several the first."""
        reader = _Reader()
        reader.feed(self.text)
        return reader.found


class Statement(msgspec.Struct, frozen=True):
    """What a customer is told, and what it names."""

    said: Said
    detail: str
    order: str = ""
    reference: str = ""


class _Reader(HTMLParser):
    """Collects elements with a test id, and the text inside each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Element] = {}
        self._open: list[tuple[str, Element | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("data-testid", "")
        element = Element(given) if name else None
        if element:
            self.found.setdefault(name, element)
        if tag not in VOID:
            self._open.append((tag, element))

    def handle_endtag(self, tag: str) -> None:
        tags = [name for name, _ in self._open]
        if tag in tags:
            del self._open[len(tags) - 1 - tags[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        for _, element in self._open:
            if element:
                element.text += data


def statement(page: Page, *, payable: bool) -> Statement:
    """
    What a page of the shop says about the customer's own purchase.

    Args:
        page: As it came.

        payable: Whether the customer was on Paystack's page before: "nothing was charged by this
            click" then says nothing about the purchase.
    """
    elements = page.elements
    message = elements.get(MESSAGE)
    if page.problem or message is None:
        return Statement("unknown", _no_message(page, elements))
    order = elements.get("order-id") or Element({})
    receipt = elements.get("receipt") or Element({})
    reference = elements.get("payment-reference") or Element({})
    return Statement(
        _said(message, payable=payable),
        short(f"{_labels(message)}: {message.text}"),
        order=(order.text or receipt.attributes.get("data-order", "")).strip(),
        reference=reference.text.strip(),
    )


def _said(message: Element, *, payable: bool) -> Said:
    outcome = message.attributes.get("data-outcome", "")
    reason = message.attributes.get("data-reason", "")
    text = " ".join(message.text.split()).lower()
    if message.attributes.get("data-order-state", "") in REFUNDED:
        return "corrected"
    if reason == "elsewhere":
        return "unknown"  # about somebody else's payment
    if reason == "storage":
        return "refused" if outcome == "unavailable" and not payable else "unknown"
    if any(claim in text for claim in NOT_CHARGED):
        return "refused"
    return OUTCOMES.get(outcome, "unknown")


def _labels(message: Element) -> str:
    names = ("data-outcome", "data-reason", "data-order-state")
    return " ".join(filter(None, (message.attributes.get(name, "") for name in names)))


def _no_message(page: Page, elements: Mapping[str, Element]) -> str:
    if page.problem:
        return short(page.problem)
    for name in ("away", "not-found"):
        if name in elements:
            return short(f"HTTP {page.status}, {name}: {elements[name].text}")
    where = f" to {page.location}" if page.location else ""
    return f"HTTP {page.status}{where} without a word about the payment"
