"""Which rows of the ledgers are of this run, and which are somebody else's. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import msgspec

from drill.payments import Delivery, Effect, Grant, Intended, Order, Refund, Transaction

Row = Transaction | Refund | Delivery | Order | Grant | Effect
R = TypeVar("R", bound=Row)
MASKED = "masked.invalid"
NAMELESS_KEPT = 20
HASH_LENGTH = 8
MARK_LIMIT = 48


def mark_of(run: str) -> str:
    """How a run is named in the addresses of its customers: in small letters, and not too long."""
    name = run.lower()
    if len(name) <= MARK_LIMIT:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:HASH_LENGTH]
    return f"{name[: MARK_LIMIT - HASH_LENGTH - 1].rstrip('-.')}-{tail}"


def _is_nameless(row: Row) -> bool:
    """Whether a row has no address, so that it could be anybody's."""
    match row:
        case Transaction():
            return "@" not in row.email
        case Order() | Grant() | Effect():
            return "@" not in row.customer
        case _:
            return False


class Own:
    """
    What joins rows to this run: addresses first, then references, transactions and orders.

    It learns from the rows themselves, to a fixpoint: an order of ours names references, and a
    grant by such a reference is ours to judge, even if somebody else got it.

    Args:
        intents: Every intent of the run.

        references: Those that customers were shown.

        orders: As *references*.
    """

    def __init__(
        self,
        intents: Iterable[Intended],
        references: Iterable[str] = (),
        orders: Iterable[str] = (),
    ) -> None:
        known = list(intents)
        self.emails = frozenset(intent.email.lower() for intent in known)
        self.references = {name for name in references if name}
        self._orders = {name for name in orders if name}
        self._transactions: set[int] = set()
        self._numbers: set[str] = set()
        # An address of this run that no intent has is still ours: nobody expects its rows.
        endings = {intent.email.lower().removeprefix(intent.id.lower()) for intent in known}
        self._endings = tuple(sorted(each for each in endings if each.startswith("-")))

    def has_address(self, email: str) -> bool:
        """Whether an address is one of this run's."""
        return email in self.emails or bool(self._endings and email.endswith(self._endings))

    def learn(self, rows: Collection[Row]) -> None:
        """Take in what *rows* join to us, until nothing more does."""
        left = list(rows)
        while True:
            ours: list[Row] = []
            others: list[Row] = []
            for row in left:
                (ours if self.has(row) else others).append(row)
            if not ours:
                return
            for row in ours:
                self._note(row)
            left = others

    def has(self, row: Row) -> bool:
        """Whether a row is of this run."""
        match row:
            case Transaction():
                return self.has_address(row.email) or row.reference in self.references
            case Refund():
                return row.transaction in self._transactions or row.reference in self.references
            case Delivery():
                return row.reference in self.references or row.reference in self._numbers
            case Order():
                return (
                    self.has_address(row.customer)
                    or row.id in self._orders
                    or not self.references.isdisjoint(row.references)
                )
            case _:
                return (
                    self.has_address(row.customer)
                    or row.order in self._orders
                    or row.reference in self.references
                )

    def kept(self, rows: Sequence[R]) -> tuple[list[R], int]:
        """
        The rows of this run, with nobody else's address in them, and how many others.

        Some that name nobody at all are kept: they might be ours, so nothing can be concluded from
        what is missing.
        """
        ours: list[R] = [row for row in rows if self.has(row)]
        nameless: list[R] = [row for row in rows if _is_nameless(row) and not self.has(row)]
        kept = [self._masked(row) for row in (*ours, *nameless[:NAMELESS_KEPT])]
        return kept, len(rows) - len(kept)

    def _note(self, row: Row) -> None:
        match row:
            case Transaction():
                self._transactions.add(row.id)
                self._numbers.add(f"#{row.id}")
                self.references.add(row.reference)
            case Order():
                self._orders.add(row.id)
                self.references.update(row.references)
            case Grant() | Effect():
                self._orders |= {row.order} - {""}
                self.references |= {row.reference} - {""}

    def _masked(self, row: R) -> R:
        match row:
            case Transaction():
                return msgspec.structs.replace(row, email=self._shown(row.email))
            case Order() | Grant() | Effect():
                return msgspec.structs.replace(row, customer=self._shown(row.customer))
            case _:
                return row

    def _shown(self, email: str) -> str:
        """An address of this run as it is; any other only so that two can be told apart."""
        if not email or self.has_address(email):
            return email
        name = hashlib.sha256(email.encode()).hexdigest()[:HASH_LENGTH]
        return f"{name}@{MASKED}" if "@" in email else name
