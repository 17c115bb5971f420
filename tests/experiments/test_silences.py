"""The watch over silences, in virtual time."""

from collections.abc import Callable, Sequence

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from drill.events import Note
from drill.incident import (
    AlertSeen,
    IncidentPlanned,
    PlannedDetection,
)
from experiments.control import Control, Refused, Word
from experiments.incident import Incident, Mark
from experiments.recorder import Recorder
from experiments.silences import SilenceWatch
from tests.experiments.fakes import FakeSink
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.silences import Matcher, Silence, State

ALERT = "PaystackUnreachable"


def silence(number: str = "s1", value: str = ALERT, state: str = "active") -> Silence:
    return Silence(number, [Matcher("alertname", value)], "ada", "on it", status=State(state))


class FakeSilences:
    """Lists silences by the time since the first look; None: it does not answer."""

    def __init__(self, tell: Callable[[float], Sequence[Silence] | None]) -> None:
        self.tell = tell
        self.start: float | None = None

    async def silences(self) -> Sequence[Silence]:
        await anyio.lowlevel.checkpoint()
        self.start = anyio.current_time() if self.start is None else self.start
        told = self.tell(anyio.current_time() - self.start)
        if told is None:
            raise Unreadable("no connection")
        return told


def said(
    tell: Callable[[float], Sequence[Silence] | None],
    refuse: str = "",
    seen: dict[str, str] | None = None,
) -> list[object]:
    """Who said what when, and what was noted, in a drill detected at 5 s with labels *seen*."""
    heard: list[object] = []

    async def main() -> None:
        recorder = Recorder(FakeSink(), anyio.current_time())
        detections = [PlannedDetection(ALERT, "alertmanager", 9.0)]
        planned = IncidentPlanned(0.0, "p", 1.0, None, None, {}, {}, detections=detections)
        incident, control = Incident(recorder, planned), Control()

        async def answer(word: Word) -> str:
            await anyio.lowlevel.checkpoint()
            heard.append((round(recorder.t()), word))
            if refuse:
                raise Refused(refuse)
            return "taken"

        control.answer = answer
        watch = SilenceWatch(recorder, incident, control, FakeSilences(tell))
        await watch.before()
        with anyio.move_on_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(watch.run)
                await anyio.sleep(5)
                for name in ("Other", ALERT) if seen else ():
                    recorder.add(
                        AlertSeen(
                            5.0, name, "alertmanager", "firing", 5.0, 5.0, 5.0, 0.1, seen or {}
                        )
                    )
                incident.set("detected", Mark(source="test"))
                await anyio.sleep_forever()
        heard.extend(note.text for note in recorder.journal.every(Note))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return heard


TAKEN = Word(say="acknowledge", actor="ada", via="silence", text="on it")


def test_a_silence_of_the_promised_alert_acknowledges_once() -> None:
    """Whoever silences it has taken it, in their own name and words."""
    assert said(lambda t: [silence()] if t > 10 else []) == [(10, TAKEN)]


def test_a_silence_in_advance_acknowledges_when_there_is_something() -> None:
    """Before the detection there is nothing to acknowledge."""
    assert said(lambda t: [silence()] if t > 2 else []) == [(5, TAKEN)]


def test_a_silence_by_the_labels_that_were_seen_counts() -> None:
    """Whoever silences the severity of the promised alert, as it fired, has taken it."""
    severe = Silence("s1", [Matcher("severity", "1")], "ada", "on it", status=State("active"))
    assert said(lambda t: [severe] if t > 10 else []) == []
    assert said(lambda t: [severe] if t > 10 else [], seen={"severity": "1"}) == [(10, TAKEN)]


@pytest.mark.parametrize(
    "tell",
    [
        lambda _: [silence()],  # there before the drill
        lambda t: [silence(value="Other")] if t > 10 else [],
        lambda t: [silence(state="expired")] if t > 10 else [],
    ],
)
def test_other_silences_acknowledge_nothing(
    tell: Callable[[float], Sequence[Silence] | None],
) -> None:
    """One of before the drill, of another alert, or one that is over says nothing."""
    assert said(tell) == []


def test_a_refused_silence_and_a_silent_alertmanager_are_noted() -> None:
    """The watch ends no drill."""
    heard = said(lambda t: None if 1 < t < 10 else [silence()] if t > 10 else [], "not now")
    assert heard == [
        (10, TAKEN),
        "silences cannot be read: no connection",
        "the silence of ada acknowledged nothing: not now",
    ]
