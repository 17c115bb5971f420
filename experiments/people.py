"""Puts the people's side of a real drill together: sources, hands, channels, looks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from drill.errors import BadInput, DrillError
from experiments.beside import Beside, Nobody
from experiments.chain import BY_CHAIN, chain_problems
from experiments.changes import Act
from experiments.comms.build import build
from experiments.comms.communicator import Communicator
from experiments.comms.facts import facts_of
from experiments.control import Control
from experiments.detection import Detector
from experiments.detection_sources import Sources, opened_sources
from experiments.environment_parts import Monitoring
from experiments.incident import Incident
from experiments.monitoring_watch import MonitoringWatch, opened_targets
from experiments.plan import Plan
from experiments.recorder import Recorder
from experiments.releases_watch import ReleasesWatch
from experiments.respond.hands import RealHands
from experiments.respond.resolve import RollBack
from experiments.responding import Responder
from experiments.response import Ends, Response
from experiments.runtime.docker.stack import DockerStack
from experiments.silences import SilenceWatch
from experiments.support_desk import SupportDesk
from validators.probes.alerts.base import Unreadable


class Place(msgspec.Struct, frozen=True):
    """Where the people act: the environment's own file, and the drill's id."""

    file: Path
    run: str


@asynccontextmanager
async def opened_people(
    plan: Plan, place: Place, recorder: Recorder, control: Control, stack: DockerStack
) -> AsyncIterator[Beside]:
    """
    Build the people's side, and close what it opened at the end.

    Args:
        plan: Who must notice, act and be told.
        place: Where.
        recorder: The one writer.
        control: Where people speak.
        stack: What hands act on.
    """
    planned = plan.incident
    if not (planned.detections or planned.acts):
        yield Nobody()
        return
    incident, ends = Incident(recorder, planned), Ends()
    monitoring = plan.environment.monitoring or Monitoring()
    async with AsyncExitStack() as opened:
        sources = await opened.enter_async_context(
            opened_sources(monitoring, planned.detections, recorder.t)
        )
        targets = await opened.enter_async_context(opened_targets(monitoring))
        communicator = Communicator(
            incident,
            recorder,
            build(plan.environment.channels),
            lambda: facts_of(recorder.journal, planned, recorder.t()),
        )
        watches = _Watches(
            detector=Detector(recorder, incident, sources.alerts, sources.chains),
            silences=_silences(sources, incident, recorder, control),
            releases=ReleasesWatch(recorder, stack, plan),
            monitoring=MonitoringWatch(recorder, targets),
        )
        opened.callback(watches.releases.close)
        yield Response(
            incident,
            recorder,
            Responder(
                incident,
                recorder,
                control,
                acts=_acts(plan),
                hands=_hands(plan, place, stack, ends),
                intents=stack,
                teller=communicator,
            ),
            companions=[watches.detector, communicator, watches.releases, *watches.silences],
            before=[
                watches.detector.before,
                *(silence.before for silence in watches.silences),
                watches.releases.before,
                watches.monitoring.before,
            ],
            after=[watches.releases.after, communicator.summarise, watches.monitoring.after],
            ends=ends,
        )


class _Watches(NamedTuple):
    """Who looks."""

    detector: Detector
    silences: list[SilenceWatch]
    releases: ReleasesWatch
    monitoring: MonitoringWatch


def _silences(
    sources: Sources, incident: Incident, recorder: Recorder, control: Control
) -> list[SilenceWatch]:
    if sources.silences is None:
        return []
    return [SilenceWatch(recorder, incident, control, sources.silences)]


def _acts(plan: Plan) -> list[Act]:
    pairs = zip(plan.incident.acts, plan.scenario.respond, strict=True)
    return [Act(planned, spec) for planned, spec in pairs]


def _hands(plan: Plan, place: Place, stack: DockerStack, ends: Ends) -> RealHands:
    monitoring = plan.environment.monitoring
    return RealHands(
        plan.environment,
        place.file,
        stack=stack,
        run=place.run,
        faults=ends,
        customers=SupportDesk(monitoring.support if monitoring else None, place.run),
        rollback=(plan.incident.stable, plan.rollback_commands),
    )


async def refuse_impossible_rollbacks(plan: Plan, place: Place, stack: DockerStack) -> None:
    """
    Look whether what the scenario rolls back to is there.

    Raises:
        BadInput: A tag, its image or the way to it is missing; names the act.
    """
    hands = _hands(plan, place, stack, Ends())
    problems = []
    for index, act in enumerate(plan.scenario.respond, 1):
        if isinstance(act, RollBack):
            try:
                await hands.check_rollback(act.service, act.to or "")
            except DrillError as error:
                problems.append(f"respond.{index}.do: {error}")
    if problems:
        raise BadInput(*problems)


async def refuse_slow_chains(plan: Plan) -> None:
    """
    Ask the monitoring how slow the promised alerts can be at the worst.

    Raises:
        BadInput: A promise that its chain cannot keep. Monitoring that does not answer refuses
            nothing; the drill's own checks will say that it could not be read.
    """
    monitoring = plan.environment.monitoring
    detections = plan.incident.detections
    if monitoring is None or not detections:
        return
    async with opened_sources(monitoring, detections, lambda: 0.0) as sources:
        if sources.chains is None:
            return
        alerts = [one.alert for one in detections if one.source in BY_CHAIN]
        try:
            chains = await sources.chains.read(alerts)
        except Unreadable:
            return
    problems = [f"detect.{place + 1}: {text}" for place, text in chain_problems(detections, chains)]
    if problems:
        raise BadInput(*problems)
