"""The promise of `drill verify`: everything works now."""

from typing import ClassVar, Literal

from drill.journal import Columns, Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import Finding, ProbeCheck

SETTLED_LOOKS = 2
"""A single good look after a bad one is no recovery."""
SELDOM = 0.25
"""An objective is of the mean: so many slow looks are no reason to say that it does not work."""


class WorksNow(ProbeCheck):
    """Every look at the probes was good, or all but a few slow ones."""

    about: ClassVar[str] = "good now, with no fault injected"
    check: Literal["works_now"] = "works_now"
    settled: bool = False
    """Whether only what follows the last bad look counts: a recovery may just have ended."""

    def judge(self, journal: Journal) -> Finding:
        looks = slow = 0
        for probe in self.probes:
            columns = journal.columns(probe)
            if not len(columns):
                return Finding(Verdict.UNKNOWN, f"{probe} gave no answer in time", Cause.HARNESS)
            if self.settled and _good_for(columns) >= (SETTLED_LOOKS if len(columns) > 1 else 1):
                looks += 1
                continue
            bad = [i for i, health in enumerate(columns.health) if health != Health.OK]
            if _seldom_slow(columns):
                slow += len(bad)
                bad = []
            if bad:
                detail = columns.details.get(bad[0], "no detail")
                health = Health(columns.health[bad[0]])
                limited = health is Health.LIMITED
                return Finding(
                    Verdict.UNKNOWN if limited else Verdict.FAIL,
                    f"{probe} was {health.word} in {len(bad)} of {len(columns)} looks: {detail}",
                    Cause.ENVIRONMENT if limited else Cause.APPLICATION,
                )
            looks += len(columns)
        if self.settled:
            return Finding(Verdict.PASS, "good now")
        if slow:
            told = f"good in {looks - slow} of {looks} looks, reduced or slow in {slow}"
            return Finding(Verdict.PASS, told)
        return Finding(Verdict.PASS, f"good in all of {looks} looks")


def _good_for(columns: Columns) -> int:
    """How many looks in a row were good, the last one included."""
    run = 0
    for health in reversed(columns.health):
        if health != Health.OK:
            break
        run += 1
    return run


def _seldom_slow(columns: Columns) -> bool:
    """Never down or limited, good in its last look, and reduced or slow in few others."""
    reduced = columns.health.count(Health.DEGRADED)
    if columns.health[-1] != Health.OK or reduced + columns.health.count(Health.OK) < len(columns):
        return False
    return 0 < reduced <= len(columns) * SELDOM
