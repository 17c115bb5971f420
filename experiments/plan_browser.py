"""What a plan asks of faults in the journeys' browser: a journey that feels them, a known host."""

from collections.abc import Iterator, Sequence

from experiments.environment import Environment
from experiments.faults.base import FaultSpec
from experiments.files import Location
from experiments.problems import nearest
from experiments.scenario import Scenario
from validators.probes.hosts import meant


def known_hosts(environment: Environment) -> frozenset[str]:
    """The hosts that the environment knows: those outside, and those that journeys resolve."""
    resolved = {host for journey in environment.journeys.values() for host in journey.resolve}
    return frozenset({one.host for one in environment.outside} | resolved)


def browser_problems(
    scenario: Scenario, environment: Environment
) -> Iterator[tuple[Location, str]]:
    """Whatever would keep a browser's fault from being felt, with its place in the scenario."""
    hosts = known_hosts(environment)
    journeys = _named_journeys(scenario, environment)
    for index, spec in enumerate(scenario.faults):
        if spec.needs != "browser":
            continue
        place: Location = ("faults", index)
        if not journeys:
            yield (*place, "fault"), _no_journey(spec.fault, environment)
        host = str(getattr(spec, "host", ""))
        if not meant(host, hosts):
            hint = nearest(host, hosts) or f"; there are {', '.join(sorted(hosts)) or 'none'}"
            yield (
                (*place, "host"),
                f"'{host}' is no host of `outside` or of a journey's `resolve`{hint}",
            )
        delay = getattr(spec, "delay", None)
        if delay is not None and spec.for_ and delay > spec.for_:
            text = "longer than `for`, at whose end whatever waits is let go"
            yield (*place, "delay"), text
    yield from _overlaps(scenario.faults, hosts)


def browser_notes(faults: Sequence[FaultSpec], environment: Environment) -> Iterator[str]:
    """What browser faults reach, and what not."""
    for spec in faults:
        if spec.needs == "browser":
            met = ", ".join(meant(str(getattr(spec, "host", "")), known_hosts(environment)))
            yield (
                f"{spec.fault} meets requests of the journeys' Chromium to {met}; whoever buys "
                "without a browser meets nothing of it"
            )


def _named_journeys(scenario: Scenario, environment: Environment) -> set[str]:
    groups = environment.groups()
    return {
        one
        for check in (*scenario.during, *scenario.after)
        for name in check.named_probes()
        for one in groups.get(name, (name,))
    } & set(environment.journeys)


def _no_journey(fault: str, environment: Environment) -> str:
    known = " or ".join(environment.journeys)
    way_out = f"name {known} in `during` or `after`" if known else "this environment has none"
    return f"{fault} is felt by journeys alone, and no check names one: {way_out}"


def _overlaps(faults: Sequence[FaultSpec], hosts: frozenset[str]) -> Iterator[tuple[Location, str]]:
    """Two at once are ambiguous where a host is meant by both."""
    found = [(index, spec) for index, spec in enumerate(faults) if spec.needs == "browser"]
    for later, spec in found:
        for earlier, other in found:
            both = _meant(spec, hosts) & _meant(other, hosts)
            if earlier < later and both and _at_once(spec, other):
                text = f"overlaps with fault {earlier + 1}: both are for {min(both)}"
                yield ("faults", later), f"{text}; let one end before the other begins"


def _meant(spec: FaultSpec, hosts: frozenset[str]) -> set[str]:
    return set(meant(str(getattr(spec, "host", "")), hosts))


def _at_once(spec: FaultSpec, other: FaultSpec) -> bool:
    first, second = sorted((spec, other), key=lambda each: each.begins_s)
    waits = first.hold.within if first.hold else 0.0
    return first.begins_s + (first.for_ or 0.0) + waits > second.begins_s
