"""All purchases of a drill, each with what it is; the pure heart of `loses_nothing`."""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from drill.events import PlannedFault
from drill.journal import Journal
from drill.payments import (
    Canary,
    Delivery,
    Ledger,
    Order,
    PaymentsPlanned,
)
from drill.payments_judged import EITHER_WAY, NAMES, Name
from drill.verdict import Verdict
from validators.ledger.exposure import due_of, faults_of, met_by, sensitivity
from validators.ledger.join import Join, Purchase
from validators.ledger.money import MOVING, SETTLED, Funds, funds_of
from validators.ledger.possible import Axes, Outcome, axes_of, outcome_of
from validators.ledger.readings import NEEDED, Books, books_of, nobodys
from validators.ledger.table import UNCAPTURED, Policy

CLASSES: tuple[str, ...] = (*NAMES, EITHER_WAY)
CANARIES: tuple[Canary, ...] = ("paid", "declined", "abandoned", "forged")


class Judged(msgspec.Struct, frozen=True):
    """One purchase: what may be true of it, what it is, and the faults that it met."""

    purchase: Purchase
    axes: Axes
    funds: Funds
    outcome: Outcome
    faults: tuple[PlannedFault, ...]
    orders: tuple[Order, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def captured(self) -> bool:
        """Whether any reading saw its money taken."""
        return bool(self.funds.captures)

    @property
    def verdict(self) -> Verdict:
        """The worst of its classes."""
        return self.outcome.verdict

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that made its verdict, in the order of the table's names."""
        names = {each.name for each in self.outcome.classes}
        if not names and self.verdict is Verdict.FAIL:
            return (EITHER_WAY,)
        return tuple(name for name in NAMES if name in names)

    def failed(self, *names: Name) -> bool:
        """Whether it certainly fails as one of these."""
        return self.verdict is Verdict.FAIL and not set(names).isdisjoint(self.classes)

    @property
    def decided(self) -> bool:
        """Whether what was read tells every class that makes its verdict."""
        return bool(self.outcome.classes) and self.outcome.either == self.outcome.classes

    def __str__(self) -> str:
        """Its intents and references, as findings name it."""
        of_orders = {each for order in self.orders for each in order.references}
        references = sorted(self.funds.references or {*self.purchase.references} or of_orders)
        named = f" ({', '.join(references[:3])})" if references else ""
        return f"{'+'.join(self.purchase.intents)}{named}"


class Payments(msgspec.Struct, frozen=True):
    """
    What came of every purchase.

    Attributes:
        judged: Every purchase but the canaries.

        blind: Why the readings cannot be believed: what the canaries read.

        unexpected: Rows of this run that join to no intent.

        background: How many rows are other customers'.
    """

    planned: PaymentsPlanned
    books: Books
    judged: tuple[Judged, ...]
    canaries: tuple[Judged, ...]
    blind: tuple[str, ...]
    unexpected: tuple[str, ...]
    background: int

    @property
    def definite(self) -> list[Judged]:
        """The captured purchases that pass or fail."""
        return [each for each in self.judged if each.captured and each.verdict is not U]

    @property
    def exposed(self) -> int:
        """How many of them met a fault."""
        return sum(bool(each.faults) for each in self.definite)

    @property
    def sensitivity(self) -> str:
        """How rare a loss could have hidden."""
        return sensitivity(len(self.definite), self.exposed)

    def of(self, verdict: Verdict) -> list[Judged]:
        """The purchases of one verdict."""
        return [each for each in self.judged if each.verdict is verdict]

    def unread(self, *ledgers: Ledger) -> list[str]:
        """Which of these ledgers do not allow a conclusion from absence, and why."""
        return [why for each in ledgers if (why := self.books[each].why_not_final())]

    def asked(self) -> tuple[Ledger, ...]:
        """The ledgers that a purchase is judged by here."""
        beside: tuple[Ledger, ...] = ("shop.session", "shop.effects")
        return (*NEEDED, *(each for each in beside if each in self.planned.sights))


U = Verdict.UNKNOWN


def payments_of(journal: Journal) -> Payments | None:
    """Judge every purchase; None if the journal planned no payments."""
    return _payments_of(journal, len(journal.events))


@lru_cache(maxsize=2)
def _payments_of(journal: Journal, _length: int) -> Payments | None:
    """As `payments_of`, once for all checks: a journal only grows, so that its length names it."""
    planned = journal.last(PaymentsPlanned)
    if planned is None:
        return None
    join = Join(journal, planned)
    books, faults = books_of(journal, join), faults_of(journal)
    policy = Policy(planned.refund_revokes, planned.refunds_settle)
    judged = []
    for purchase in join.purchases.values():
        funds = funds_of(purchase, books, planned)
        due = due_of(purchase, books, faults, planned)
        axes = axes_of(purchase, books, planned, funds, due)
        judged.append(
            Judged(
                purchase=purchase,
                axes=axes,
                funds=funds,
                outcome=outcome_of(axes, policy),
                faults=met_by(purchase, books, faults),
                orders=tuple(_newest_orders(purchase, books)),
                deliveries=tuple(_newest_deliveries(purchase, books)),
            )
        )
    canaries = tuple(each for each in judged if each.purchase.canary)
    unexpected, background = nobodys(books)
    return Payments(
        planned=planned,
        books=books,
        judged=tuple(each for each in judged if not each.purchase.canary),
        canaries=canaries,
        blind=tuple(_blind(canaries)),
        unexpected=tuple(sorted(unexpected)),
        background=background,
    )


def _newest_orders(purchase: Purchase, books: Books) -> Iterator[Order]:
    seen: set[str] = set()
    for row in books["shop.orders"].ever(purchase.key):
        if isinstance(row, Order) and row.id not in seen:
            seen.add(row.id)
            yield row


def _newest_deliveries(purchase: Purchase, books: Books) -> Iterator[Delivery]:
    seen: set[str] = set()
    for row in books["paystack.deliveries"].ever(purchase.key):
        if isinstance(row, Delivery) and row.id not in seen:
            seen.add(row.id)
            yield row


def _blind(canaries: tuple[Judged, ...]) -> Iterator[str]:
    """What is wrong with the canaries: one paid must read 1, all others 0."""
    for kind in CANARIES:
        own = [each for each in canaries if each.purchase.canary == kind]
        if not own:
            yield f"no canary was {kind}"
        for each in own:
            rows, grants = each.axes.money, each.axes.grants
            if kind == "paid":
                seen = len(each.funds.captures) == 1 and rows.isdisjoint(UNCAPTURED)
                if not (seen and each.funds.exact and grants == {1}):
                    yield f"the paid canary {each} does not read as one capture and one grant"
            elif not (rows <= UNCAPTURED and grants == {0}):
                yield f"the {kind} canary {each} does not read as nothing captured and granted"


def at_risk(payments: Payments) -> dict[str, int]:
    """Money by currency that is held against what was handed out, over all that failed."""
    prices = {price.product: price for price in payments.planned.prices}
    counted = SETTLED if payments.planned.refunds_settle else SETTLED | MOVING
    total: dict[str, int] = {}
    for each in payments.of(Verdict.FAIL):
        held: dict[str, int] = {}
        for capture in each.funds.captures:
            held[capture.currency] = held.get(capture.currency, 0) + capture.amount
        for refund in each.funds.refunds:
            if refund.status in counted:
                held[refund.currency] = held.get(refund.currency, 0) - refund.amount
        price = prices.get(each.purchase.product)
        if price is not None:
            handed_out = price.amount * each.purchase.quantity * min(each.axes.grants)
            held[price.currency] = held.get(price.currency, 0) - handed_out
        for currency, amount in held.items():
            if amount:
                total[currency] = total.get(currency, 0) + abs(amount)
    return dict(sorted(total.items()))
