"""What a plan asks of faults: a target that is there, an end, no other on the same spot."""

from collections.abc import Iterator, Sequence

from experiments.environment import Environment
from experiments.faults.base import FaultSpec
from experiments.files import Location
from experiments.plan_held import held_targets
from experiments.problems import nearest


def fault_problems(
    faults: Sequence[FaultSpec], environment: Environment, services: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    """Whatever would keep a fault from being injected here, with its place in the scenario."""
    hosts = {one.host for one in environment.outside}
    for index, spec in enumerate(faults):
        place: Location = ("faults", index)
        if spec.service is not None and spec.service not in services:
            hint = nearest(spec.service, services) or f"; there are {', '.join(sorted(services))}"
            yield (*place, "target"), f"no service is called '{spec.service}'{hint}"
        if spec.needs == "sandbox" and environment.sandbox is None:
            text = f"{spec.fault} needs the sandbox's control port; name it under `sandbox`"
            yield (*place, "fault"), f"{text} of the environment"
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
    targets = {spec.service for spec in faults if spec.service} | held_targets(faults)
    if len(targets) > environment.max_targets:
        text = f"{len(targets)} targets; the environment allows {environment.max_targets}"
        yield ("faults",), f"{text} (max_targets)"


def _overlaps(faults: Sequence[FaultSpec]) -> Iterator[tuple[Location, str]]:
    for later, spec in enumerate(faults):
        for earlier, other in enumerate(faults[:later]):
            # What a browser's fault is for is a host, and no service: see plan_browser.
            same = (spec.family, spec.service) == (other.family, other.service) and spec.service
            first, second = sorted((spec, other), key=lambda each: each.begins_s)
            # A momentary fault is over when its target is back, which nobody knows beforehand.
            lasts = first.for_ if first.for_ is not None else float("inf")
            lasts += first.hold.within if first.hold else 0.0
            if same and first.begins_s + lasts > second.begins_s:
                yield (
                    ("faults", later),
                    (
                        f"overlaps with fault {earlier + 1}: two {spec.family} faults on "
                        f"{spec.target} at once; let one end before the other begins"
                    ),
                )
