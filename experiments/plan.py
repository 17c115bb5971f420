"""The plan: what will happen, resolved and checked, before anything is touched."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from drill.errors import BadInput
from drill.events import Planned, PlannedFault, PlannedProbe
from drill.incident import IncidentPlanned
from experiments.environment import Environment
from experiments.faults.base import FaultSpec
from experiments.files import Document, Location
from experiments.plan_incident import incident_problems, plan_incident
from experiments.problems import nearest
from experiments.scenario import Scenario
from experiments.site import Site
from validators.checks import ALWAYS, IMPLIED
from validators.checks.base import CheckSpec

FAST_PERIOD_S = 0.02
"""Between the call of the heal and the recovery, for probes that a check names."""
NOT_BUILT = "not built yet; leave it out until the release that brings it"
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
        """The tightest recovery limit that a check names."""
        limits = [limit for check in self.checks if (limit := getattr(check, "limit", None))]
        return min(limits, default=None)

    @property
    def horizon_s(self) -> float:
        """How long after the last heal the drill may have to look."""
        return max((check.horizon_s() for check in self.checks), default=0.0)

    @property
    def stable_for_s(self) -> float:
        """How long every probe must stay good, by the strictest check."""
        return max((getattr(check, "stable_for", 0.0) for check in self.checks), default=0.0)

    @property
    def not_checked(self) -> Sequence[str]:
        """What this drill does not look at, for the report."""
        rehearsed = self.incident.detections or self.incident.acts
        return (NO_LEDGER,) if rehearsed else (NO_LEDGER, NO_PEOPLE)

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
        at_s=spec.at,
        for_s=spec.for_,
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
        *_not_built(scenario),
        *_fault_problems(scenario.faults, environment, site.services),
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
        notes=list(_notes(scenario.faults, environment)),
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


def _not_built(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    if scenario.load:
        yield ("load",), NOT_BUILT
    for part in ("during", "after"):
        for index, check in enumerate(getattr(scenario, part)):
            if check.check == "loses_nothing":
                yield (part, index, "check"), f"loses_nothing is {NOT_BUILT}"


def _fault_problems(
    faults: Sequence[FaultSpec], environment: Environment, services: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    hosts = {one.host for one in environment.outside}
    for index, spec in enumerate(faults):
        place: Location = ("faults", index)
        if spec.target not in services:
            hint = nearest(spec.target, services) or f"; there are {', '.join(sorted(services))}"
            yield (*place, "target"), f"no service is called '{spec.target}'{hint}"
        to = getattr(spec, "to", None)
        if to is not None and to not in services | hosts:
            hint = nearest(to, services | hosts)
            way_out = "name a service, or a host that the environment lists under `outside`"
            yield (*place, "to"), f"'{to}' is not known here{hint}; {way_out}"
        if (
            spec.fault == "network.reject"
            and to in services
            and getattr(spec, "port", None) is None
        ):
            text = "refusing a service needs its port, else nothing can prove it: `port: 6379`"
            yield (*place, "to"), text
        if spec.momentary and spec.for_ is not None:
            text = f"{spec.fault} is momentary: it is over when the target is back; leave `for` out"
            yield (*place, "for"), text
        if not spec.momentary and not spec.for_:
            yield place, f"{spec.fault} needs `for`, such as `for: 20s`"
    yield from _overlaps(faults)
    targets = {spec.target for spec in faults}
    if len(targets) > environment.max_targets:
        text = f"{len(targets)} targets; the environment allows {environment.max_targets}"
        yield ("faults",), f"{text} (max_targets)"


def _overlaps(faults: Sequence[FaultSpec]) -> Iterator[tuple[Location, str]]:
    for later, spec in enumerate(faults):
        for earlier, other in enumerate(faults[:later]):
            same = (spec.family, spec.target) == (other.family, other.target)
            first, second = sorted((spec, other), key=lambda each: each.at)
            # A momentary fault is over when its target is back, which nobody knows beforehand.
            lasts = first.for_ if first.for_ is not None else float("inf")
            if same and first.at + lasts > second.at:
                yield (
                    ("faults", later),
                    (
                        f"overlaps with fault {earlier + 1}: two {spec.family} faults on "
                        f"{spec.target} at once; let one end before the other begins"
                    ),
                )


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
