"""The promise of `drill verify --since`: all was good again within a limit of a given moment."""

from typing import ClassVar, Literal

from drill.duration import Duration, show_duration
from drill.events import MomentSet, Planned
from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import CheckSpec, Finding

BAD = (Health.DEGRADED, Health.DOWN)


class RecoveredInTime(CheckSpec):
    """Every probe was good again within *within* of the moment that was given."""

    about: ClassVar[str] = "everything was good again within a limit of a given moment"
    check: Literal["recovered_in_time"] = "recovered_in_time"
    within: Duration | None = None

    def judge(self, journal: Journal) -> Finding:
        moments = {moment.name: moment for moment in journal.every(MomentSet)}
        start, end = moments.get("resolved"), moments.get("recovered")
        if start is None:
            return Finding(Verdict.UNKNOWN, "no moment was given", Cause.HARNESS)
        if end is None:
            return _not_back(journal)
        soonest, latest = max(0.0, end.earliest - start.t), end.latest - start.t
        between = f"between {soonest:.3f} s and {latest:.3f} s after it, slowest {end.source}"
        if self.within is None or latest <= self.within:
            return Finding(Verdict.PASS, f"good again {between}")
        limit = show_duration(self.within)
        if soonest > self.within:
            return Finding(Verdict.FAIL, f"good again {between}, limit {limit}", Cause.APPLICATION)
        return Finding(
            Verdict.UNKNOWN,
            f"good again {between}; the limit {limit} lies between, and nobody looked then",
            Cause.HARNESS,
        )


def _not_back(journal: Journal) -> Finding:
    """Bad in the last look is a fail; without a look that tells, nobody knows."""
    planned = journal.first(Planned)
    last = {probe.name: journal.columns(probe.name) for probe in planned.probes} if planned else {}
    bad = [name for name, columns in last.items() if len(columns) and columns.health[-1] in BAD]
    if bad:
        return Finding(Verdict.FAIL, f"not good now: {', '.join(bad)}", Cause.APPLICATION)
    unseen = [name for name, columns in last.items() if Health.OK not in columns.health]
    told = ", ".join(unseen) or "nothing"
    return Finding(Verdict.UNKNOWN, f"no look tells whether it is good: {told}", Cause.HARNESS)
