"""The invariants of refunds, and those that Paystack's log of deliveries shows: I-12 to I-15."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import combinations, pairwise
from typing import ClassVar, Literal

from drill.journal import Journal
from drill.payments import Delivery, Ledger, LedgerRead
from drill.payments_judged import Name
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding
from validators.checks.invariant import (
    FULFILLED,
    NOT_PLANNED,
    PAID,
    Invariant,
    Numbered,
    met,
    say,
    unexpected,
)
from validators.ledger.judged import Judged, Payments, payments_of

SERVER_ERRORS = range(500, 600)
ABOUT_ITS_SIGNATURE = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""What a forged event must be answered; a right one that is answered so is lost by I-1."""
ANSWERED_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
"""Answers that ask for another try, as a server error does."""
MINUTE_S = 60.0


class RefundsNoMoreThanCaptured(Invariant):
    """Never more goes back than came in, and a partial refund takes nothing away."""

    about: ClassVar[str] = "I-12: refunds never exceed the capture; a partial one revokes nothing"
    check: Literal["refunds_no_more_than_captured"] = "refunds_no_more_than_captured"
    number: ClassVar[str] = "I-12"
    needs: ClassVar[tuple[Ledger, ...]] = (*PAID, *FULFILLED, "paystack.refunds")
    untested: ClassVar[str] = "nothing was refunded"
    waits: ClassVar[frozenset[Name]] = frozenset({"refund_in_flight", "refund_owed"})

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return (each for each in payments.judged if each.funds.refunds)

    def broken(self, payments: Payments) -> Iterator[str]:
        over = (each for each in payments.judged if each.failed("over_refunded"))
        revoked = (
            each
            for each in payments.judged
            if each.axes.money == {"one_partly_refunded"}
            and each.failed("lost", "stuck", "inconsistent", "refund_owed")
        )
        yield from say("refunded too much", over)
        yield from say("revoked by a partial refund", revoked)


class AcknowledgesEveryEvent(Invariant):
    """Every event, known or not, is acknowledged with 200, or Paystack sends it for 72 hours."""

    about: ClassVar[str] = "I-13: every event, known or not, is acknowledged with 200"
    check: Literal["acknowledges_every_event"] = "acknowledges_every_event"
    number: ClassVar[str] = "I-13"
    needs: ClassVar[tuple[Ledger, ...]] = ("paystack.deliveries",)
    untested: ClassVar[str] = "no event was delivered"

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return (each for each in payments.judged if each.deliveries)

    def broken(self, payments: Payments) -> Iterator[str]:
        events: dict[str, list[Delivery]] = {}
        for row in _deliveries(payments):
            if row.code is not None:
                events.setdefault(row.event, []).append(row)
        accepts = any(row.code == HTTPStatus.OK for rows in events.values() for row in rows)
        for event, rows in sorted(events.items()):
            refused = {row.code for row in rows if row.code and not _asks_again(row.code)}
            if refused := refused - {HTTPStatus.OK, *ABOUT_ITS_SIGNATURE}:
                told = ", ".join(map(str, sorted(refused)))
                yield f"{event} was answered {told}: only 200 ends its deliveries"
            elif accepts and all(row.code in SERVER_ERRORS and row.trials > 1 for row in rows):
                yield f"all of {len(rows)} {event} ended in a server error, other events did not"


def _asks_again(code: int) -> bool:
    return code in SERVER_ERRORS or code in ANSWERED_LATER


def _deliveries(payments: Payments) -> Iterator[Delivery]:
    """All deliveries of this drill, as the last round read them."""
    book = payments.books["paystack.deliveries"]
    last = book.rounds.get(book.last)
    for rows in last.rows.values() if last else ():
        yield from (row for row in rows if isinstance(row, Delivery))


class IgnoresTheOtherDomain(Invariant):
    """An event of the mode that the shop does not run in changes nothing."""

    about: ClassVar[str] = "I-14: an event of the other domain, live or test, changes nothing"
    check: Literal["ignores_the_other_domain"] = "ignores_the_other_domain"
    number: ClassVar[str] = "I-14"
    needs: ClassVar[tuple[Ledger, ...]] = (*PAID, *FULFILLED)
    untested: ClassVar[str] = "no event of the other domain was sent"

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return met(payments.judged, "domain")

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from say("fulfilled by the other domain", unexpected(self.concerned(payments)))


class StaysWithinTheCallBudget(Numbered):
    """
    With nobody buying the shop asks Paystack no more often than its limit allows.

    The limit is a minute's: in less time it may be used up all the same, and never more than that.
    """

    about: ClassVar[str] = "I-15: the shop's calls to Paystack stay within the published limit"
    check: Literal["stays_within_the_call_budget"] = "stays_within_the_call_budget"
    number: ClassVar[str] = "I-15"
    needs: ClassVar[tuple[Ledger, ...]] = ("shop.calls",)

    def judge(self, journal: Journal) -> Finding:
        payments = payments_of(journal)
        if payments is None:
            return Finding(Verdict.UNKNOWN, NOT_PLANNED, Cause.HARNESS)
        limit = payments.planned.calls_limit
        reads = [read for read in journal.every(LedgerRead) if read.ledger == "shop.calls"]
        counts = [(read.t, read.calls) for read in reads if read.calls is not None]
        pairs = [
            ((later - before) / max(1.0, (end - start) / MINUTE_S), later - before, end - start)
            for (start, before), (end, later) in combinations(counts, 2)
        ]
        if any(later < before for (_, before), (_, later) in pairwise(counts)):
            reason = "the count of the shop's calls began anew meanwhile"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        most, calls, seconds = max(pairs, default=(0.0, 0.0, 0.0))
        said = f"{calls:.0f} calls in {seconds:.0f} s while nobody bought, limit {limit} a minute"
        if pairs and most > limit:
            return Finding(Verdict.FAIL, said, Cause.APPLICATION)
        if (
            "shop.calls" not in payments.planned.sights
            and "I-15" not in payments.planned.out_of_sight
        ):
            reason = "no ledger shows the shop's calls; declare I-15 in `out_of_sight`, with why"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        return self._unseen(payments) or Finding(Verdict.PASS, f"at most {said}")


INVARIANTS: tuple[type[Numbered], ...] = (
    RefundsNoMoreThanCaptured,
    AcknowledgesEveryEvent,
    IgnoresTheOtherDomain,
    StaysWithinTheCallBudget,
)
