"""The promise of `drill verify`: everything works now."""

from typing import ClassVar, Literal

from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import Finding, ProbeCheck


class WorksNow(ProbeCheck):
    """Every look at the probes was good."""

    about: ClassVar[str] = "every look is good, now, with no fault injected"
    check: Literal["works_now"] = "works_now"
    settled: bool = False
    """Whether only what follows the last bad look counts: a recovery may just have ended."""

    def judge(self, journal: Journal) -> Finding:
        looks = 0
        for probe in self.probes:
            columns = journal.columns(probe)
            if not len(columns):
                return Finding(Verdict.UNKNOWN, f"{probe} gave no answer in time", Cause.HARNESS)
            if self.settled and columns.health[-1] == Health.OK:
                looks += 1
                continue
            bad = [i for i, health in enumerate(columns.health) if health != Health.OK]
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
        return Finding(Verdict.PASS, f"good in all of {looks} looks")
