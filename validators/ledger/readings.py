"""
What was read of each ledger, purchase by purchase, and when absence may be concluded. Pure.

Presence convicts from any reading. Absence only from a final one: the ledger was read in every
round, the last two readings are complete and hold the same of the purchase, and before the last
one every service of the shop was restarted. Clocks of ledgers are never looked at.
"""

from collections.abc import Iterable, Iterator
from typing import get_args

import msgspec

from drill.journal import Journal
from drill.payments import (
    Delivery,
    Effect,
    Grant,
    Ledger,
    LedgerRead,
    Order,
    Refund,
    Transaction,
    Usable,
)
from validators.ledger.join import BACKGROUND, STRAY, UNEXPECTED, Join, Row

LEDGERS: tuple[Ledger, ...] = get_args(Ledger)
NEEDED: tuple[Ledger, ...] = (
    "paystack.list",
    "paystack.verify",
    "paystack.refunds",
    "shop.orders",
    "shop.grants",
)
"""Without these nothing can be said of a purchase; the others are asked where they can be read."""


class Round(msgspec.Struct, frozen=True):
    """All that one round read of one ledger; rows by purchase, each once, in the order of ids."""

    t: float
    complete: bool
    after_restart: bool
    rows: dict[str, list[Row]]
    elsewhere: dict[str, list[Row]]
    torn: frozenset[str]
    """Purchases of which one row was read twice and differently: the list moved meanwhile."""
    background: int
    """How many rows of others the reader counted and did not keep."""


class Book:
    """One ledger as all rounds read it."""

    def __init__(self, ledger: Ledger, rounds: dict[int, Round], last: int) -> None:
        self.ledger = ledger
        self.rounds = rounds
        self.last = last
        self.unclaimed = any(
            _owns(row)
            for seen in rounds.values()
            for key in (UNEXPECTED, BACKGROUND)
            for row in seen.rows.get(key, [])
        )
        """Whether it holds something of nobody's, which an order not read might claim."""

    def now(self, key: str) -> list[Row] | None:
        """What the last round saw of a purchase; None if it did not read this ledger."""
        seen = self.rounds.get(self.last)
        return None if seen is None else seen.rows.get(key, [])

    def final(self, key: str) -> list[Row] | None:
        """What the ledger holds of a purchase for good; None where absence proves nothing."""
        first, last = self.rounds.get(self.last - 1), self.rounds.get(self.last)
        if first is None or last is None or not last.after_restart:
            return None
        if not (first.complete and last.complete) or set(self.rounds) < {*range(1, self.last + 1)}:
            return None
        if key in first.torn | last.torn or STRAY in last.rows or STRAY in first.rows:
            return None
        now, there = last.rows.get(key, []), last.elsewhere.get(key, [])
        same = first.rows.get(key, []) == now and first.elsewhere.get(key, []) == there
        return now if same else None

    def ever(self, key: str) -> Iterator[Row]:
        """Every row of a purchase that any reading saw; the newest reading first."""
        for number in sorted(self.rounds, reverse=True):
            yield from self.rounds[number].rows.get(key, [])

    def elsewhere(self, key: str) -> Iterator[Row]:
        """Every row that any reading saw in wrong hands."""
        for seen in self.rounds.values():
            yield from seen.elsewhere.get(key, [])

    @property
    def complete(self) -> bool:
        """Whether no reading of it was cut short; true where nobody tried."""
        return all(seen.complete for seen in self.rounds.values())

    @property
    def t(self) -> float | None:
        """When it was read last, by the drill's clock."""
        return max((seen.t for seen in self.rounds.values()), default=None)

    def why_not_final(self) -> str:
        """What is missing for a conclusion from absence, for most purchases; empty if nothing."""
        if not self.rounds:
            return f"{self.ledger} was not read"
        last, before = self.rounds.get(self.last), self.rounds.get(self.last - 1)
        if last is None or set(self.rounds) < {*range(1, self.last + 1)}:
            return f"{self.ledger} was not read in every round"
        if before is None or not last.after_restart:
            return f"{self.ledger} was not read twice, the second time after the restart"
        if not (before.complete and last.complete):
            return f"{self.ledger} was not read to its end"
        if STRAY in last.rows or STRAY in before.rows:
            return f"{self.ledger} has rows that name nobody"
        return ""


