"""
Whose a row is: purchases, and the join by e-mail, then reference, then order. Pure.

A purchase is the unit of judgement: one intent, or for a `once_only` product all intents of one
customer for it, so that two tabs with two references and two orders are still one purchase.
"""

from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

from drill.events import Event
from drill.journal import Journal
from drill.payments import (
    Begun,
    Canary,
    Delivery,
    Effect,
    Grant,
    Intended,
    LedgerRead,
    Order,
    PaymentsPlanned,
    Refund,
    RefundAsked,
    Stratum,
    Told,
    Transaction,
    Usable,
)

Said = TypeVar("Said", Told, RefundAsked)
Row = Transaction | Refund | Delivery | Order | Grant | Effect | Usable
UNEXPECTED: Literal["unexpected"] = "unexpected"
"""A row of this run that joins to no intent."""
BACKGROUND: Literal["background"] = "background"
"""A row of somebody else: counted, not judged."""
STRAY: Literal["stray"] = "stray"
"""A row without an address that joins to nothing read so far: it might be anybody's."""


class Purchase(msgspec.Struct, frozen=True):
    """One decision to own one product, with all that was said about it, in order."""

    key: str
    intents: tuple[str, ...]
    email: str
    product: str
    quantity: int
    stratum: Stratum
    canary: Canary
    begun: float | None
    told: tuple[Told, ...]
    asked: tuple[RefundAsked, ...]

    @property
    def references(self) -> tuple[str, ...]:
        """The references that its customer met, each once."""
        return tuple(dict.fromkeys(each.reference for each in self.told if each.reference))


def purchases_of(journal: Journal, planned: PaymentsPlanned) -> dict[str, Purchase]:
    """Every purchase by its key, the name of its first intent; canaries too."""
    once = {price.product for price in planned.prices if price.once_only}
    groups: dict[tuple[str, str], list[Intended]] = {}
    for intent in journal.every(Intended):
        unit = intent.product if intent.product in once else intent.id
        groups.setdefault((intent.email.casefold(), unit), []).append(intent)
    begun: dict[str, float] = {}
    for start in journal.every(Begun):
        begun.setdefault(start.intent, start.t)
    said, wished = _by_intent(journal.every(Told)), _by_intent(journal.every(RefundAsked))
    purchases: dict[str, Purchase] = {}
    for group in groups.values():
        first, names = group[0], tuple(intent.id for intent in group)
        purchases[first.id] = Purchase(
            key=first.id,
            intents=names,
            email=first.email.casefold(),
            product=first.product,
            quantity=first.quantity,
            stratum=first.stratum,
            canary=first.canary,
            begun=min((begun[name] for name in names if name in begun), default=None),
            told=_in_order(said, names),
            asked=_in_order(wished, names),
        )
    return purchases


def _by_intent(events: Iterable[Said]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = {}
    for event in events:
        found.setdefault(event.intent, []).append(event)
    return found


def _in_order(said: dict[str, list[Said]], names: tuple[str, ...]) -> tuple[Said, ...]:
    return tuple(sorted((each for n in names for each in said.get(n, [])), key=_at))


def _at(event: Event) -> float:
    return event.t


class Joined(msgspec.Struct, frozen=True):
    """The purchase a row belongs to; *key* may be one of the three words for none."""

    key: str
    elsewhere: str = ""
    """The purchase it was bought by, if it is in other hands or of another product."""


class Join:
    """Finds the purchase of a row; everything that any reading said is known to it."""

    def __init__(self, journal: Journal, planned: PaymentsPlanned) -> None:
        self.purchases = purchases_of(journal, planned)
        self._mark = f"-{planned.run.casefold()}@"
        self._emails: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._orders: dict[str, str] = {}
        self._transactions: dict[int, str] = {}
        for purchase in self.purchases.values():
            self._emails.setdefault(purchase.email, purchase.key)
            for told in purchase.told:
                _learn(self._references, told.reference, purchase.key)
                _learn(self._orders, told.order, purchase.key)
        self._read(list(journal.every(LedgerRead)))

    def _read(self, reads: list[LedgerRead]) -> None:
        """Learn references and orders in an order of precedence, never in that of the rows."""
        transactions = sorted(
            (row for read in reads for row in read.transactions),
            key=lambda row: (row.id, row.reference, row.email),
        )
        orders = sorted(
            (row for read in reads for row in read.orders), key=lambda row: (row.id, row.customer)
        )
        for row in transactions:
            if owner := self._by_email(row.email):
                _learn(self._references, row.reference, owner)
        for order in orders:
            if owner := self._by_email(order.customer):
                _learn(self._orders, order.id, owner)
                for reference in order.references:
                    _learn(self._references, reference, owner)
        for row in transactions:
            self._transactions.setdefault(row.id, self.of(row).key)

    def _by_email(self, email: str) -> str:
        return self._emails.get(email.casefold(), "")

    def of(self, row: Row) -> Joined:
        """Join one row."""
        if isinstance(row, Refund):
            key = self._transactions.get(row.transaction, "")
            return Joined(key or self._references.get(row.reference, BACKGROUND))
        if isinstance(row, Delivery):
            return Joined(self._references.get(row.reference, BACKGROUND))
        customer = row.email if isinstance(row, Transaction) else row.customer
        bought = self._bought(row)
        owner = self._by_email(customer)
        if isinstance(row, Grant):
            return self._granted(row, owner or self._nobody(customer), bought)
        return Joined(owner or bought or self._nobody(customer))

    def _bought(self, row: "Transaction | Order | Grant | Effect | Usable") -> str:
        """The purchase that a row's reference or order belongs to."""
        if isinstance(row, Usable):
            return ""
        if isinstance(row, Transaction):
            return self._references.get(row.reference, "")
        if isinstance(row, Order):
            found = (self._references.get(each, "") for each in sorted(row.references))
            return next((key for key in found if key), "") or self._orders.get(row.id, "")
        # What a row was made for is its order; the reference only pays for that.
        return self._orders.get(row.order, "") or self._references.get(row.reference, "")

    def _granted(self, grant: Grant, owner: str, bought: str) -> Joined:
        """A grant is its holder's; the purchase it belongs to may be another's."""
        if "@" not in grant.customer and bought:
            owner = bought
        holder = self.purchases.get(owner)
        if holder is not None and grant.product != holder.product:
            return Joined(owner, elsewhere=bought or owner)
        return Joined(owner, elsewhere=bought if bought != owner else "")

    def _nobody(self, customer: str) -> str:
        if self._mark in customer.casefold():
            return UNEXPECTED
        return BACKGROUND if "@" in customer else STRAY


def _learn(known: dict[str, str], name: str, key: str) -> None:
    if name:
        known.setdefault(name, key)
