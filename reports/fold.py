"""
Folds a journal into one `Story`, which every format tells in its own way.

A journal may end anywhere, since a drill may be killed anywhere: what is missing is None or empty,
and a drill without an end has the verdict `unknown`.
"""

import time
from collections.abc import Iterator
from typing import get_args

import msgspec

from drill import events as e
from drill.incident import MomentName
from drill.journal import Columns, Journal
from drill.moments import Outage, counts, outages, percentiles
from drill.payments_judged import PaymentsJudged
from drill.verdict import Health
from reports.budget import Budget, budgets
from reports.incident import UNPLANNED, IncidentStory, fold_incident
from reports.load import Load, load_of

MOMENTS: tuple[str, ...] = get_args(MomentName)
RESPONSE = ("detected", "acknowledged", "contained", "resolved")
SHARES = (0.5, 0.95, 0.99, 1.0)
UNKNOWN_HEADER = e.Header(
    0.0, "unknown", "unknown", "a drill whose journal has no header", "unknown", "", "", "",
    dirty=False, command="", seed=0, severity=0, wall_s=0.0, mono_s=0.0, boot_id="",
)  # fmt: skip


class Span(msgspec.Struct, frozen=True):
    """A phase from *begin* to *end*, in seconds from the drill's start."""

    name: str
    begin: float
    end: float


class FaultStory(msgspec.Struct, frozen=True):
    """One fault from plan to removal; times in seconds, None if it did not get there."""

    plan: e.PlannedFault
    state: str
    begin_s: float | None = None
    injected_s: float | None = None
    effective_s: float | None = None
    healing_s: float | None = None
    healed_s: float | None = None
    healed_by: str = ""
    proof: str = ""
    held_s: float | None = None
    let_go_s: float | None = None


class ProbeStory(msgspec.Struct, frozen=True):
    """One probe in numbers; latency and lateness as p50, p95, p99 and maximum in milliseconds."""

    plan: e.PlannedProbe
    counts: dict[Health, int]
    latency_ms: list[float | None]
    lateness_ms: list[float | None]
    outages: list[Outage]
    recovery: e.Recovery | None

    @property
    def observations(self) -> int:
        """How often it looked."""
        return sum(self.counts.values())


class Slowest(msgspec.Struct, frozen=True):
    """The drill's recovery: the slowest probe's, in seconds after the proven heal."""

    status: str
    probe: str = ""
    value_s: float | None = None
    minus_s: float = 0.0
    plus_s: float = 0.0
    over_s: float | None = None


class Story(msgspec.Struct, frozen=True):
    """Everything a report tells; *end_s* is the last thing recorded."""

    header: e.Header
    plan: e.Planned | None
    verdict: str
    exit_code: int | None
    aborted: str
    torn: bool
    end_s: float
    phases: list[Span]
    clean: e.Clean | None
    severity: e.SeverityJudged | None
    moments: dict[str, e.MomentSet]
    slas: list[e.SlaJudged]
    findings: list[e.Found]
    faults: list[FaultStory]
    probes: list[ProbeStory]
    recovery: Slowest
    stack: list[tuple[e.Service, e.Service | None]]
    engine: list[e.EngineSaw]
    evidence: list[e.EvidenceKept]
    notes: list[e.Note]
    not_checked: list[str]
    incident: IncidentStory | None
    budgets: list[Budget]
    payments: PaymentsJudged | None
    load: Load | None

    @property
    def incident_moments(self) -> list[str]:
        """The moments of an incident; `contained` only where somebody was to contain."""
        return [name for name in MOMENTS if self.is_asked(name) or name != "contained"]

    def is_asked(self, moment: str) -> bool:
        """Whether the moment came, or the drill asked people or alerts to bring it about."""
        if moment in self.moments or moment not in RESPONSE:
            return True
        if self.incident is None or self.incident.planned.playbook == UNPLANNED:
            return moment != "contained"  # What was asked is not recorded, so that it is missing.
        if moment == "detected":
            return bool(self.incident.planned.detections)
        return any(act.moment == moment for act in self.incident.planned.acts)

    @property
    def finished(self) -> bool:
        """Whether the drill ended by itself."""
        return self.exit_code is not None

    @property
    def faultless(self) -> bool:
        """Whether this run was to look only, as `drill verify` does."""
        return self.plan is not None and not self.plan.faults and not self.faults

    def stamp(self, t: float) -> str:
        """Give date and time of *t* in UTC, as ISO 8601."""
        moment = time.gmtime(self.header.wall_s + t - self.header.t)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)


def fold(journal: Journal) -> Story:
    """Read the whole journal; never raises for what is missing."""
    first = journal.events[0] if journal.events else None
    end, aborted = journal.last(e.End), journal.last(e.Aborted)
    plan, end_s = journal.last(e.Planned), _end(journal)
    faults = _faults(journal, plan)
    moments = {moment.name: moment for moment in journal.every(e.MomentSet)}
    probes = list(_probes(journal, plan))
    not_checked = list(plan.not_checked) if plan else []
    return Story(
        header=first if isinstance(first, e.Header) else UNKNOWN_HEADER,
        plan=plan,
        verdict=end.verdict if end else "unknown",
        exit_code=end.exit_code if end else None,
        aborted=aborted.reason if aborted else "",
        torn=journal.torn,
        end_s=end_s,
        phases=_phases(journal, end_s),
        clean=journal.last(e.Clean),
        severity=journal.last(e.SeverityJudged),
        moments=moments,
        slas=list(journal.every(e.SlaJudged)),
        findings=sorted(journal.every(e.Found), key=_worst_first),
        faults=faults,
        probes=probes,
        recovery=_slowest(probes, _healed(moments, faults), end_s),
        stack=_stack(journal),
        engine=list(journal.every(e.EngineSaw)),
        evidence=list(journal.every(e.EvidenceKept)),
        notes=list(journal.every(e.Note)),
        not_checked=not_checked,
        incident=fold_incident(journal),
        budgets=budgets(journal),
        payments=journal.last(PaymentsJudged),
        load=load_of(journal),
    )


