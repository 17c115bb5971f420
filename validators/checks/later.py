"""Promises that a scenario may name already and that a later release judges."""

from typing import ClassVar, Literal

from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import CheckSpec, Finding


class LosesNothing(CheckSpec):
    """No purchase is lost, duplicated or told wrongly; known to the model, refused by the plan."""

    about: ClassVar[str] = "no purchase is lost, duplicated or told wrongly (not built yet)"
    check: Literal["loses_nothing"] = "loses_nothing"

    def judge(self, journal: Journal) -> Finding:
        return Finding(Verdict.UNKNOWN, "the payments ledger is not built yet", Cause.HARNESS)


CHECKS = (LosesNothing,)
