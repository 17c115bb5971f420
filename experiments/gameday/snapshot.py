"""
What the page shows, as frozen records; the page reads them as JSON by these names.

All times are seconds from the drill's start on the monotonic clock; `wall_s` of the board is the
wall clock at that start, a label.
"""

import msgspec

from experiments.control import Say
from experiments.gameday.buttons import Button
from experiments.gameday.clocks import Clock


class Reached(msgspec.Struct, frozen=True):
    """
    A moment; *t* None if it has not been reached.

    *so_far* is True where the judge has not spoken yet and a late answer may move it.
    """

    name: str
    t: float | None = None
    actor: str = ""
    role: str = ""
    source: str = ""
    so_far: bool = False


class RoleNow(msgspec.Struct, frozen=True):
    """A role, who holds it, and who last acted in it."""

    name: str
    held_by: list[str]
    last_actor: str = ""


class ProbeNow(msgspec.Struct, frozen=True):
    """How a probe is; *bad_s* are closed spells, *bad_since* the beginning of the open one."""

    name: str
    sacred: bool
    health: str
    detail: str
    bad_s: float
    bad_since: float | None


class FaultNow(msgspec.Struct, frozen=True):
    """A fault; *since* is when it came into its state."""

    id: str
    fault: str
    target: str
    state: str
    in_force: bool
    since: float | None


class MessageNow(msgspec.Struct, frozen=True):
    """A message; *t* is when it was sent, or was due if no server took it."""

    t: float
    channel: str
    audience: str
    kind: str
    actor: str
    role: str
    accepted: bool
    late: bool
    text: str
    evidence: str


class ActNow(msgspec.Struct, frozen=True):
    """A step of an act of the playbook."""

    t: float
    do: str
    state: str
    actor: str
    role: str
    via: str
    proof: str


class AlertNow(msgspec.Struct, frozen=True):
    """An alert, and the step that it took last."""

    alert: str
    source: str
    state: str
    t: float


class EscalationNow(msgspec.Struct, frozen=True):
    """Who is paged when nobody answers; *t* when it was, *due* when it will be."""

    role: str
    state: str
    due: float | None
    t: float | None


class Finding(msgspec.Struct, frozen=True):
    """A check's verdict and reason."""

    check: str
    verdict: str
    reason: str


class Over(msgspec.Struct, frozen=True):
    """How the drill ended; *clean* says how staging was left."""

    verdict: str
    exit_code: int
    clean: str
    findings: list[Finding]


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page shows at *now*."""

    run: str
    title: str
    scenario: str
    environment: str
    severity: int
    wall_s: float
    time_scale: float
    now: float
    phase: str
    phase_since: float
    aborted: str
    moments: list[Reached]
    clocks: list[Clock]
    buttons: list[Button]
    roles: list[RoleNow]
    probes: list[ProbeNow]
    faults: list[FaultNow]
    messages: list[MessageNow]
    acts: list[ActNow]
    alerts: list[AlertNow]
    escalations: list[EscalationNow]
    over: Over | None

    def timeless(self) -> "Board":
        """Give the same without what only passing time changes, to see whether it is news."""
        still = [msgspec.structs.replace(clock, left_s=None) for clock in self.clocks]
        return msgspec.structs.replace(self, now=0.0, clocks=still)

    def button(self, say: Say) -> Button:
        """Give the button for *say*."""
        return next(button for button in self.buttons if button.say == say)
