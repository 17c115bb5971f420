"""The promise that no purchase is lost, duplicated or told wrongly."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks import invariants, invariants_after
from validators.checks.base import CheckSpec, Finding
from validators.checks.invariant import NOT_PLANNED
from validators.ledger.judged import Payments, payments_of
from validators.ledger.told import doubts, failures


class LosesNothing(CheckSpec):
    """Every purchase is granted once, refunded or refused, and its customer is told the truth."""

    about: ClassVar[str] = "no purchase is lost, duplicated or told wrongly, by all three ledgers"
    check: Literal["loses_nothing"] = "loses_nothing"
    exposed: Annotated[int, Field(ge=0, description="captured while a fault was in force")] = 0

    def judge(self, journal: Journal) -> Finding:
        payments = payments_of(journal)
        if payments is None:
            return Finding(Verdict.UNKNOWN, NOT_PLANNED, Cause.HARNESS)
        wrong, unsure = list(failures(payments)), list(doubts(payments))
        reason = "; ".join([*wrong, *unsure, payments.sensitivity, *_out_of_sight(payments)])
        if wrong:
            return Finding(Verdict.FAIL, reason, Cause.APPLICATION)
        if unsure:
            return Finding(Verdict.UNKNOWN, reason, _whose(payments))
        return Finding(Verdict.PASS, reason)


def _out_of_sight(payments: Payments) -> list[str]:
    declared = payments.planned.out_of_sight
    return [f"out of sight: {', '.join(sorted(declared))}"] if declared else []


def _whose(payments: Payments) -> Cause:
    """A ledger that was asked and did not answer is staging's doing; all else is the drill's."""
    unread = [each for each in payments.asked() if not payments.books[each].complete]
    return Cause.ENVIRONMENT if unread and not payments.blind else Cause.HARNESS


CHECKS: tuple[type[CheckSpec], ...] = (LosesNothing,)
INVARIANTS: tuple[type[CheckSpec], ...] = (
    *invariants.INVARIANTS,
    *invariants_after.INVARIANTS,
)
IMPLIES: dict[str, tuple[type[CheckSpec], ...]] = {"loses_nothing": INVARIANTS}
"""What naming a check promises as well, each under its own name."""
