"""
The money of one purchase: the rows of the table that the readings leave possible. Pure.

Amounts are judged against the environment's own price list, never against the order: shop and
Paystack may agree on a wrong one.
"""

from collections.abc import Iterable, Sequence

import msgspec

from drill.payments import PaymentsPlanned, Price, Refund, RefundAsked, Transaction
from validators.ledger.join import Purchase
from validators.ledger.readings import Books
from validators.ledger.table import MONEY, UNCAPTURED, Money

CAPTURED = {"success", "reversed", "reversal-pending"}
OPEN = {"abandoned", "pending", "ongoing", "processing", "queued"}
FAILED = {"failed"}
SETTLED, MOVING, REFUSED = {"processed"}, {"pending", "processing"}, {"failed", "needs-attention"}
AFTER_CAPTURE: frozenset[Money] = frozenset(MONEY) - UNCAPTURED
OF_ONE: frozenset[Money] = frozenset(
    {
        "one",
        "one_partly_refunded",
        "one_in_flight",
        "one_failed",
        "one_refunded",
        "over_refunded",
    }
)
OF_SHORT: frozenset[Money] = frozenset(
    {"short_kept", "short_in_flight", "short_refunded", "one_failed", "over_refunded"}
)
OF_MORE: frozenset[Money] = frozenset(
    {
        "two_kept",
        "two_surplus_in_flight",
        "two_surplus_failed",
        "two_surplus_refunded",
        "two_both_refunded",
        "one_failed",
        "one_in_flight",
        "short_kept",
        "over_refunded",
    }
)


class Funds(msgspec.Struct, frozen=True):
    """
    What is known of a purchase's money.

    Attributes:
        rows: The rows of the table that may be true; one if everything needed was read.

        captures: Every capture that any reading saw, each once.

        refunds: Every refund that any reading saw, each once, as far as it came.

        exact: Whether there can be no other capture.

        short: Whether any capture was not of the price list's amount and currency.
    """

    rows: frozenset[Money]
    captures: tuple[Transaction, ...]
    refunds: tuple[Refund, ...]
    exact: bool
    short: bool

    @property
    def references(self) -> frozenset[str]:
        """The references that were captured."""
        return frozenset(each.reference for each in self.captures)


def funds_of(purchase: Purchase, books: Books, planned: PaymentsPlanned) -> Funds:
    """Read list, verifications and refunds of one purchase together."""
    key = purchase.key
    final = _agreed(books, key)
    captures = _captures(books, key)
    exact = final is not None and {each.id for each in captures} == {
        each.id for each in final if each.status in CAPTURED
    }
    refunds = _furthest(_refunds(books["paystack.refunds"].ever(key)))
    settled = books["paystack.refunds"].final(key)
    price = next((each for each in planned.prices if each.product == purchase.product), None)
    rightness = {right(each, price, purchase.quantity) for each in captures}
    back = [each for each in refunds if each.status in SETTLED]
    if not planned.refunds_settle and settled is not None:
        # Where refunds stay pending one that is on its way is as good as done, if it is still so.
        back += [each for each in _refunds(settled) if each.status in MOVING]
    if any(_over(each, back, purchase.asked) for each in captures):
        rows = frozenset[Money]({"over_refunded"})
    elif exact and not captures:
        is_open = any(each.status in OPEN for each in final or ())
        rows = frozenset[Money]({"open" if is_open else "none"})
    elif exact and settled is not None and None not in rightness:
        states = []
        for each in captures:
            is_right = bool(right(each, price, purchase.quantity))
            # Fees that the customer bore are not the shop's to give back.
            whole = price.amount * purchase.quantity if price and is_right else each.amount
            states.append((_state(each, _refunds(settled), whole), is_right))
        rows = frozenset({_row(states)})
    else:
        rows = _possible(captures, rightness, exact=exact)
    return Funds(rows, captures, refunds, exact, short=False in rightness)


def _possible(
    captures: Sequence[Transaction], rightness: set[bool | None], *, exact: bool
) -> frozenset[Money]:
    """The rows that remain where something needed was not read."""
    if not captures:
        return frozenset(MONEY)
    if len(captures) > 1:
        return OF_MORE
    if not exact:
        return AFTER_CAPTURE
    if None in rightness:
        return OF_ONE | OF_SHORT
    return OF_ONE if True in rightness else OF_SHORT


def right(each: Transaction, price: Price | None, quantity: int) -> bool | None:
    """Whether currency and amount are those of the price list, fees borne by the customer aside."""
    if price is None:
        return None
    expected = price.amount * quantity
    if each.currency != price.currency or each.amount < expected:
        return False
    explained = (each.amount - (each.fees or 0), each.requested_amount)
    return each.amount == expected or expected in explained


