"""
What a journal says about the people's side of an outage: alerts, acts, messages, releases.

Times are as in `drill.events`. Where a time was read from another system's wall clock it was
placed on ours with the pair of the phase it fell into; `earliest` and `latest` carry that
source's resolution.
"""

from typing import Literal

import msgspec

from drill.events import Event
from drill.rules import AnyRule

MomentName = Literal[
    "effective",
    "impact",
    "detected",
    "acknowledged",
    "contained",
    "resolved",
    "healed",
    "recovered",
]
ORDER: tuple[MomentName, ...] = ("detected", "acknowledged", "contained", "resolved")
"""Moments that people set; each only after the ones before it, `contained` may be left out."""

REPORT = "customer.report"
"""The act of a customer, whose role no playbook assigns: nobody has to hold it."""

Source = Literal["prometheus", "alertmanager", "sentry", "grafana", "support"]
AlertState = Literal["pending", "firing", "notified", "delivered", "resolved"]
Via = Literal["auto", "page", "command", "silence"]
ActState = Literal["begun", "done", "failed", "refused", "undoing", "undone", "undo_failed"]
Channel = Literal["slack", "email"]
Audience = Literal["internal", "customers", "stakeholders", "role"]
MessageKind = Literal["first", "update", "final", "summary", "page"]


class PlannedDetection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who must notice, and how soon after the fault; *chain_s* is the slowest its chain can be."""

    alert: str
    source: Source
    within_s: float
    chain_s: float | None = None


class PlannedAct(msgspec.Struct, frozen=True, omit_defaults=True):
    """One act as the plan resolved it; *after_s* on the playbook's clock."""

    id: str
    do: str
    moment: str
    when: str
    after_s: float
    by: Literal["auto", "people"]
    role: str
    spec: str = "{}"


class PlannedMessages(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What one audience was promised; all times on the playbook's clock.

    *first_s* after detection and *every_s* from then on until resolution for updates; *within_s*
    after resolution for the summary. *grace_s* is how late a message may be.
    """

    channel: Channel
    audience: Audience
    to: str
    role: str
    grace_s: float
    first_s: float | None = None
    every_s: float | None = None
    within_s: float | None = None


class PlannedEscalation(msgspec.Struct, frozen=True):
    """Unacknowledged for so long after detection, on the playbook's clock, the role is paged."""

    after_s: float
    role: str


class IncidentPlanned(Event, frozen=True, tag="incident"):
    """
    The playbook as far as it binds this drill.

    *acknowledge_s* and *resolve_s* are the limits of the declared severity on the playbook's
    clock; one real second is *time_scale* of its seconds. *roles* gives who holds each. *rules*
    gives, by severity as text, what observations make an incident of that severity.
    """

    playbook: str
    time_scale: float
    acknowledge_s: float | None
    resolve_s: float | None
    roles: dict[str, list[str]]
    rules: dict[str, list[AnyRule]]
    detections: list[PlannedDetection] = msgspec.field(default_factory=list)
    acts: list[PlannedAct] = msgspec.field(default_factory=list)
    messages: list[PlannedMessages] = msgspec.field(default_factory=list)
    escalations: list[PlannedEscalation] = msgspec.field(default_factory=list)
    ignore_alerts: list[str] = msgspec.field(default_factory=list)
    stable: str = ""


class AlertSeen(Event, frozen=True, tag="alert"):
    """
    One step in the life of an alert, a customer's report or an error group.

    *t* is our best reading of when the step happened, *seen* when we looked and found it.
    *evidence* says where it was read, without secrets.
    """

    alert: str
    source: Source
    state: AlertState
    seen: float
    earliest: float
    latest: float
    resolution_s: float
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    evidence: str = ""
    before_fault: bool = False


class ChainSeen(Event, frozen=True, tag="chain"):
    """
    Whether an alert can fire at all, as its monitoring describes itself.

    *series* is how many series the expression's selectors have; None where nobody could ask.
    """

    alert: str
    source: Source
    present: bool
    health: str = ""
    series: int | None = None
    scrape_s: float | None = None
    evaluation_s: float | None = None
    for_s: float | None = None
    group_wait_s: float | None = None
    detail: str = ""


class Acted(Event, frozen=True, tag="act"):
    """An act of the playbook: who did what in which role, and what shows it."""

    id: str
    do: str
    state: ActState
    actor: str
    role: str
    via: Via
    moment: str = ""
    proof: str = ""


class Escalated(Event, frozen=True, tag="escalated"):
    """Nobody answered for *after_s* of the playbook's seconds, so *role* was paged."""

    role: str
    after_s: float


class MessageSent(Event, frozen=True, tag="message"):
    """
    One message to an audience; *sent* None means that no server took it.

    *due* is when it was to be sent at the earliest. *evidence* is the server's own words of
    acceptance, or why there is none; *text* what was said, without secrets. *to* is the channel or
    the role as the playbook names it, where one audience has several.
    """

    channel: Channel
    audience: Audience
    kind: MessageKind
    due: float
    sent: float | None
    actor: str
    role: str
    evidence: str
    text: str = ""
    to: str = ""


class ReleaseSeen(Event, frozen=True, tag="release"):
    """Which release of a service was running; digests are the engine's own."""

    service: str
    when: Literal["before", "bad", "rolled_back", "after"]
    release: str
    image: str
    digest: str
    detail: str = ""


class MonitoringSeen(Event, frozen=True, tag="monitoring"):
    """One look at the monitoring itself: is *what* as it should be; None: could not be asked."""

    when: Literal["before", "during", "after"]
    what: str
    ok: bool | None
    detail: str = ""


class GuardrailSeen(Event, frozen=True, tag="guardrail"):
    """One preventive guardrail of the playbook, looked up in the repository or the runs."""

    guardrail: str
    ok: bool | None
    detail: str
    evidence: str = ""
