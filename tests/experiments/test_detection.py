"""The detector and the watch over silences, in virtual time with sources made up by the test."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from drill.events import Event, MomentSet, Note, Phase
from drill.incident import (
    AlertSeen,
    ChainSeen,
    IncidentPlanned,
    MonitoringSeen,
    PlannedDetection,
    Source,
)
from experiments.detection import Detector
from experiments.incident import Incident
from experiments.placing import place, wall
from experiments.recorder import Recorder
from tests.experiments.fakes import FakeSink
from validators.probes.alerts.base import AlertReading, Unreadable

E = TypeVar("E", bound=Event)
WALL_S = 1000.0
"""The wall clock of the fakes at the start of the drill."""
ALERT = "PaystackUnreachable"
FAULT_S = 10.0


class FakeSource:
    """Tells what it is told to, by the time of the drill; None: it does not answer."""

    def __init__(
        self,
        tell: Callable[[float], Sequence[AlertReading] | None],
        *,
        name: str = "alertmanager",
        source: Source = "alertmanager",
        resolution_s: float = 0.001,
        takes_s: float = 0.01,
    ) -> None:
        self.tell = tell
        self.name = name
        self.source: Source = source
        self.resolution_s = resolution_s
        self.takes_s = takes_s
        self.looks: list[float] = []

    async def look(self) -> Sequence[AlertReading]:
        self.looks.append(anyio.current_time())
        told = self.tell(anyio.current_time() - self.looks[0])
        await anyio.sleep(self.takes_s)
        if told is None:
            raise Unreadable("no connection")
        return told


class Scene:
    """A drill of 30 s, its fault at 10 s, with nothing but detection in it."""

    def __init__(self, *sources: FakeSource, promised: Sequence[PlannedDetection] = ()) -> None:
        self.sources = sources
        self.promised = list(promised) or [PlannedDetection(ALERT, "alertmanager", 60.0)]
        self.chains: FakeChains | None = None

    def play(self) -> None:
        trio.run(self.main, clock=trio.testing.MockClock(autojump_threshold=0))

    async def main(self) -> None:
        start = anyio.current_time()
        self.recorder = Recorder(FakeSink(), start)
        self.recorder.add(Phase(t=0.0, name="baseline", wall_s=WALL_S))
        planned = IncidentPlanned(0.0, "p", 1.0, None, None, {}, {}, detections=self.promised)
        self.incident = Incident(self.recorder, planned)
        detector = Detector(self.recorder, self.incident, self.sources, self.chains)
        await detector.before()
        await anyio.sleep_until(start + FAULT_S - 1)
        async with anyio.create_task_group() as group:
            group.start_soon(detector.run)
            await anyio.sleep_until(start + FAULT_S)
            self.recorder.fault("f1", "intent")
            await anyio.sleep_until(start + 30)
            group.cancel_scope.cancel()

    def every(self, kind: type[E]) -> list[E]:
        return list(self.recorder.journal.every(kind))


class FakeChains:
    """Knows one chain, or nothing."""

    def __init__(self, chain: ChainSeen | None) -> None:
        self.chain = chain
        self.asked: Sequence[str] = ()

    async def read(self, alerts: Sequence[str]) -> Sequence[ChainSeen]:
        await anyio.lowlevel.checkpoint()
        self.asked = alerts
        if self.chain is None:
            raise Unreadable("no connection")
        return [self.chain]


def fired(at: float | None = 12.5, alert: str = ALERT, **fields: object) -> AlertReading:
    """A firing *at* seconds of the drill, by the source's wall clock."""
    wall_s = None if at is None else WALL_S + at
    return AlertReading(alert, "firing", f"{alert}|{at}", wall_s, **fields)  # type: ignore[arg-type]