Books = dict[Ledger, Book]


def books_of(journal: Journal, join: Join) -> Books:
    """Every ledger, read or not."""
    reads: dict[Ledger, dict[int, list[LedgerRead]]] = {ledger: {} for ledger in LEDGERS}
    for read in journal.every(LedgerRead):
        reads[read.ledger].setdefault(read.round, []).append(read)
    last = max((number for rounds in reads.values() for number in rounds), default=0)
    return {
        ledger: Book(ledger, {n: _round(each, join) for n, each in rounds.items()}, last)
        for ledger, rounds in reads.items()
    }


def _round(reads: list[LedgerRead], join: Join) -> Round:
    rows: dict[str, dict[str, Row]] = {}
    elsewhere: dict[str, dict[str, Row]] = {}
    torn = set()
    for row in (row for read in reads for row in rows_of(read)):
        joined = join.of(row)
        name = identity(row)
        known = rows.setdefault(joined.key, {})
        if name in known and known[name] != row:
            torn.add(joined.key)
            row = min(row, known[name], key=msgspec.json.encode)  # noqa: PLW2901 - either, but one
        known[name] = row
        if joined.elsewhere:
            elsewhere.setdefault(joined.elsewhere, {})[name] = row
    return Round(
        t=max(read.t for read in reads),
        complete=any(read.complete for read in reads),
        after_restart=all(read.after_restart for read in reads),
        rows={key: _sorted(known) for key, known in rows.items()},
        elsewhere={key: _sorted(known) for key, known in elsewhere.items()},
        torn=frozenset(torn),
        background=max(read.background for read in reads),
    )


def _sorted(known: dict[str, Row]) -> list[Row]:
    return [known[name] for name in sorted(known)]


def rows_of(read: LedgerRead) -> Iterable[Row]:
    """All rows of one reading; each ledger fills its own list."""
    return (
        *read.transactions,
        *read.refunds,
        *read.deliveries,
        *read.orders,
        *read.grants,
        *read.effects,
        *read.usable,
    )


def identity(row: Row) -> str:
    """Equal for the same row seen twice."""
    if isinstance(row, Transaction):
        return f"{row.id}|{row.reference}"
    if isinstance(row, Effect):
        return f"{row.kind}|{row.key}|{row.order}"
    if isinstance(row, Usable):
        return f"{row.customer.casefold()}|{row.product}"
    if isinstance(row, Delivery):
        return f"{row.id}|{row.event}|{row.reference}"
    return str(row.id)


def nobodys(books: Books) -> tuple[set[str], int]:
    """Rows of this run that join to no intent, as `ledger id`, and how many are of others."""
    unexpected: set[str] = set()
    background: set[str] = set()
    uncounted = 0
    for book in books.values():
        if book.ledger in {"paystack.verify", "paystack.deliveries", "shop.session"}:
            continue  # Asked by name: what they know is in the other ledgers as well.
        uncounted += max((seen.background for seen in book.rounds.values()), default=0)
        for seen in book.rounds.values():
            unexpected |= {_told(book, row) for row in seen.rows.get(UNEXPECTED, []) if _owns(row)}
            for key in (BACKGROUND, STRAY):
                background |= {_told(book, row) for row in seen.rows.get(key, [])}
    return unexpected, uncounted + len(background)


def _told(book: Book, row: Row) -> str:
    return f"{book.ledger} {identity(row)}"


def _owns(row: Row) -> bool:
    """Whether a row that nobody meant gives or takes anything; else it may lie there."""
    if isinstance(row, Grant):
        return row.active
    if isinstance(row, Order):
        return row.state not in {"open", "cancelled", "other"}
    if isinstance(row, Transaction):
        return row.status in {"success", "reversed", "reversal-pending"}
    return isinstance(row, Refund | Effect)
