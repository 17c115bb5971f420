"""The plan: what will happen, resolved and checked, before anything is touched."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from drill.errors import BadInput
from drill.events import Planned, PlannedFault, PlannedProbe
from drill.incident import IncidentPlanned
from experiments.environment import Environment
from experiments.faults.base import FaultSpec
from experiments.files import Document, Location
from experiments.load.planning import load_notes
from experiments.plan_browser import browser_notes, browser_problems
from experiments.plan_faults import fault_problems
from experiments.plan_held import held_problems, held_targets
from experiments.plan_incident import incident_problems, plan_incident
from experiments.plan_payments import payment_problems
from experiments.problems import nearest
from experiments.scenario import Scenario
from experiments.site import Site
from validators.checks import ALWAYS, IMPLIED, IMPLIES
from validators.checks.base import CheckSpec

FAST_PERIOD_S = 0.02
"""Between the call of the heal and the recovery, for probes that a check names."""
NO_LEDGER = "payments ledger (nothing lost, nobody charged twice)"
NO_PEOPLE = "detection by alerts, acknowledgement, containment, rollback and communication"


class ArmedSpec(msgspec.Struct, frozen=True):
    """A fault of the plan with its id."""

    id: str
    spec: FaultSpec


class Plan(msgspec.Struct, frozen=True):
    """Everything a drill needs to know; groups of probes are resolved into names."""

    scenario: Scenario
    environment: Environment
    faults: Sequence[ArmedSpec]
    probes: Sequence[PlannedProbe]
    checks: Sequence[CheckSpec]
    fast_periods: Mapping[str, float]
    incident: IncidentPlanned
    rollback_commands: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def recover_limit_s(self) -> float | None:
        """By when all is to be good again, of the tightest limit that each probe is given."""
        limits: dict[str, float] = {}
        for check in self.checks:
            limit: float | None = getattr(check, "limit", None)
            if limit is not None:
                limits |= {n: min(limit, limits.get(n, limit)) for n in check.named_probes()}
        return max(limits.values(), default=None)

    @property
    def horizon_s(self) -> float:
        """How long after the last heal the drill may have to look."""
        return max((check.horizon_s() for check in self.checks), default=0.0)

    @property
    def stable_for_s(self) -> float:
        """How long every probe must stay good, by the strictest check."""
        return max((getattr(check, "stable_for", 0.0) for check in self.checks), default=0.0)

    @property
    def targets(self) -> frozenset[str]:
        """Every service that a fault may touch, held ones too."""
        specs = [each.spec for each in self.faults]
        return frozenset({spec.service for spec in specs if spec.service} | held_targets(specs))

    @property
    def not_checked(self) -> Sequence[str]:
        """What this drill does not look at, for the report."""
        ledger = any(check.check == "loses_nothing" for check in self.checks)
        rehearsed = self.incident.detections or self.incident.acts
        return (*(() if ledger else (NO_LEDGER,)), *(() if rehearsed else (NO_PEOPLE,)))

    def planned(self, t: float) -> Planned:
        """The plan as the journal keeps it."""
        return Planned(
            t=t,
            faults=[_planned_fault(each) for each in self.faults],
            probes=list(self.probes),
            checks=[check.label for check in self.checks],
            baseline_s=self.scenario.baseline,
            recover_limit_s=self.recover_limit_s,
            notes=list(self.notes),
            not_checked=list(self.not_checked),
        )


def _planned_fault(each: ArmedSpec) -> PlannedFault:
    spec = each.spec
    return PlannedFault(
        id=each.id,
        fault=spec.fault,
        target=spec.target,
        spec=spec.model_dump_json(by_alias=True, exclude_none=True),
        path=spec.path(),
        at_s=spec.begins_s,
        for_s=spec.for_,
        held=spec.hold.told() if spec.hold else "",
    )


def make_plan(scenario: Scenario, document: Document, site: Site) -> Plan:
    """
    Resolve a scenario in an environment; touches nothing.

    Args:
        scenario: What is to be done.
        document: The file it was read from, for the places of problems.
        site: Where it is to be done, and by which playbook.

    Raises:
        BadInput: Every problem at once, with its place in the scenario.
    """
    environment = site.environment
    groups = environment.groups()
    problems = [
        *payment_problems(scenario, site),
        *fault_problems(scenario.faults, environment, site.services),
        *held_problems(scenario, environment, site.services),
        *browser_problems(scenario, environment),
        *_probe_problems(scenario, groups),
        *incident_problems(scenario, site),
    ]
    if problems:
        raise BadInput(*(f"{document.place(place)}: {text}" for place, text in problems))
    incident = plan_incident(scenario, site)
    named_checks = (*scenario.during, *scenario.after)
    checks = [
        check.with_probes(_resolve(check.named_probes(), groups))
        for check in (*named_checks, *_implied(incident, named_checks))
    ]
    named = frozenset(name for check in checks for name in check.named_probes())
    probes = [*_http_probes(environment), *_journeys(environment, named)]
    return Plan(
        scenario=scenario,
        environment=environment,
        faults=[ArmedSpec(f"f{index}", spec) for index, spec in enumerate(scenario.faults, 1)],
        probes=probes,
        checks=[*checks, *_always(scenario.faults)],
        incident=incident,
        rollback_commands=site.playbook.rollback.commands if site.playbook.rollback else (),
        fast_periods={
            name: max(FAST_PERIOD_S, probe.shortest_period_s)
            for name, probe in environment.probes.items()
            if name in named
        },
        notes=[
            *_notes(scenario.faults, environment),
            *browser_notes(scenario.faults, environment),
            *load_notes(scenario.load, environment),
        ],
    )


def _always(faults: Sequence[FaultSpec]) -> Iterator[CheckSpec]:
    momentary = any(spec.momentary for spec in faults)
    for check in ALWAYS:
        name = str(check.model_fields["check"].default)
        if momentary or name != "comes_back_by_itself":
            yield check(check=name)


def _implied(incident: IncidentPlanned, named: Sequence[CheckSpec]) -> Iterator[CheckSpec]:
    """What a scenario promises by rehearsing detection, people, messages or releases."""
    already = {check.check for check in named}
    for check in IMPLIED:
        name = str(check.model_fields["check"].default)
        if name not in already and check.applies(incident):
            yield check(check=name)
    for each in sorted(already & set(IMPLIES)):
        for meant in IMPLIES[each]:
            yield meant(check=str(meant.model_fields["check"].default))


def _probe_problems(
    scenario: Scenario, groups: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Location, str]]:
    known = [*groups, *groups["all"]]
    for part in ("during", "after"):
        for index, check in enumerate(getattr(scenario, part)):
            for position, name in enumerate(check.named_probes()):
                if name not in known:
                    place = (part, index, "probes", position)
                    yield place, _unknown_probe(name, known)
                elif name in groups and not groups[name]:
                    yield (part, index, "probes", position), f"the group '{name}' is empty here"
    for index, rule in enumerate(scenario.abort_if):
        if rule.probe not in groups["all"]:
            yield ("abort_if", index, "probe"), _unknown_probe(rule.probe, groups["all"])


def _unknown_probe(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known) or f"; there are {', '.join(known)}"
    return f"no probe is called '{name}'{hint}"


def _resolve(names: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    resolved = [probe for name in names for probe in groups.get(name, (name,))]
    return tuple(dict.fromkeys(resolved))


def _http_probes(environment: Environment) -> Iterator[PlannedProbe]:
    for name, probe in environment.probes.items():
        yield PlannedProbe(
            name=name,
            kind="http",
            sacred=probe.sacred,
            period_s=probe.every,
            deadline_s=probe.deadline,
            slow_after_s=probe.slow_after,
        )


def _journeys(environment: Environment, named: frozenset[str]) -> Iterator[PlannedProbe]:
    # A browser costs more than all other probes together: only those that a check names are run.
    for name, journey in environment.journeys.items():
        if name in named:
            yield PlannedProbe(
                name=name,
                kind="journey",
                sacred=False,
                period_s=journey.every,
                deadline_s=journey.deadline,
            )


def _notes(faults: Sequence[FaultSpec], environment: Environment) -> Iterator[str]:
    for spec in faults:
        if getattr(spec, "to", None) in {one.host for one in environment.outside}:
            yield (
                f"{spec.fault} to {getattr(spec, 'to', '')} matches addresses: other names on "
                "the same address are cut as well"
            )