def _agreed(books: Books, key: str) -> list[Transaction] | None:
    """What list and verifications hold for good; None if either is unread or they disagree."""
    listed, verified = books["paystack.list"].final(key), books["paystack.verify"].final(key)
    if listed is None or verified is None or _might_be_claimed(books):
        return None
    rows = [row for row in listed if isinstance(row, Transaction)]
    asked = [row for row in verified if isinstance(row, Transaction)]
    if any(row.status not in CAPTURED | OPEN | FAILED for row in (*rows, *asked)):
        return None
    if {_gist(row) for row in rows} != {_gist(row) for row in asked}:
        return None
    return rows


def _might_be_claimed(books: Books) -> bool:
    """Whether a capture under another address may be of a purchase whose order was not read."""
    unclaimed = books["paystack.list"].unclaimed or books["paystack.verify"].unclaimed
    return unclaimed and bool(books["shop.orders"].why_not_final())


def _gist(row: Transaction) -> tuple[int, str, str, int, str]:
    """What list and verification must say alike; states before the capture are one."""
    status = "open" if row.status in OPEN else row.status
    return row.id, row.reference, status, row.amount, row.currency


def _captures(books: Books, key: str) -> tuple[Transaction, ...]:
    """Every capture that any reading saw; as the newest list says where it says anything."""
    found: dict[int, Transaction] = {}
    for book in (books["paystack.list"], books["paystack.verify"]):
        for row in book.ever(key):
            if isinstance(row, Transaction) and row.status in CAPTURED:
                found.setdefault(row.id, row)
    return tuple(found[each] for each in sorted(found))


def _refunds(rows: Iterable[object]) -> list[Refund]:
    return [row for row in rows if isinstance(row, Refund)]


def _furthest(refunds: Iterable[Refund]) -> tuple[Refund, ...]:
    """Each refund once; money that was given back stays given back."""
    found: dict[int, Refund] = {}
    for row in refunds:
        if row.id not in found or row.status in SETTLED:
            found[row.id] = row
    return tuple(found[each] for each in sorted(found))


def _over(capture: Transaction, back: Iterable[Refund], asked: Sequence[RefundAsked]) -> bool:
    """Whether more went back than came in, or one request was carried out more than once."""
    amounts = {each.id: each.amount for each in back if each.transaction == capture.id}
    total = sum(amounts.values())
    wished = [capture.amount if each.amount is None else each.amount for each in asked]
    twice = len(amounts) > len(wished) > 0 and total > sum(wished)
    return total > capture.amount or twice


def _state(capture: Transaction, refunds: Sequence[Refund], whole: int) -> str:
    """What became of one capture, of which *whole* is what can be asked back."""
    own = [each for each in refunds if each.transaction == capture.id]
    done = sum(each.amount for each in own if each.status in SETTLED)
    moving = sum(each.amount for each in own if each.status not in SETTLED | REFUSED)
    refused = max((each.amount for each in own if each.status in REFUSED), default=0)
    if capture.status == "reversed" or done >= whole:
        return "refunded"
    if done + moving >= whole:
        return "in_flight"
    if refused > done + moving:
        return "failed"
    if done + moving:
        return "partly"
    return "in_flight" if capture.status == "reversal-pending" else "kept"


def _row(states: Sequence[tuple[str, bool]]) -> Money:
    """The row of the table, from what became of each capture and whether its amount was right."""
    if len(states) == 1:
        return _row_of_one(*states[0])
    became = {state for state, _ in states}
    kept = [is_right for state, is_right in states if state in {"kept", "partly"}]
    if len(kept) > 1:
        return "two_kept"
    rows: dict[str, tuple[Money, Money]] = {
        "failed": ("two_surplus_failed", "one_failed"),
        "in_flight": ("two_surplus_in_flight", "one_in_flight"),
        "refunded": ("two_surplus_refunded" if all(kept) else "short_kept", "two_both_refunded"),
    }
    surplus = next(state for state in rows if state in became)
    return rows[surplus][0 if kept else 1]


def _row_of_one(state: str, is_right: bool) -> Money:  # noqa: FBT001 - a pair, unpacked
    rows: dict[tuple[str, bool], Money] = {
        ("kept", True): "one",
        ("kept", False): "short_kept",
        ("partly", True): "one_partly_refunded",
        ("partly", False): "short_kept",
        ("in_flight", True): "one_in_flight",
        ("in_flight", False): "short_in_flight",
        ("refunded", True): "one_refunded",
        ("refunded", False): "short_refunded",
    }
    return rows.get((state, is_right), "one_failed")
