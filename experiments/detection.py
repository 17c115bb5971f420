"""
Detection: who noticed, and when, on the drill's own clock.

A companion of the drill: it asks every source again and again, writes each new step of each alert,
and sets `detected` when the first alert that was promised fires because of the fault.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import anyio
import msgspec

from drill.events import FaultChange
from drill.incident import AlertSeen, ChainSeen, MonitoringSeen
from experiments.chain import BY_CHAIN
from experiments.incident import Incident, Mark
from experiments.placing import place
from experiments.recorder import Recorder
from validators.probes.alerts.base import AlertReading, AlertSource, Unreadable

LOOK_EVERY_S = 0.25
AHEAD_S = 0.5
"""A source whose clock is ahead of ours by more than this is told of."""


class ChainReader(Protocol):
    """Describes the chains of alerts."""

    async def read(self, alerts: Sequence[str]) -> Sequence[ChainSeen]:
        """One for each alert; raises Unreadable."""


class _Look(msgspec.Struct, frozen=True):
    """When a look was sent and answered, and when the one before it was sent."""

    before: float | None
    sent: float
    got: float


class Detector:
    """
    Looks at every source of alerts while a drill lasts.

    Args:
        recorder: Where steps are written.

        incident: Whose `detected` it sets, and what was promised.

        sources: Where to look.

        chains: Describes the chains of the promised alerts; None where nobody can.
    """

    def __init__(
        self,
        recorder: Recorder,
        incident: Incident,
        sources: Sequence[AlertSource],
        chains: ChainReader | None = None,
    ) -> None:
        self._recorder = recorder
        self._incident = incident
        self._sources = sources
        self._chains = chains
        self._told: set[tuple[str, str]] = set()
        self._last_sent: dict[str, float] = {}
        self._answers: dict[str, bool] = {}
        self._ahead: set[str] = set()
        self._when: Literal["before", "during"] = "before"

    async def before(self) -> None:
        """Look once at everything before the first fault; what fires now is not the drill's."""
        async with anyio.create_task_group() as group:
            for source in self._sources:
                group.start_soon(self._look, source)
            group.start_soon(self._read_chains)
        firing = sorted(
            {
                event.alert
                for event in self._recorder.journal.every(AlertSeen)
                if event.state == "firing" and event.before_fault
            }
        )
        if firing:
            self._recorder.note(f"already firing before the first fault: {', '.join(firing)}")

    async def run(self) -> None:
        """Look again and again until cancelled."""
        self._when = "during"
        async with anyio.create_task_group() as group:
            for source in self._sources:
                group.start_soon(self._watch, source)

    async def _watch(self, source: AlertSource) -> None:
        period = max(LOOK_EVERY_S, source.resolution_s)
        while True:  # Until the drill cancels its companions.
            began = anyio.current_time()
            await self._look(source)
            await anyio.sleep(max(0.0, began + period - anyio.current_time()))

    async def _look(self, source: AlertSource) -> None:
        sent = self._recorder.t()
        try:
            readings = await source.look()
        except Unreadable as error:
            self._answered(source, str(error))
            return
        self._answered(source, "")
        look = _Look(self._last_sent.get(source.name), sent, self._recorder.t())
        self._last_sent[source.name] = sent
        steps = []
        for reading in readings:
            if (source.name, reading.key) not in self._told:
                self._told.add((source.name, reading.key))
                step = self._step(source, reading, look)
                # What had ended before this drill began is no part of its story.
                if step.latest >= 0 or step.state in {"pending", "firing"}:
                    steps.append(step)
        for step in sorted(steps, key=lambda one: one.t):
            self._recorder.add(step)
        self._detect(steps)

    def _step(self, source: AlertSource, reading: AlertReading, look: _Look) -> AlertSeen:
        resolution = source.resolution_s
        floor = self._placed(source, reading.not_before_s, look)
        value = self._placed(source, reading.wall_s, look)
        if value is None:
            known = [each for each in (floor, look.before) if each is not None]
            # Seen in the very first look, nothing bounds it from below but the source's own word.
            earliest = max(known) if known else 0.0
            value = latest = look.got
        else:
            earliest = (value if floor is None else min(floor, value)) - resolution
            latest = value + resolution
        return AlertSeen(
            t=value,
            alert=reading.alert,
            source=source.source,
            state=reading.state,
            seen=look.got,
            earliest=min(earliest, look.got),
            latest=max(min(latest, look.got), value),
            resolution_s=resolution,
            labels=reading.labels,
            evidence=reading.evidence,
            before_fault=self._is_before(latest),
        )

    def _placed(self, source: AlertSource, wall_s: float | None, look: _Look) -> float | None:
        if wall_s is None:
            return None
        at = place(self._recorder.journal, wall_s)
        ahead = at - look.got
        if ahead > AHEAD_S and source.name not in self._ahead:
            self._ahead.add(source.name)
            self._recorder.note(f"the clock of {source.name} is ahead of ours by {ahead:.1f} s")
        return min(at, look.got)  # What was seen has happened.

    def _is_before(self, latest: float) -> bool:
        changes = self._recorder.journal.every(FaultChange)
        first = next((change.t for change in changes if change.state == "intent"), None)
        return first is None or latest < first

    def _detect(self, steps: Iterable[AlertSeen]) -> None:
        promised = {(one.alert, one.source) for one in self._incident.planned.detections}
        fired = [
            step
            for step in steps
            if step.state == "firing"
            and not step.before_fault
            and (step.alert, step.source) in promised
        ]
        if not fired or "detected" in self._incident.moments:
            return
        first = min(fired, key=lambda step: step.t)
        mark = Mark(
            source=f"{first.source}:{first.alert}",
            at=first.t,
            earliest=first.earliest,
            latest=first.latest,
        )
        # Every other moment follows this one, so it cannot be out of order.
        self._incident.set("detected", mark)

    def _answered(self, source: AlertSource, problem: str) -> None:
        """Write when a source begins to answer or stops; nothing while it stays as it is."""
        answers = not problem
        before = self._answers.get(source.name)
        if before == answers:
            return
        self._answers[source.name] = answers
        if not answers:
            self._recorder.note(f"{source.name} cannot be read: {problem}")
        elif before is not None:
            self._recorder.note(f"{source.name} can be read again")
        self._recorder.add(
            MonitoringSeen(
                t=self._recorder.t(),
                when=self._when,
                what=f"source {source.name}",
                ok=True if answers else None,
                detail=problem,
            )
        )

    async def _read_chains(self) -> None:
        detections = self._incident.planned.detections
        alerts = [one.alert for one in detections if one.source in BY_CHAIN]
        if self._chains is None or not alerts:
            return
        try:
            chains = await self._chains.read(alerts)
        except Unreadable as error:
            self._recorder.note(f"the chains of {', '.join(alerts)} cannot be read: {error}")
            return
        for chain in chains:
            self._recorder.add(chain)
