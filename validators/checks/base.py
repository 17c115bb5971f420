"""The contract of a check: a promise judged over the journal and over nothing else."""

import hashlib
from abc import abstractmethod
from typing import Annotated, ClassVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from drill.events import FaultChange
from drill.incident import IncidentPlanned
from drill.journal import Columns, Journal
from drill.verdict import Cause, Verdict

Names = Annotated[tuple[str, ...], Field(min_length=1, description="probes or groups of probes")]


class Finding(msgspec.Struct, frozen=True):
    """A check's verdict and its reason; *cause* says whose doing it is when it is not a pass."""

    verdict: Verdict
    reason: str
    cause: Cause | None = None
    evidence: tuple[str, ...] = ()


class CheckSpec(BaseModel):
    """A promise, written as a sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    about: ClassVar[str]

    check: str

    @property
    def label(self) -> str:
        """How the check is named in findings."""
        return self.check

    def named_probes(self) -> tuple[str, ...]:
        """The probes or groups it needs."""
        return ()

    def with_probes(self, names: tuple[str, ...]) -> "CheckSpec":
        """The same promise with its groups resolved into probes."""
        return self

    def horizon_s(self) -> float:
        """How long after the last heal it must look, at most."""
        return 0.0

    @abstractmethod
    def judge(self, journal: Journal) -> Finding:
        """
        Decide whether the promise was kept.

        Args:
            journal: The whole journal, in order.

        Returns:
            UNKNOWN where the journal has no evidence.
        """


class ImpliedCheck(CheckSpec):
    """A promise that a scenario makes by rehearsing something, without naming it."""

    @classmethod
    @abstractmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether a drill planned like this promises it."""


class ProbeCheck(CheckSpec):
    """A promise about named probes."""

    probes: Names

    @property
    def label(self) -> str:
        return f"{self.check}({', '.join(self.probes)})"

    def named_probes(self) -> tuple[str, ...]:
        return self.probes

    def with_probes(self, names: tuple[str, ...]) -> "CheckSpec":
        return self.model_copy(update={"probes": names})


class Window(msgspec.Struct, frozen=True):
    """The time a fault was in force: from its injection to the call of its healing."""

    start: float
    end: float


def fault_times(journal: Journal) -> dict[str, dict[str, FaultChange]]:
    """The first change into each state, by fault and state; `healing` and `healed` are the last."""
    times: dict[str, dict[str, FaultChange]] = {}
    for change in journal.every(FaultChange):
        states = times.setdefault(change.id, {})
        if change.state in {"healing", "healed"} or change.state not in states:
            states[change.state] = change
    return times


def fault_window(journal: Journal) -> Window | None:
    """
    From the first injection to the last call of a healing; None if nothing was injected.

    Data is dropped from the hold of an edge on: what is felt then is felt of the fault.
    """
    starts, ends = [], []
    for states in fault_times(journal).values():
        begun = states.get("holding") or states.get("intent")
        if begun is not None:
            starts.append(begun.t)
            over = states.get("healing") or states.get("gone_with_target")
            if "intent" not in states:
                over = states.get("let_go")
            ends.append(over.t if over else float("inf"))
    return Window(min(starts), max(ends)) if starts else None


def within(columns: Columns, window: Window) -> list[int]:
    """The indices of the observations that overlap *window*."""
    return [
        index
        for index in range(len(columns))
        if columns.got[index] > window.start and columns.sent[index] < window.end
    ]


def at(columns: Columns, index: int, journal: Journal) -> str:
    """One observation as evidence: `12.3 s after the fault: 503`."""
    window = fault_window(journal)
    start = window.start if window else 0.0
    detail = columns.details.get(index, "")
    return f"at {columns.sent[index] - start:+.1f} s from the fault: {detail}"


def fingerprint(check: str, verdict: Verdict, cause: Cause | None) -> str:
    """Equal for equal findings of different drills, so that they can be followed over time."""
    text = f"{check}|{verdict.word}|{cause or ''}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
