"""Promises that every drill makes, whatever its scenario says."""

from typing import ClassVar, Literal

from drill.events import ENGINE_LOST, Aborted, Clean, EngineSaw, Phase, Planned
from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import (
    CheckSpec,
    Finding,
    Window,
    fault_times,
    fault_window,
    within,
)


class FaultHadEffect(CheckSpec):
    """Something other than its own answer saw every fault in force, and something felt it."""

    about: ClassVar[str] = "every fault was proven in force, and something felt it"
    check: Literal["fault_had_effect"] = "fault_had_effect"

    def judge(self, journal: Journal) -> Finding:
        planned = journal.first(Planned)
        faults = planned.faults if planned else []
        times = fault_times(journal)
        proofs = []
        for fault in faults:
            states = times.get(fault.id, {})
            if "intent" not in states:
                why = f": {states['not_effective'].proof}" if "not_effective" in states else ""
                return Finding(
                    Verdict.UNKNOWN,
                    f"{fault.id} ({fault.fault}) was never injected{why}",
                    Cause.HARNESS,
                )
            if "effective" not in states:
                return Finding(
                    Verdict.UNKNOWN,
                    f"{fault.id} ({fault.fault} on {fault.target}) was injected, but nothing "
                    "showed it in force",
                    Cause.HARNESS,
                )
            proofs.append(f"{fault.id}: {states['effective'].proof}")
        window = fault_window(journal)
        if not proofs or window is None:
            return Finding(Verdict.UNKNOWN, "the drill has no fault", Cause.HARNESS)
        if _engine_lost(journal, window):
            return Finding(
                Verdict.UNKNOWN,
                "the container engine was lost while a fault was in force: nobody knows whether "
                "it stayed in force",
                Cause.ENVIRONMENT,
            )
        felt = _felt(journal, window)
        if not felt and all(fault.fault.startswith("network.") for fault in faults):
            return Finding(
                Verdict.UNKNOWN,
                "the fault was in force, but no probe noticed it: nothing was put to the test",
                Cause.ENVIRONMENT,
            )
        return Finding(Verdict.PASS, "; ".join(proofs) + (f"; felt by {felt}" if felt else ""))


def _engine_lost(journal: Journal, window: Window) -> bool:
    return any(
        event.action == ENGINE_LOST and window.start <= event.t < window.end
        for event in journal.every(EngineSaw)
    )


def _felt(journal: Journal, window: Window) -> str:
    names = [
        name
        for name, columns in journal.observations.items()
        if any(
            columns.health[index] in (Health.DEGRADED, Health.DOWN)
            for index in within(columns, window)
        )
    ]
    return ", ".join(sorted(names))


class ComesBackByItself(CheckSpec):
    """What was killed or restarted came back by its own policy."""

    about: ClassVar[str] = "what was killed or restarted came back by its own policy"
    check: Literal["comes_back_by_itself"] = "comes_back_by_itself"

    def judge(self, journal: Journal) -> Finding:
        planned = journal.first(Planned)
        momentary = [f for f in planned.faults if f.for_s is None] if planned else []
        if not momentary:
            return Finding(Verdict.UNKNOWN, "nothing was killed or restarted", Cause.HARNESS)
        times = fault_times(journal)
        for fault in momentary:
            healed = times.get(fault.id, {}).get("healed")
            if healed is None:
                return Finding(Verdict.UNKNOWN, f"{fault.target} was not seen back", Cause.HARNESS)
            if healed.by != "itself":
                return Finding(
                    Verdict.FAIL,
                    f"{fault.target} did not come back by its own restart policy; the drill "
                    f"had to act ({healed.by})",
                    Cause.APPLICATION,
                )
        return Finding(Verdict.PASS, f"{len(momentary)} of {len(momentary)} came back")


class LeavesStagingClean(CheckSpec):
    """Nothing of the drill is left on staging."""

    about: ClassVar[str] = "nothing of the drill is left on staging"
    check: Literal["leaves_staging_clean"] = "leaves_staging_clean"

    def judge(self, journal: Journal) -> Finding:
        clean = journal.last(Clean)
        if clean is None:
            return Finding(Verdict.UNKNOWN, "nobody looked whether staging is clean", Cause.HARNESS)
        if clean.remaining:
            left = "; ".join(f"{one.what}: {one.command}" for one in clean.remaining)
            return Finding(Verdict.FAIL, left, Cause.HARNESS)
        return Finding(Verdict.PASS, clean.proof)


class RunsToItsEnd(CheckSpec):
    """The drill was not cut short."""

    about: ClassVar[str] = "the drill was not cut short"
    check: Literal["runs_to_its_end"] = "runs_to_its_end"

    def judge(self, journal: Journal) -> Finding:
        aborted = journal.last(Aborted)
        if aborted:
            cause = Cause.ENVIRONMENT if aborted.reason.startswith("baseline") else Cause.HARNESS
            return Finding(Verdict.UNKNOWN, aborted.reason, cause)
        if journal.first(Phase) is None:
            return Finding(Verdict.UNKNOWN, "no phase was ever begun", Cause.HARNESS)
        return Finding(Verdict.PASS, "every phase was run")


CHECKS = (RunsToItsEnd, FaultHadEffect, ComesBackByItself, LeavesStagingClean)
