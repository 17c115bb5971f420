"""What a plan asks of faults at held edges."""

from collections.abc import Iterator, Mapping, Sequence

from experiments.environment import Environment
from experiments.faults.base import FaultSpec
from experiments.files import Location
from experiments.held import Edge
from experiments.problems import nearest
from experiments.scenario import Scenario


def held_problems(
    scenario: Scenario, environment: Environment, services: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    """Whatever would keep a held edge from being reached, with its place in the scenario."""
    groups = environment.groups()
    for index, spec in enumerate(scenario.faults):
        if spec.hold is None:
            continue
        place: Location = ("faults", index, "at")
        yield from _edge_problems((*place, "held"), spec.hold.held, environment, services)
        if spec.hold.within <= 0:
            yield (*place, "within"), "nothing is seen in no time; such as `within: 30s`"
        if not _buys(scenario, environment, groups):
            text = (
                f"nobody buys, so no {spec.hold.seen} would ever be seen: add `load`, or name a "
                "journey that buys in `during` or `after`"
            )
            yield place, text
    yield from _overlaps(scenario.faults)


def held_targets(faults: Sequence[FaultSpec]) -> set[str]:
    """The services that are held: each counts as a target, as data of it is dropped."""
    return {spec.hold.held.from_ for spec in faults if spec.hold is not None}


def _edge_problems(
    place: Location, edge: Edge, environment: Environment, services: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    hosts = {one.host for one in environment.outside}
    known = services | hosts
    if edge.from_ in hosts:
        text = (
            f"'{edge.from_}' is outside, and only what a service sends can be dropped: "
            "name the service that stands for it here, or hold the other side"
        )
        yield (*place, "from"), text
    elif edge.from_ not in services:
        hint = nearest(edge.from_, services) or f"; there are {', '.join(sorted(services))}"
        yield (*place, "from"), f"no service is called '{edge.from_}'{hint}"
    for name, value in (("to", edge.to), ("after", edge.after)):
        if value is not None and value not in known:
            way_out = "name a service, or a host that the environment lists under `outside`"
            yield (*place, name), f"'{value}' is not known here{nearest(value, known)}; {way_out}"
    if edge.from_ in (edge.to, edge.after):
        text = f"{edge.from_} has no edge to itself: what it tells itself is never dropped"
        yield place, text
    if edge.to == edge.after:
        text = f"data to {edge.to} cannot begin a hold of data to {edge.to}: leave `after` out"
        yield (*place, "after"), text


def _buys(
    scenario: Scenario, environment: Environment, groups: Mapping[str, Sequence[str]]
) -> bool:
    if scenario.load:
        return True
    checks = (*scenario.during, *scenario.after)
    named = {
        one
        for check in checks
        for name in check.named_probes()
        for one in groups.get(name, (name,))
    }
    return bool(named & set(environment.journeys))


def _overlaps(faults: Sequence[FaultSpec]) -> Iterator[tuple[Location, str]]:
    """A hold is a network fault on `from`, from the first phase of faults until its limit."""
    for index, spec in enumerate(faults):
        if spec.hold is None:
            continue
        source = spec.hold.held.from_
        place: Location = ("faults", index, "at", "held", "from")
        for number, other in enumerate(faults):
            if number == index:
                continue
            held = other.hold is not None and other.hold.held.from_ == source and number < index
            cut = (other.family, other.target) == ("network", source)
            if held or (cut and other.begins_s < spec.hold.within):
                yield (
                    place,
                    (
                        f"overlaps with fault {number + 1}: data of {source} would be dropped for "
                        "two reasons at once; let one end before the other begins"
                    ),
                )
