"""What the invariants of payments have in common: one purchase's wrong under the name it earned."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar

from drill.journal import Journal
from drill.payments import Ledger, Transaction
from drill.payments_judged import Name
from drill.verdict import Cause, Verdict
from validators.checks.base import CheckSpec, Finding
from validators.ledger.judged import Judged, Payments, payments_of
from validators.ledger.money import OPEN
from validators.ledger.told import named

NOT_PLANNED = "no payments were planned: nobody bought anything, and no ledger was read"
UNFULFILLED: frozenset[Name] = frozenset({"lost", "stuck", "unfinished"})
PAID: tuple[Ledger, ...] = ("paystack.list", "paystack.verify")
FULFILLED: tuple[Ledger, ...] = ("shop.orders", "shop.grants")
BETWEEN = ("paystack.", "network.", "http.", "dns.", "tls.")
"""Families of faults that stand between the shop and Paystack, if they are of Paystack's name."""


class Numbered(CheckSpec):
    """
    One of I-1 to I-15.

    *number* is its name in the environment's `out_of_sight`; *needs* are the ledgers without whose
    final reading it cannot be concluded that it held.
    """

    number: ClassVar[str]
    needs: ClassVar[tuple[Ledger, ...]]

    def _unseen(self, payments: Payments) -> Finding | None:
        """Why nobody can say that it held; None if somebody can."""
        if declared := payments.planned.out_of_sight.get(self.number):
            return Finding(Verdict.PASS, f"not judged, out of sight here: {declared}")
        if unread := payments.unread(*self.needs):
            return Finding(Verdict.UNKNOWN, "; ".join(unread), Cause.HARNESS)
        if payments.blind:
            return Finding(Verdict.UNKNOWN, "; ".join(payments.blind), Cause.HARNESS)
        return None


class Invariant(Numbered):
    """
    One sentence that holds of every purchase.

    *waits* are the classes that, while they are not yet a fail, leave it open.
    """

    untested: ClassVar[str]
    waits: ClassVar[frozenset[Name]] = frozenset()

    @abstractmethod
    def concerned(self, payments: Payments) -> Iterable[Judged]:
        """The purchases that put it to the test."""

    @abstractmethod
    def broken(self, payments: Payments) -> Iterator[str]:
        """Each way in which it was broken, with the purchases' names."""

    def judge(self, journal: Journal) -> Finding:
        payments = payments_of(journal)
        if payments is None:
            return Finding(Verdict.UNKNOWN, NOT_PLANNED, Cause.HARNESS)
        if broken := list(self.broken(payments)):
            return Finding(Verdict.FAIL, "; ".join(broken), Cause.APPLICATION)
        return self._unseen(payments) or self._held(payments)

    def _waits(self, each: Judged) -> bool:
        return each.verdict is Verdict.UNKNOWN and not self.waits.isdisjoint(each.classes)

    def _held(self, payments: Payments) -> Finding:
        concerned = list(self.concerned(payments))
        if unsure := [each for each in concerned if not each.decided or self._waits(each)]:
            reason = f"{len(unsure)} not known, or not yet: {named(unsure)}"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        if not concerned:
            return Finding(Verdict.PASS, f"not put to the test: {self.untested}")
        return Finding(Verdict.PASS, f"held for all purchases concerned: {len(concerned)}")


def captured(payments: Payments) -> list[Judged]:
    """The purchases whose money was taken."""
    return [each for each in payments.judged if each.captured]


def unfulfilled(judged: Iterable[Judged]) -> list[Judged]:
    """Those that were paid and came to nothing."""
    return [each for each in judged if each.failed("lost", "stuck")]


def unexpected(judged: Iterable[Judged]) -> list[Judged]:
    """Those that came to something without being paid."""
    return [
        each
        for each in judged
        if each.failed("unexpected") and each.funds.exact and not each.captured
    ]


def met(judged: Iterable[Judged], word: str) -> list[Judged]:
    """Those that met a fault with this word in its name or fields."""
    return [
        each
        for each in judged
        if any(word in f"{fault.fault} {fault.spec}" for fault in each.faults)
    ]


def cut_off(judged: Iterable[Judged]) -> list[Judged]:
    """Those that met a fault between the shop and Paystack."""
    return [each for each in met(judged, "paystack") if _between(each)]


def _between(each: Judged) -> bool:
    return any(fault.fault.startswith(BETWEEN) for fault in each.faults)


def once_open(payments: Payments) -> list[Judged]:
    """Captured ones that were late by design, or that a reading still saw before their capture."""
    return [
        each
        for each in captured(payments)
        if each.purchase.stratum == "late_success"
        or any(
            isinstance(row, Transaction)
            and row.status in OPEN
            and row.reference in each.funds.references
            for row in payments.books["paystack.list"].ever(each.purchase.key)
        )
    ]


def say(what: str, judged: Iterable[Judged]) -> Iterator[str]:
    """One sentence about some purchases; nothing about none."""
    own = list(judged)
    if own:
        yield f"{len(own)} {what}: {named(own)}"