def test_a_firing_is_placed_on_our_clock_and_detects() -> None:
    """The source's own time counts, with its resolution as bounds, however late we looked."""
    scene = Scene(FakeSource(lambda t: [fired()] if t > 14 else []))
    scene.play()
    (seen,) = scene.every(AlertSeen)
    assert (seen.t, seen.before_fault) == (12.5, False)
    assert seen.earliest == pytest.approx(12.499)
    assert seen.latest == pytest.approx(12.501)
    assert 14 < seen.seen < 14.6
    (moment,) = scene.every(MomentSet)
    assert (moment.name, moment.source) == ("detected", f"alertmanager:{ALERT}")
    assert (moment.t, moment.earliest, moment.latest) == (seen.t, seen.earliest, seen.latest)


def test_what_had_ended_before_the_drill_is_no_part_of_it() -> None:
    """An old alert's end is left out; that it still fires would be told."""
    old = AlertReading(ALERT, "resolved", "old", WALL_S - 60.0)
    scene = Scene(FakeSource(lambda t: [old, fired()] if t > 14 else []))
    scene.play()
    assert [(one.state, one.t) for one in scene.every(AlertSeen)] == [("firing", 12.5)]


def test_a_step_told_in_every_look_is_written_once() -> None:
    """The journal holds each step once, the sources tell them for ever."""
    source = FakeSource(lambda t: [fired()] if t > 14 else [])
    scene = Scene(source)
    scene.play()
    assert len(source.looks) > 80
    assert len(scene.every(AlertSeen)) == 1


def test_what_the_source_does_not_date_lies_between_two_looks() -> None:
    """Between the sending of the look before and the receipt of the one that found it."""
    source = FakeSource(lambda t: [fired(None)] if t > 14 else [])
    scene = Scene(source)
    scene.play()
    (seen,) = scene.every(AlertSeen)
    found = next(i for i, at in enumerate(source.looks) if at - source.looks[0] > 14)
    assert seen.earliest == pytest.approx(source.looks[found - 1])
    assert seen.t == seen.latest == seen.seen == pytest.approx(source.looks[found] + 0.01)


def test_a_firing_cannot_be_before_its_pending_time_is_over() -> None:
    """What the source says about the earliest time narrows the bounds."""
    reading = fired(None, not_before_s=WALL_S + 14.1)
    scene = Scene(FakeSource(lambda t: [reading] if t > 14 else []))
    scene.play()
    (seen,) = scene.every(AlertSeen)
    assert seen.earliest == pytest.approx(14.1)


def test_what_fired_before_the_fault_detects_nothing() -> None:
    """An alert of before the drill is noted, and the incident stays undetected."""
    scene = Scene(FakeSource(lambda _: [fired(-50.0)]))
    scene.play()
    (seen,) = scene.every(AlertSeen)
    assert seen.before_fault
    assert scene.every(MomentSet) == []
    (note,) = scene.every(Note)
    assert note.text == f"already firing before the first fault: {ALERT}"


@pytest.mark.parametrize("told_s", [FAULT_S - 0.4, FAULT_S + 3])
def test_what_fired_between_the_first_look_and_the_fault_detects_nothing(told_s: float) -> None:
    """The fault's intent is the border: not the first look, and not when we were told."""
    scene = Scene(FakeSource(lambda t: [fired(FAULT_S - 0.5)] if t > told_s else []))
    scene.play()
    assert [seen.before_fault for seen in scene.every(AlertSeen)] == [True]
    assert scene.every(MomentSet) == []


@pytest.mark.parametrize(
    "promised",
    [PlannedDetection("Other", "alertmanager", 9.0), PlannedDetection(ALERT, "sentry", 9.0)],
)
def test_only_what_was_promised_detects(promised: PlannedDetection) -> None:
    """Another alert, or the same from another source, is written and detects nothing."""
    scene = Scene(FakeSource(lambda t: [fired()] if t > 14 else []), promised=[promised])
    scene.play()
    assert len(scene.every(AlertSeen)) == 1
    assert scene.every(MomentSet) == []


