"""
What a journal can say, one frozen record a line.

Times named `t`, `earliest`, `latest`, `due`, `sent` and `got` are seconds from the drill's start
on the monotonic clock; `wall_s` is seconds since 1970 and only a label. Optional fields are left
out of the file when empty.
"""

from typing import Literal

import msgspec

SCHEMA = "drill-journal/1"
PhaseName = Literal[
    "preflight",
    "baseline",
    "faults",
    "heal",
    "quiet",
    "reconcile",
    "judge",
    "report",
    "look",  # a run without faults has no other than this one and `judge`
]
ENGINE_LOST, ENGINE_BACK = "engine.lost", "engine.back"
"""Actions of `EngineSaw` without a service: the engine itself stopped answering, or began again."""
FaultState = Literal[
    "armed",  # agent or marker is on the engine, with intent and undo
    "holding",  # written and synced before an edge is held for it
    "held",  # data on that edge is dropped
    "seen",  # the effect before the edge exists, and the step behind it is held back
    "let_go",  # data passes again
    "intent",  # written and synced before the act
    "injected",  # the act returned
    "effective",  # something other than the act's own answer shows it
    "not_effective",  # nothing showed it in time
    "gap",  # the target came back without it
    "rearmed",  # in force again after a gap
    "gone_with_target",  # the target vanished and took the fault along
    "healing",  # written before the undo
    "healed",  # removal is proven
    "heal_failed",
]
FAULT_BEGINS: frozenset[FaultState] = frozenset({"holding", "intent", "injected"})
"""From the first of these on staging is changed for a fault."""


class Event(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True):
    """One thing that happened; *t* in seconds from the drill's start."""

    t: float


class Header(Event, frozen=True, tag="header"):
    """The first line: which drill this is, and what a reader needs to place its times."""

    id: str
    scenario: str
    title: str
    environment: str
    project: str
    harness: str
    commit: str
    dirty: bool
    command: str
    seed: int
    severity: int
    wall_s: float
    mono_s: float
    boot_id: str
    time_scale: float = 1.0
    schema: str = SCHEMA


class PlannedFault(msgspec.Struct, frozen=True):
    """
    A fault as the plan resolved it; *spec* is the scenario's own fields as JSON text.

    *held* is the edge at which it is injected, empty if it is injected *at_s*.
    """

    id: str
    fault: str
    target: str
    spec: str
    path: str
    at_s: float
    for_s: float | None = None
    held: str = ""


class PlannedProbe(msgspec.Struct, frozen=True):
    """A probe as the plan resolved it."""

    name: str
    kind: Literal["http", "journey"]
    sacred: bool
    period_s: float
    deadline_s: float
    slow_after_s: float | None = None


class Planned(Event, frozen=True, tag="plan"):
    """What will happen, resolved before anything was touched."""

    faults: list[PlannedFault]
    probes: list[PlannedProbe]
    checks: list[str]
    baseline_s: float
    recover_limit_s: float | None = None
    notes: list[str] = []
    not_checked: list[str] = []


class Phase(Event, frozen=True, tag="phase"):
    """A phase begins; carries a wall-clock label so that outside timestamps can be placed."""

    name: PhaseName
    wall_s: float


class FaultChange(Event, frozen=True, tag="fault"):
    """A fault moved on; *earliest* and *latest* bound the true time where it was measured."""

    id: str
    state: FaultState
    proof: str = ""
    earliest: float | None = None
    latest: float | None = None
    by: str = ""


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """One container of the stack as the engine describes it."""

    service: str
    container: str
    image: str
    digest: str
    status: str
    restarts: int
    oom_killed: bool = False
    started_at: str = ""
    health: str = ""


class StackSeen(Event, frozen=True, tag="stack"):
    """The stack before the first fault or after the last heal."""

    when: Literal["before", "after"]
    services: list[Service]


class EngineSaw(Event, frozen=True, tag="engine"):
    """
    An event of the container engine about one of the stack's containers.

    *action* is the engine's own word; `agent.lost`, `engine.lost` and `engine.back` are ours.
    """

    service: str
    action: str
    container: str
    wall_s: float


class EvidenceKept(Event, frozen=True, tag="evidence"):
    """A file beside the journal that shows something; *path* is relative to the run's folder."""

    kind: Literal["screenshot", "trace", "log"]
    path: str
    subject: str
    note: str = ""


class Note(Event, frozen=True, tag="note"):
    """Something a reader should know that is neither a fault nor a finding."""

    text: str
    level: Literal["info", "warning"] = "info"


class Aborted(Event, frozen=True, tag="aborted"):
    """The drill stopped early: by a signal, an abort condition or its own failure."""

    reason: str


class Recovery(msgspec.Struct, frozen=True, omit_defaults=True):
    """When one probe was good again: *value* between *earliest* and *latest*, all as `t`."""

    probe: str
    status: Literal["recovered", "never_bad", "censored", "missing"]
    value: float | None = None
    earliest: float | None = None
    latest: float | None = None


class Recovered(Event, frozen=True, tag="recovered"):
    """The judge's reading of every probe's recovery."""

    probes: list[Recovery]


class MomentSet(Event, frozen=True, tag="moment"):
    """A named point of the incident; *t* is its value."""

    name: str
    earliest: float
    latest: float
    source: str
    actor: str = ""
    role: str = ""


class SlaJudged(Event, frozen=True, tag="sla"):
    """
    One clock against its limit, in real seconds.

    *playbook_limit_s* is the limit as the playbook writes it where the clock is the playbook's
    own; `limit_s` is that divided by the drill's time scale.
    """

    name: str
    limit_s: float | None
    status: Literal["met", "missed", "censored", "missing"]
    measured_s: float | None = None
    earliest_s: float | None = None
    latest_s: float | None = None
    playbook_limit_s: float | None = None


class Found(Event, frozen=True, tag="finding"):
    """A check's verdict and its reason."""

    check: str
    verdict: Literal["pass", "unknown", "fail"]
    reason: str
    fingerprint: str
    cause: str = ""
    evidence: list[str] = []


class SeverityJudged(Event, frozen=True, tag="severity"):
    """The severity declared beside the one the observations show; *seen* None stays undecided."""

    declared: int
    seen: int | None
    reason: str


class Remaining(msgspec.Struct, frozen=True):
    """Something a drill left on staging, and the exact command that heals it."""

    what: str
    command: str


class Clean(Event, frozen=True, tag="clean"):
    """Whether staging is as it was found; *proof* says what was looked at."""

    wall_s: float
    proof: str
    remaining: list[Remaining] = []


class End(Event, frozen=True, tag="end"):
    """The last line of a drill that ended by itself."""

    wall_s: float
    verdict: Literal["pass", "unknown", "fail"]
    exit_code: int


class Observation(msgspec.Struct, frozen=True, array_like=True):
    """
    One look at staging; it records and does not judge.

    *due* is when the schedule wanted it sent, *sent* when it was, *got* when the answer, the error
    or the deadline came; *health* is a `Health` number.
    """

    probe: str
    due: float
    sent: float
    got: float
    health: int
    detail: str = ""
