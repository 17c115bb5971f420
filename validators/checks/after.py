"""Promises once everything is undone."""

from typing import ClassVar, Literal

from drill.duration import Duration, show_duration
from drill.events import Recovery
from drill.journal import Journal
from drill.moments import recovery
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding, ProbeCheck, Window, fault_times, fault_window, within

STABLE_FOR_S = 5.0


class RecoversWithin(ProbeCheck):
    """Every probe is good again within *limit* of the removal of the last fault, and stays good."""

    about: ClassVar[str] = "good again within a limit after the heal, and staying good"
    check: Literal["recovers_within"] = "recovers_within"
    limit: Duration
    stable_for: Duration = STABLE_FOR_S

    def horizon_s(self) -> float:
        return self.limit + self.stable_for

    def judge(self, journal: Journal) -> Finding:
        healed = healed_at(journal)
        if healed is None:
            return Finding(
                Verdict.UNKNOWN, "no fault was seen healed, so no clock started", Cause.HARNESS
            )
        read = [recovery_of(journal, probe, self.stable_for) for probe in self.probes]
        findings = [self._judge_one(one, healed) for one in read]
        worst = max(findings, key=lambda finding: finding.verdict)
        if worst.verdict is not Verdict.PASS:
            return worst
        values = [(one.value, one.probe) for one in read if one.value is not None]
        if not values:
            return Finding(Verdict.PASS, "no probe was ever bad, so there was nothing to recover")
        slowest, name = max(values)
        took = max(0.0, slowest - healed)
        return Finding(
            Verdict.PASS,
            f"good again {took:.3f} s after the heal, limit {show_duration(self.limit)}, "
            f"slowest {name}",
        )

    def _judge_one(self, one: Recovery, healed: float) -> Finding:
        limit = show_duration(self.limit)
        if one.status == "never_bad":
            return Finding(Verdict.PASS, f"{one.probe} was never bad")
        if one.status == "missing":
            return Finding(
                Verdict.UNKNOWN, f"{one.probe} was not looked at after the heal", Cause.HARNESS
            )
        if one.status == "censored" or one.value is None:
            return Finding(
                Verdict.FAIL,
                f"{one.probe} was not good for {show_duration(self.stable_for)} within {limit} "
                "of the heal",
                Cause.APPLICATION,
            )
        earliest = (one.earliest or 0.0) - healed
        if one.value - healed <= self.limit:
            return Finding(Verdict.PASS, f"{one.probe} after {max(0.0, one.value - healed):.3f} s")
        if earliest <= self.limit:
            return Finding(
                Verdict.UNKNOWN,
                f"{one.probe} came back between {earliest:.3f} s and {one.value - healed:.3f} s "
                f"after the heal; the limit {limit} lies between",
                Cause.HARNESS,
            )
        return Finding(
            Verdict.FAIL,
            f"{one.probe} came back {one.value - healed:.3f} s after the heal, limit {limit}",
            Cause.APPLICATION,
        )


def healed_at(journal: Journal) -> float | None:
    """When the removal of the last fault was proven; None while one is not."""
    times = []
    for states in fault_times(journal).values():
        if "intent" not in states:
            continue
        over = states.get("healed") or states.get("gone_with_target")
        if over is None:
            return None
        times.append(over.latest if over.latest is not None else over.t)
    return max(times, default=None)


def recovery_of(journal: Journal, probe: str, stable_for: float) -> Recovery:
    """Read one probe's recovery from the journal, against the last fault that was healed."""
    window = fault_window(journal)
    healed = healed_at(journal)
    if window is None or healed is None:
        return Recovery(probe=probe, status="missing")
    columns = journal.columns(probe)
    until = max((each.got[-1] for each in journal.observations.values() if each), default=0.0)
    return recovery(
        columns,
        probe=probe,
        since=window.start,
        heal_call=min(window.end, healed),
        healed=healed,
        stable_for=stable_for,
        blocked=_blocked(journal, probe, window),
        until=until,
    )


def _blocked(journal: Journal, probe: str, window: Window) -> bool:
    # Provably blocked: bad in its last look before the heal and in all looks since the first bad.
    columns = journal.columns(probe)
    during = [index for index in within(columns, window) if columns.sent[index] < window.end]
    bad = [columns.health[index] in (1, 3) for index in during]
    if True not in bad:
        return False
    return all(bad[bad.index(True) :])


CHECKS = (RecoversWithin,)
