"""The invariants of refunds, and those that Paystack's log of deliveries shows: I-12 to I-15."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import ClassVar, Literal

from drill.journal import Journal
from drill.payments import Delivery, Ledger
from drill.payments_judged import Name
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding
from validators.checks.invariant import FULFILLED, PAID, Invariant, met, say, unexpected
from validators.ledger.judged import Judged, Payments

SERVER_ERRORS = range(500, 600)
ABOUT_ITS_SIGNATURE = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""What a forged event must be answered; a right one that is answered so is lost by I-1."""
ANSWERED_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
"""Answers that ask for another try, as a server error does."""


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


class StaysWithinTheCallBudget(Invariant):
    """The shop asks Paystack no more often than its limit allows; no journal shows its calls."""

    about: ClassVar[str] = "I-15: the shop's calls to Paystack stay within the published limit"
    check: Literal["stays_within_the_call_budget"] = "stays_within_the_call_budget"
    number: ClassVar[str] = "I-15"
    needs: ClassVar[tuple[Ledger, ...]] = ()
    untested: ClassVar[str] = ""

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return ()

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from ()

    def judge(self, journal: Journal) -> Finding:
        seen = super().judge(journal)
        if seen.verdict is Verdict.PASS and not seen.reason.startswith("not judged"):
            reason = "no ledger shows the shop's calls; declare I-15 in `out_of_sight`, with why"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        return seen


INVARIANTS: tuple[type[Invariant], ...] = (
    RefundsNoMoreThanCaptured,
    AcknowledgesEveryEvent,
    IgnoresTheOtherDomain,
    StaysWithinTheCallBudget,
)
