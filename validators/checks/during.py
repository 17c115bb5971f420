"""Promises while the fault is in force."""

from typing import ClassVar, Literal

from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import Finding, ProbeCheck, Window, at, fault_window, within


class StaysAvailable(ProbeCheck):
    """The probes are never down while the fault is in force; slow or reduced is allowed."""

    about: ClassVar[str] = "never down while the fault is in force"
    check: Literal["stays_available"] = "stays_available"

    def judge(self, journal: Journal) -> Finding:
        window = fault_window(journal)
        if window is None:
            return _nothing_injected()
        looks = 0
        for probe in self.probes:
            seen = _healths(journal, probe, window)
            if not seen:
                return _not_looked(probe)
            looks += len(seen)
            down = [index for index, health in seen if health == Health.DOWN]
            if down:
                columns = journal.columns(probe)
                return Finding(
                    Verdict.FAIL,
                    f"{probe} was down in {len(down)} of {len(seen)} looks, "
                    f"first {at(columns, down[0], journal)}",
                    Cause.APPLICATION,
                )
            if all(health == Health.LIMITED for _, health in seen):
                return Finding(
                    Verdict.UNKNOWN,
                    f"{probe} was only ever answered with a rate limit; look less often",
                    Cause.ENVIRONMENT,
                )
        return Finding(Verdict.PASS, f"never down in {looks} looks during the fault")


class DegradesGracefully(ProbeCheck):
    """The probes are reduced politely, and never down, while the fault is in force."""

    about: ClassVar[str] = "reduced politely, and never down, while the fault is in force"
    check: Literal["degrades_gracefully"] = "degrades_gracefully"

    def judge(self, journal: Journal) -> Finding:
        window = fault_window(journal)
        if window is None:
            return _nothing_injected()
        told = []
        for probe in self.probes:
            seen = _healths(journal, probe, window)
            columns = journal.columns(probe)
            if not seen:
                return _not_looked(probe)
            down = [index for index, health in seen if health == Health.DOWN]
            if down:
                return Finding(
                    Verdict.FAIL,
                    f"{probe} was down in {len(down)} of {len(seen)} looks, "
                    f"first {at(columns, down[0], journal)}",
                    Cause.APPLICATION,
                )
            degraded = [index for index, health in seen if health == Health.DEGRADED]
            if not degraded:
                return Finding(
                    Verdict.UNKNOWN,
                    f"{probe} was never seen reduced in {len(seen)} looks during the fault, "
                    "so nothing shows how it would be",
                    Cause.ENVIRONMENT,
                )
            told.append(f"{probe} was reduced in {len(degraded)} of {len(seen)} looks, never down")
        return Finding(Verdict.PASS, "; ".join(told))


def _healths(journal: Journal, probe: str, window: Window) -> list[tuple[int, int]]:
    columns = journal.columns(probe)
    return [(index, columns.health[index]) for index in within(columns, window)]


def _nothing_injected() -> Finding:
    return Finding(
        Verdict.UNKNOWN, "no fault was injected, so nothing was put to the test", Cause.HARNESS
    )


def _not_looked(probe: str) -> Finding:
    return Finding(Verdict.UNKNOWN, f"{probe} was not looked at during the fault", Cause.HARNESS)


CHECKS = (StaysAvailable, DegradesGracefully)
