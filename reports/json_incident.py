"""The people's side of `report.json`: responses, roles, alerts, releases, messages, budgets."""

from typing import Literal

import msgspec

from drill.events import SlaJudged
from reports.budget import Budget
from reports.incident import Act, Alert, IncidentStory, Role


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the report; times ending in `_s` are seconds from the drill's start."""


class Sla(Strict, frozen=True):
    """One clock against its limit, in real seconds; *playbook_limit_s* as the playbook has it."""

    name: str
    limit_s: float | None
    playbook_limit_s: float | None
    measured_s: float | None
    earliest_s: float | None
    latest_s: float | None
    status: Literal["met", "missed", "censored", "missing"]


class Response(Strict, frozen=True):
    """One act of the playbook; *after_s* is on the playbook's clock, all others real seconds."""

    id: str
    do: str
    moment: str
    when: str
    after_s: float | None
    by: str
    role: str
    state: str
    actor: str
    via: str
    due_s: float | None
    begun_s: float | None
    done_s: float | None
    undone_s: float | None
    proof: str


class RoleHeld(Strict, frozen=True):
    """A role, who holds it and who acted in it."""

    role: str
    held_by: list[str]
    acted: list[str]


class Chain(Strict, frozen=True):
    """What the monitoring says of an alert's chain; None where nobody could ask."""

    present: bool
    health: str
    series: int | None
    scrape_s: float | None
    evaluation_s: float | None
    for_s: float | None
    group_wait_s: float | None
    detail: str


class AlertLife(Strict, frozen=True):
    """One alert: when each step happened first, None where it was not seen."""

    alert: str
    source: str
    promised: bool
    within_s: float | None
    planned_chain_s: float | None
    pending_s: float | None
    firing_s: float | None
    notified_s: float | None
    delivered_s: float | None
    resolved_s: float | None
    resolution_s: float | None
    before_fault: bool
    ignored: bool
    evidence: str
    chain: Chain | None


class Release(Strict, frozen=True):
    """Which release of a service ran when."""

    t_s: float
    service: str
    when: str
    release: str
    image: str
    digest: str
    detail: str


class ErrorBudget(Strict, frozen=True):
    """What one probe spent of its objective; *spent_ratio* by time, None where nobody looked."""

    objective: str
    probe: str
    target: float
    window_s: float
    good: int | None
    valid: int | None
    watched_s: float | None
    outage_s: float | None
    degraded_s: float | None
    down_s: float | None
    open: bool
    spent_ratio: float | None
    request_spent_ratio: float | None


class Message(Strict, frozen=True):
    """One message; *sent_s* None means that no server took it."""

    channel: str
    audience: str
    kind: str
    due_s: float
    sent_s: float | None
    actor: str
    role: str
    evidence: str
    text: str


def sla(judged: SlaJudged) -> Sla:
    """Give one clock as the report has it."""
    return Sla(**{name: getattr(judged, name) for name in Sla.__struct_fields__})


def response(act: Act) -> Response:
    """Give one act as the report has it."""
    return Response(**{name: getattr(act, name) for name in Response.__struct_fields__})


def role_held(role: Role) -> RoleHeld:
    """Give one role as the report has it."""
    return RoleHeld(role.role, role.held_by, role.acted)


def alert_life(alert: Alert) -> AlertLife:
    """Give one alert as the report has it."""
    seen = alert.chain
    chain = (
        Chain(**{name: getattr(seen, name) for name in Chain.__struct_fields__}) if seen else None
    )
    return AlertLife(
        alert.alert, alert.source, alert.promised, alert.within_s, alert.planned_chain_s,
        alert.steps.get("pending"), alert.steps.get("firing"), alert.steps.get("notified"),
        alert.steps.get("delivered"), alert.steps.get("resolved"), alert.resolution_s,
        alert.before_fault, alert.ignored, alert.evidence, chain,
    )  # fmt: skip


def budget(spent: Budget) -> ErrorBudget:
    """Give one budget as the report has it."""
    return ErrorBudget(**{name: getattr(spent, name) for name in ErrorBudget.__struct_fields__})


def people(story: IncidentStory | None) -> dict[str, object]:
    """Give the fields of the report that tell of people; empty lists without an incident."""
    if story is None:
        return {name: [] for name in ("responses", "roles", "alerts", "releases", "comms")}
    return {
        "responses": [response(act) for act in story.acts],
        "roles": [role_held(role) for role in story.roles],
        "alerts": [alert_life(alert) for alert in story.alerts],
        "releases": [
            Release(r.t, r.service, r.when, r.release, r.image, r.digest, r.detail)
            for r in story.releases
        ],
        "comms": [
            Message(
                m.channel, m.audience, m.kind, m.due, m.sent, m.actor, m.role, m.evidence, m.text
            )
            for m in story.messages
        ],
    }  # fmt: skip
