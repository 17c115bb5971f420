"""The promise of `drill verify --since`: all was good again within a limit of a given moment."""

from typing import ClassVar, Literal

from drill.duration import Duration, show_duration
from drill.events import MomentSet
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import CheckSpec, Finding


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
            return Finding(Verdict.FAIL, "not everything is good now", Cause.APPLICATION)
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