def test_the_first_of_several_alerts_detects() -> None:
    """Of what one look finds, the earliest counts; what comes later changes nothing."""
    promised = [PlannedDetection(name, "alertmanager", 9.0) for name in ("A", "B", "C")]
    told = [fired(12.9, "A"), fired(12.2, "B")]
    scene = Scene(
        FakeSource(lambda t: [*told, fired(11.0, "C")] if t > 20 else told if t > 14 else []),
        promised=promised,
    )
    scene.play()
    (moment,) = scene.every(MomentSet)
    assert moment.source == "alertmanager:B"
    assert moment.t == pytest.approx(12.2)


def test_a_source_that_stops_answering_is_noted_once_and_again_when_it_is_back() -> None:
    """A hundred failing looks are one note; the spell is in the journal for the checks."""
    scene = Scene(FakeSource(lambda t: None if 12 < t < 20 else []))
    scene.play()
    assert [note.text for note in scene.every(Note)] == [
        "alertmanager cannot be read: no connection",
        "alertmanager can be read again",
    ]
    states = [(one.what, one.ok, one.when) for one in scene.every(MonitoringSeen)]
    assert states == [
        ("source alertmanager", True, "before"),
        ("source alertmanager", None, "during"),
        ("source alertmanager", True, "during"),
    ]


def test_a_coarse_source_is_looked_at_no_more_often_than_it_can_tell() -> None:
    """Sentry knows seconds; looking four times in one costs it for nothing."""
    fine = FakeSource(lambda _: [])
    coarse = FakeSource(lambda _: [], name="sentry", source="sentry", resolution_s=1.0)
    Scene(fine, coarse).play()
    assert 80 <= len(fine.looks) <= 90
    assert 20 <= len(coarse.looks) <= 23


def test_a_coarse_time_is_never_later_than_the_look_that_found_it() -> None:
    """A second of resolution bounds the time on both sides, and seeing it bounds it above."""
    source = FakeSource(
        lambda t: [fired(14.0)] if t >= 14 else [],
        name="sentry",
        source="sentry",
        resolution_s=1.0,
    )
    scene = Scene(source, promised=[PlannedDetection(ALERT, "sentry", 9.0)])
    scene.play()
    (seen,) = scene.every(AlertSeen)
    assert (seen.t, seen.earliest, seen.latest) == (14.0, 13.0, seen.seen)


def test_a_source_whose_clock_is_ahead_is_told_of() -> None:
    """Its times are held to what was seen, and the reader knows why."""
    scene = Scene(FakeSource(lambda t: [fired(99.0)] if t > 14 else []))
    scene.play()
    (seen,) = scene.every(AlertSeen)
    assert seen.t == seen.latest == seen.seen
    assert any("is ahead of ours by" in note.text for note in scene.every(Note))


def test_chains_are_read_before_the_fault() -> None:
    """Of alerts that have a chain, each once; the rest is not asked for."""
    promised = [PlannedDetection(ALERT, "alertmanager", 9.0), PlannedDetection("x", "support", 9.0)]
    scene = Scene(FakeSource(lambda _: []), promised=promised)
    scene.chains = FakeChains(ChainSeen(0.0, ALERT, "prometheus", present=True))
    scene.play()
    assert scene.every(ChainSeen) == [scene.chains.chain]
    assert scene.chains.asked == [ALERT]


def test_chains_that_cannot_be_read_are_noted() -> None:
    """A silent Prometheus stops no drill."""
    scene = Scene(FakeSource(lambda _: []))
    scene.chains = FakeChains(None)
    scene.play()
    (note,) = scene.every(Note)
    assert note.text == f"the chains of {ALERT} cannot be read: no connection"


def test_wall_times_are_placed_by_the_nearest_pair_before() -> None:
    """Each phase brings a pair, so that a clock that was set in between misplaces little."""
    recorder = Recorder(FakeSink(), 0.0)
    recorder.add(Phase(t=5.0, name="baseline", wall_s=1005.0))
    recorder.add(Phase(t=20.0, name="faults", wall_s=1021.0))  # set by a second in between
    journal = recorder.journal
    assert [place(journal, at) for at in (1000.0, 1010.0, 1022.0)] == [0.0, 10.0, 21.0]
    assert [wall(journal, t) for t in (0.0, 10.0, 21.0)] == [1000.0, 1010.0, 1022.0]
