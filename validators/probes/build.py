"""From a spec to something that looks."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from drill.events import Observation
from validators.probes.http import HttpLook
from validators.probes.schedule import JourneyRunner, ProbeRunner
from validators.probes.specs import HttpProbe, Journey

if TYPE_CHECKING:
    from validators.probes.journeys.browser import JourneyBrowser
    from validators.probes.journeys.look import JourneyLook, Kept

FAST_PERIOD_S = 0.02
SPARE_LOOKS = 8


def build_http(_name: str, spec: HttpProbe, web: str) -> HttpLook:
    """A look for a probe; *web* is the environment's address."""
    return HttpLook(spec, web)


def build_journey(  # noqa: PLR0913 - each is another part of the drill
    name: str,
    spec: Journey,
    web: str,
    browser: "JourneyBrowser",
    *,
    evidence: Path,
    kept: "Kept",
) -> "JourneyLook":
    """
    A look for the journey *name*.

    Args:
        name: Of the journey, and the first part of its evidence's file names.

        spec: The journey.

        web: The environment's address, unless the spec has its own.

        browser: What `open_browser` gave.

        evidence: The folder for screenshots and traces; made when needed.

        kept: Called with (kind, path, subject, note) after each file was written.
    """
    from validators.probes.journeys.checkout import CheckoutLook  # noqa: PLC0415 - httpx, late
    from validators.probes.journeys.customer import CustomerLook  # noqa: PLC0415

    kind = CheckoutLook if spec.journey == "checkout" else CustomerLook
    return kind(name, spec, web, browser, evidence=evidence, kept=kept)


def run_http(
    name: str, spec: HttpProbe, web: str, emit: Callable[[Observation], None], start: float
) -> ProbeRunner:
    """A runner at the spec's own period, with room in flight for the fast one."""
    in_flight = math.ceil(spec.deadline / fast_period_s(spec)) + SPARE_LOOKS
    look = build_http(name, spec, web)
    return ProbeRunner(name, look, spec.every, spec.deadline, in_flight, emit, start)


def run_journey(
    look: "JourneyLook", emit: Callable[[Observation], None], start: float
) -> JourneyRunner:
    """A runner that takes the journey again and again, one at a time."""
    return JourneyRunner(look.name, look, look.spec.every, look.deadline_s, emit, start)


def fast_period_s(spec: HttpProbe) -> float:
    """The period between the heal call and recovery: 20 ms, or what the feature's limit allows."""
    return max(FAST_PERIOD_S, spec.shortest_period_s)
