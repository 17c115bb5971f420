"""The people's side of a plan: who must notice, who acts when, who is told. Pure."""

from collections.abc import Iterator

from drill.incident import IncidentPlanned, PlannedAct, PlannedDetection, Source
from experiments.files import Location
from experiments.problems import nearest
from experiments.respond.base import ActSpec, Kind
from experiments.scenario import Scenario
from experiments.site import Site

Problem = tuple[Location, str]
CUSTOMER = "customer"
"""Who reports; no role of a playbook."""


def plan_incident(scenario: Scenario, site: Site) -> IncidentPlanned:
    """
    The playbook as far as it binds this drill.

    A scenario that rehearses nobody's answer has severities and roles, but no clocks and no
    messages: nothing is promised about people who were not there.
    """
    playbook, environment = site.playbook, site.environment
    level = playbook.level(scenario.severity)
    rehearsed = bool(scenario.detect or scenario.respond)
    monitoring = environment.monitoring
    stable = environment.deploy.stable if environment.deploy else None
    return IncidentPlanned(
        t=0.0,
        playbook=playbook.title,
        time_scale=scenario.time_scale,
        acknowledge_s=level.acknowledge if level and rehearsed else None,
        resolve_s=level.resolve if level and rehearsed else None,
        roles=playbook.holders(),
        rules=playbook.rules(environment.groups()),
        detections=[
            PlannedDetection(alert=each.alert, source=each.source, within_s=each.within)
            for each in scenario.detect
        ],
        acts=[_planned(f"a{index}", act, site) for index, act in enumerate(scenario.respond, 1)],
        messages=playbook.messages(scenario.severity) if rehearsed else [],
        escalations=playbook.escalations() if rehearsed else [],
        ignore_alerts=[*(monitoring.ignore_alerts if monitoring else ()), *scenario.may_fire],
        stable=stable or (playbook.rollback.stable if playbook.rollback else ""),
    )


def _planned(name: str, act: ActSpec, site: Site) -> PlannedAct:
    return PlannedAct(
        id=name,
        do=act.do,
        moment=act.sets,
        when=act.when,
        after_s=act.after,
        by=act.by,
        role=act.role or _usual_role(act.kind, site),
        spec=act.model_dump_json(by_alias=True, exclude_none=True),
    )


def _usual_role(kind: Kind, site: Site) -> str:
    return str(getattr(site.playbook.acts, kind, CUSTOMER))


def incident_problems(scenario: Scenario, site: Site) -> Iterator[Problem]:
    """Give what this environment or this playbook cannot do, with its place in the scenario."""
    yield from _detection_problems(scenario, site)
    resolving = [index for index, act in enumerate(scenario.respond) if act.sets == "resolved"]
    for index in resolving[1:]:
        first = resolving[0] + 1
        text = f"an incident is resolved once; act {first} does it already"
        yield ("respond", index, "do"), text
    for index, act in enumerate(scenario.respond):
        for field, text in act.problems(site):
            yield ("respond", index, field), text
        yield from _order_problems(scenario, site, index)


def _detection_problems(scenario: Scenario, site: Site) -> Iterator[Problem]:
    for index, each in enumerate(scenario.detect):
        if not _source(each.source, site):
            text = f"the environment names no {each.source}: add `monitoring.{each.source}`"
            yield ("detect", index, "source"), text


def _source(source: Source, site: Site) -> object:
    monitoring = site.environment.monitoring
    return getattr(monitoring, source, None) if monitoring else None


def _order_problems(scenario: Scenario, site: Site, index: int) -> Iterator[Problem]:
    act = scenario.respond[index]
    place: Location = ("respond", index)
    if act.role and act.role not in site.playbook.roles:
        hint = nearest(act.role, site.playbook.roles)
        yield (*place, "role"), f"the playbook has no role '{act.role}'{hint}"
    if act.when == "detected" and not scenario.detect:
        yield (*place, "when"), "nobody detects in this scenario: add `detect`"
    if act.when == "escalated" and not site.playbook.escalate:
        yield (*place, "when"), "the playbook escalates to nobody: add `escalate` to it"
    moments = {each.sets for each in scenario.respond}
    if act.when in {"acknowledged", "contained", "resolved"} and act.when not in moments:
        yield (*place, "when"), f"no act of this scenario makes it {act.when}"
    if act.when == act.sets:
        yield (*place, "when"), f"it would wait for itself: it is what makes it {act.when}"
