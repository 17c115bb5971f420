"""`report.json`: the schema `drill-report/1`, for machines; readers ignore unknown fields."""

from typing import Literal, TypeVar

import msgspec

from drill import events as e
from drill.journal import Journal
from reports import json_incident as people
from reports.fold import MOMENTS, FaultStory, ProbeStory, Span, Story, fold
from reports.json_incident import Strict
from reports.json_payments import Payments, payments
from reports.load import Load


class Severity(Strict, frozen=True):
    """Declared beside seen; *declared* None for a run without faults."""

    declared: int | None
    seen: int | None


class CleanState(Strict, frozen=True):
    """Whether staging is as it was found; *at* None means that nobody looked."""

    at: str | None
    proof: str
    remaining: list[e.Remaining]


class Moment(Strict, frozen=True):
    """A named point with its bounds."""

    t_s: float
    earliest_s: float
    latest_s: float
    at: str
    source: str
    actor: str
    role: str


class Finding(Strict, frozen=True):
    """A check's verdict."""

    check: str
    verdict: Literal["pass", "unknown", "fail"]
    reason: str
    cause: str
    fingerprint: str
    evidence: list[str]


class Fault(Strict, frozen=True):
    """One fault; *spec* is JSON text as the plan resolved it."""

    id: str
    fault: str
    target: str
    spec: str
    path: str
    injected_s: float | None
    effective_s: float | None
    healed_s: float | None
    healed_by: str
    proof: str
    held_s: float | None
    let_go_s: float | None


class Latency(Strict, frozen=True):
    """Order statistics in milliseconds."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Recovered(msgspec.Struct, frozen=True):
    """When one probe was good again, in seconds from the drill's start."""

    status: str
    t_s: float | None
    earliest_s: float | None
    latest_s: float | None


class Probe(Strict, frozen=True):
    """One probe in numbers."""

    name: str
    sacred: bool
    period_s: float
    observations: int
    ok: int
    degraded: int
    limited: int
    down: int
    latency_ms: Latency
    lateness_ms: Latency
    recovered: Recovered | None
    outages: list[tuple[float, float | None]]


class StackService(Strict, frozen=True):
    """One container after the drill, or before it if the drill got no further."""

    service: str
    image: str
    digest: str
    restarts: int
    oom_kills: int
    faulted: bool


class Evidence(Strict, frozen=True):
    """A file in the run's folder."""

    kind: str
    path: str
    subject: str
    note: str
    t_s: float


class Report(Strict, frozen=True):
    """The whole report."""

    id: str
    scenario: str
    title: str
    environment: str
    harness: str
    commit: str
    dirty: bool
    command: str
    seed: int
    time_scale: float
    started_at: str
    finished_at: str | None
    exit_code: int | None
    aborted: str | None
    phases: list[Span]
    verdict: Literal["pass", "unknown", "fail"]
    severity: Severity
    clean: CleanState
    not_checked: list[str]
    moments: dict[str, Moment | None]
    slas: list[people.Sla]
    findings: list[Finding]
    faults: list[Fault]
    responses: list[people.Response]
    roles: list[people.RoleHeld]
    alerts: list[people.AlertLife]
    probes: list[Probe]
    payments: Payments | None
    stack: list[StackService]
    releases: list[people.Release]
    load: Load | None
    error_budgets: list[people.ErrorBudget]
    comms: list[people.Message]
    evidence: list[Evidence]
    schema: Literal["drill-report/1"] = "drill-report/1"


T = TypeVar("T", bound=Strict)


def render_json(journal: Journal) -> bytes:
    """Give `report.json`, indented, with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(report(fold(journal))), indent=1) + b"\n"


def report(story: Story) -> Report:
    """Turn the story into the published schema."""
    head = story.header
    same = ("id", "scenario", "title", "environment", "harness", "commit", "dirty", "command",
            "seed", "time_scale")  # fmt: skip
    values: dict[str, object] = {name: getattr(head, name) for name in same}
    values |= people.people(story.incident)
    values |= {
        "started_at": story.stamp(0.0),
        "finished_at": story.stamp(story.end_s) if story.finished else None,
        "exit_code": story.exit_code,
        "aborted": story.aborted or None,
        "phases": story.phases,
        "verdict": story.verdict,
        "severity": Severity(
            head.severity or None, story.severity.seen if story.severity else None
        ),
        "clean": _clean(story),
        "not_checked": story.not_checked,
        "moments": {name: _moment(story, name) for name in MOMENTS},
        "slas": [people.sla(judged) for judged in story.slas],
        "findings": [_copy(found, Finding) for found in story.findings],
        "faults": [_fault(fault) for fault in story.faults],
        "probes": [_probe(probe) for probe in story.probes],
        "payments": payments(story.payments),
        "load": story.load,
        "error_budgets": [people.budget(spent) for spent in story.budgets],
        "stack": _stack(story),
        "evidence": [Evidence(x.kind, x.path, x.subject, x.note, x.t) for x in story.evidence],
    }
    return msgspec.convert(values, Report, from_attributes=True)


def _copy(event: e.Event, kind: type[T]) -> T:
    """Take from *event* the fields that *kind* has."""
    return kind(**{name: getattr(event, name) for name in kind.__struct_fields__})


def _clean(story: Story) -> CleanState:
    clean = story.clean
    if clean is None:
        return CleanState(None, "", [])
    at = story.stamp(clean.wall_s - story.header.wall_s + story.header.t)
    return CleanState(at, clean.proof, clean.remaining)


def _moment(story: Story, name: str) -> Moment | None:
    seen = story.moments.get(name)
    if seen is None:
        return None
    at = story.stamp(seen.t)
    return Moment(seen.t, seen.earliest, seen.latest, at, seen.source, seen.actor, seen.role)


def _fault(fault: FaultStory) -> Fault:
    plan = fault.plan
    return Fault(
        plan.id, plan.fault, plan.target, plan.spec, plan.path,
        fault.injected_s, fault.effective_s, fault.healed_s, fault.healed_by, fault.proof,
        fault.held_s, fault.let_go_s,
    )  # fmt: skip


def _probe(probe: ProbeStory) -> Probe:
    return Probe(
        name=probe.plan.name,
        sacred=probe.plan.sacred,
        period_s=probe.plan.period_s,
        observations=probe.observations,
        **{health.word: count for health, count in probe.counts.items()},
        latency_ms=Latency(*probe.latency_ms),
        lateness_ms=Latency(*probe.lateness_ms),
        recovered=_recovered(probe.recovery),
        outages=probe.outages,
    )


def _stack(story: Story) -> list[StackService]:
    targets = {fault.plan.target for fault in story.faults}
    return [
        StackService(
            now.service, now.image, now.digest, now.restarts, int(now.oom_killed),
            now.service in targets,
        )
        for now, _ in story.stack
    ]  # fmt: skip


def _recovered(one: e.Recovery | None) -> Recovered | None:
    if one is None:
        return None
    return Recovered(one.status, one.value, one.earliest, one.latest)
