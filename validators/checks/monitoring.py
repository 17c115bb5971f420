"""Promises about the monitoring itself, once everything is undone."""

from typing import ClassVar, Literal

from drill.incident import IncidentPlanned, MonitoringSeen
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import CheckSpec, Finding, ImpliedCheck

BY_MONITORING = ("prometheus", "alertmanager", "grafana")


class MonitoringIsWhole(ImpliedCheck):
    """Afterwards the monitoring is up, sees everything, and is quiet."""

    about: ClassVar[str] = "afterwards the monitoring is up, sees everything, and is quiet"
    check: Literal["monitoring_is_whole"] = "monitoring_is_whole"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the plan relies on monitoring."""
        return any(one.source in BY_MONITORING for one in planned.detections)

    def judge(self, journal: Journal) -> Finding:
        looks = [one for one in journal.every(MonitoringSeen) if one.when == "after"]
        looks = [one for one in looks if not one.what.startswith("source ")]
        if not looks:
            return Finding(
                Verdict.UNKNOWN, "nobody looked at the monitoring afterwards", Cause.HARNESS
            )
        before = {one.what: one for one in journal.every(MonitoringSeen) if one.when == "before"}
        wrong = [one for one in looks if one.ok is False]
        if wrong:
            was = [one for one in wrong if one.what in before and before[one.what].ok is False]
            told = "; ".join(_told(one, was_before=one in was) for one in wrong)
            # What was wrong before the drill is no news, and yet the monitoring is not whole.
            cause = Cause.ENVIRONMENT if len(was) == len(wrong) else Cause.APPLICATION
            return Finding(Verdict.FAIL, told, cause)
        unasked = [f"{one.what}? {one.detail}" for one in looks if one.ok is None]
        if unasked:
            return Finding(Verdict.UNKNOWN, "; ".join(unasked), Cause.ENVIRONMENT)
        told = "; ".join(f"{one.what} ({one.detail})" for one in looks)
        return Finding(Verdict.PASS, told)


class PanelsMoved(CheckSpec):
    """The panels that must show the fault did."""

    about: ClassVar[str] = "the panels that must show the fault moved while it was in force"
    check: Literal["panels_moved"] = "panels_moved"

    def judge(self, journal: Journal) -> Finding:
        looks = [
            one
            for one in journal.every(MonitoringSeen)
            if one.when == "during" and one.what.startswith("panel ")
        ]
        if not looks:
            return Finding(
                Verdict.UNKNOWN,
                "no panel was looked at; give one `moves: true` under `monitoring.panels`",
                Cause.ENVIRONMENT,
            )
        still = [one for one in looks if one.ok is False]
        if still:
            told = "; ".join(f"not so: {one.what} ({one.detail})" for one in still)
            return Finding(Verdict.FAIL, told, Cause.APPLICATION)
        unasked = [f"{one.what}? {one.detail}" for one in looks if one.ok is None]
        if unasked:
            return Finding(Verdict.UNKNOWN, "; ".join(unasked), Cause.ENVIRONMENT)
        return Finding(Verdict.PASS, "; ".join(f"{one.what} ({one.detail})" for one in looks))


def _told(one: MonitoringSeen, *, was_before: bool) -> str:
    already = ", and was not so before the drill either" if was_before else ""
    return f"not so: {one.what} ({one.detail}){already}"


CHECKS = (PanelsMoved, MonitoringIsWhole)
"""What a scenario may name."""

IMPLIED = (MonitoringIsWhole,)
"""What a scenario promises that relies on alerts of the monitoring."""