def _worst_first(finding: e.Found) -> int:
    return ("fail", "unknown", "pass").index(finding.verdict)


def _end(journal: Journal) -> float:
    """Give the time of the last thing recorded."""
    times = [event.t for event in journal.events]
    times += [max(seen.got) for seen in journal.observations.values() if len(seen)]
    return max(times, default=0.0)


def _phases(journal: Journal, end_s: float) -> list[Span]:
    """Give the phases that began, each until the next."""
    begun = list(journal.every(e.Phase))
    ends = [phase.t for phase in begun[1:]] + [end_s]
    return [Span(p.name, p.t, end) for p, end in zip(begun, ends, strict=False)]


def _faults(journal: Journal, plan: e.Planned | None) -> list[FaultStory]:
    """Follow each fault; one that the plan does not know still gets a row."""
    changes: dict[str, list[e.FaultChange]] = {}
    for change in journal.every(e.FaultChange):
        changes.setdefault(change.id, []).append(change)
    planned = {fault.id: fault for fault in plan.faults} if plan else {}
    for name in changes:
        planned.setdefault(name, e.PlannedFault(name, "unknown", "unknown", "{}", "", 0.0))
    return [_fault(fault, changes.get(name, [])) for name, fault in planned.items()]


def _fault(plan: e.PlannedFault, changes: list[e.FaultChange]) -> FaultStory:
    """Fold one fault's changes."""
    first: dict[str, float] = {}
    for change in changes:
        first.setdefault(change.state, change.t)
    over = [c for c in changes if c.state in ("healed", "gone_with_target")]
    return FaultStory(
        plan=plan,
        state=changes[-1].state if changes else "planned",
        begin_s=first.get("injected", first.get("intent")),
        injected_s=first.get("injected"),
        effective_s=first.get("effective"),
        healing_s=first.get("healing"),
        healed_s=over[-1].t if over else None,
        healed_by=over[-1].by if over else "",
        held_s=first.get("held"),
        let_go_s=first.get("let_go"),
        proof="; ".join(f"{c.state}: {c.proof}" for c in changes if c.proof),
    )


def _probes(journal: Journal, plan: e.Planned | None) -> Iterator[ProbeStory]:
    """Yield the probes, sacred ones first; one that the plan does not know is listed too."""
    known = {probe.name: probe for probe in plan.probes} if plan else {}
    for name in journal.observations:
        known.setdefault(name, e.PlannedProbe(name, "http", sacred=False, period_s=1, deadline_s=0))
    judged = journal.last(e.Recovered)
    recoveries = {recovery.probe: recovery for recovery in judged.probes} if judged else {}
    for probe in sorted(known.values(), key=lambda probe: (not probe.sacred, probe.name)):
        seen = journal.observations.get(probe.name, Columns())
        took = ((got - sent) * 1000 for sent, got in zip(seen.sent, seen.got, strict=True))
        late = ((sent - due) * 1000 for sent, due in zip(seen.sent, seen.due, strict=True))
        yield ProbeStory(
            plan=probe,
            counts=counts(seen),
            latency_ms=percentiles(took, SHARES),
            lateness_ms=percentiles(late, SHARES),
            outages=outages(seen),
            recovery=recoveries.get(probe.name),
        )


def _healed(moments: dict[str, e.MomentSet], faults: list[FaultStory]) -> float | None:
    """Give when the last fault was proven gone, None if one was not."""
    if "healed" in moments:
        return moments["healed"].t
    healed = [fault.healed_s for fault in faults if fault.begin_s is not None]
    known = [t for t in healed if t is not None]
    return max(known) if known and len(known) == len(healed) else None


def _slowest(probes: list[ProbeStory], healed: float | None, end_s: float) -> Slowest:
    """Give the drill's recovery: the worst status first, then the slowest probe."""
    seen = [probe.recovery for probe in probes if probe.recovery]
    by_status = {r.status: r for r in sorted(seen, key=lambda r: r.value or 0.0)}
    over = None if healed is None else end_s - healed
    for status in ("censored", "missing"):
        if status in by_status:
            return Slowest(status, by_status[status].probe, over_s=over)
    slow = by_status.get("recovered")
    if slow is None or slow.value is None:
        return Slowest("never_bad" if seen else "missing")
    if healed is None:
        return Slowest("missing", slow.probe)
    value = slow.value - healed
    earliest = slow.value if slow.earliest is None else slow.earliest
    latest = slow.value if slow.latest is None else slow.latest
    # As its clock has it: from the proof of the heal, and no sooner.
    minus = min(slow.value - earliest, max(value, 0.0))
    return Slowest("recovered", slow.probe, value, minus, latest - slow.value)


def _stack(journal: Journal) -> list[tuple[e.Service, e.Service | None]]:
    """Pair each service with itself before the drill, so that a change shows."""
    snapshots: dict[str, dict[str, e.Service]] = {}
    for snapshot in journal.every(e.StackSeen):
        snapshots[snapshot.when] = {service.service: service for service in snapshot.services}
    before, after = snapshots.get("before", {}), snapshots.get("after", {})
    return [(service, before.get(name)) for name, service in {**before, **after}.items()]
