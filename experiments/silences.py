"""A silence in Alertmanager as an acknowledgement: whoever silences an alert has seen it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import anyio

from drill.incident import AlertSeen
from experiments.control import Control, Refused, Word
from experiments.incident import Incident
from experiments.recorder import Recorder
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.silences import Silence

LOOK_EVERY_S = 0.5


class SilenceSource(Protocol):
    """Lists silences."""

    async def silences(self) -> Sequence[Silence]:
        """All of them, oldest first; raises Unreadable."""


class SilenceWatch:
    """
    Acknowledges the incident when somebody silences an alert that was promised.

    Args:
        recorder: For what a reader should know.

        incident: What was promised, and when it was detected.

        control: Where the word is said, once.

        source: Alertmanager.
    """

    def __init__(
        self, recorder: Recorder, incident: Incident, control: Control, source: SilenceSource
    ) -> None:
        self._recorder = recorder
        self._incident = incident
        self._control = control
        self._source = source
        self._old: frozenset[str] = frozenset()
        self._silent = False

    async def before(self) -> None:
        """Remember the silences of before the drill; they acknowledge nothing."""
        self._old = frozenset(silence.id for silence in await self._look())

    async def run(self) -> None:
        """Wait for a silence, then say the word; ends by itself or when cancelled."""
        while True:  # Until the drill cancels its companions.
            silence = next((one for one in await self._look() if self._counts(one)), None)
            if silence:
                break
            await anyio.sleep(LOOK_EVERY_S)
        # Who silences it in advance knows of it, but acknowledges only once there is something.
        await self._incident.reached("detected")
        await self._say(silence)

    async def _say(self, silence: Silence) -> None:
        who = silence.createdBy or "somebody"
        word = Word(say="acknowledge", actor=who, via="silence", text=silence.comment)
        try:
            await self._control.say(word)
        except Refused as error:
            self._recorder.note(f"the silence of {who} acknowledged nothing: {error}")

    async def _look(self) -> Sequence[Silence]:
        try:
            silences = await self._source.silences()
        except Unreadable as error:
            if not self._silent:
                self._recorder.note(f"silences cannot be read: {error}")
            self._silent = True
            return ()
        self._silent = False
        return silences

    def _counts(self, silence: Silence) -> bool:
        if silence.id in self._old or not silence.active:
            return False
        return any(silence.covers(labels) for labels in self._promised())

    def _promised(self) -> Iterator[Mapping[str, str]]:
        """The labels of the promised alerts: by name, and as they were seen."""
        names = {one.alert for one in self._incident.planned.detections}
        yield from ({"alertname": name} for name in sorted(names))
        for seen in self._recorder.journal.every(AlertSeen):
            if seen.alert in names:
                yield {"alertname": seen.alert, **seen.labels}
