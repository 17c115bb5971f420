"""Writes what happens, once, for all who need it: journal in memory, its file, the live view."""

import time
from collections.abc import Callable, Sequence

import anyio

from drill.events import FaultChange, FaultState, Note, Observation, Phase, PhaseName
from drill.journal import Journal
from drill.records import Record
from experiments.runtime.ports import Sink

Listener = Callable[[Record], None]


class Recorder:
    """
    The one writer of a drill.

    Args:
        sink: Where records are kept.

        start: Monotonic seconds of the drill's start; every `t` counts from here.

        listeners: Called with each record after it was written; must not raise.
    """

    def __init__(self, sink: Sink, start: float, listeners: Sequence[Listener] = ()) -> None:
        self.journal = Journal()
        self.start = start
        self._sink = sink
        self.listeners = list(listeners)

    def t(self) -> float:
        """Now, in seconds from the drill's start."""
        return anyio.current_time() - self.start

    def add(self, record: Record, *, durable: bool = False) -> None:
        """Write one record everywhere."""
        self._sink.write(record, durable=durable)
        self.journal.add(record)
        for listener in self.listeners:
            listener(record)

    def observe(self, seen: Observation) -> None:
        """Write one observation; the probes' own way in."""
        self.add(seen)

    def phase(self, name: PhaseName) -> None:
        """A phase begins now; wall time is its label."""
        self.add(Phase(t=self.t(), name=name, wall_s=time.time()))

    def note(self, text: str) -> None:
        """Something a reader should know."""
        self.add(Note(t=self.t(), text=text, level="warning"))

    def fault(
        self,
        fault: str,
        state: FaultState,
        proof: str = "",
        *,
        bounds: tuple[float | None, float | None] = (None, None),
        by: str = "",
    ) -> None:
        """
        A fault moved on; intents are on disk before the act.

        Args:
            fault: The fault's id.
            state: Where it is now.
            proof: What showed it.
            bounds: Earliest and latest monotonic seconds of the true time, None where unknown.
            by: Who brought it there, if not the drill.
        """
        earliest, latest = (None if each is None else each - self.start for each in bounds)
        change = FaultChange(
            t=self.t(),
            id=fault,
            state=state,
            proof=proof,
            earliest=earliest,
            latest=latest,
            by=by,
        )
        self.add(change, durable=state in {"holding", "intent", "healing"})
