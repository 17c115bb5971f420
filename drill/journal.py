"""
The journal of one drill in memory: events as objects, observations as columns.

A line that begins with `{` is an event, one that begins with `[` an observation. Everything a
report says is computed from here, so that any report can be made again from an old journal.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from drill.errors import BadInput
from drill.events import Event, Header, Observation
from drill.records import AnyEvent, Record

E = TypeVar("E", bound=Event)

_encoder = msgspec.json.Encoder()
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_observations = msgspec.json.Decoder(Observation)


class Columns:
    """The observations of one probe, in the order they came in."""

    __slots__ = ("details", "due", "got", "health", "sent")

    def __init__(self) -> None:
        self.due = array("d")
        self.sent = array("d")
        self.got = array("d")
        self.health = bytearray()
        self.details: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.health)

    def add(self, seen: Observation) -> None:
        """Append one observation."""
        if seen.detail:
            self.details[len(self.health)] = seen.detail
        self.due.append(seen.due)
        self.sent.append(seen.sent)
        self.got.append(seen.got)
        self.health.append(seen.health)


class Journal:
    """
    Everything that was recorded, in order.

    Attributes:
        events: All events, the header first.

        lines: The line of `journal.jsonl` that each of `events` stands in, counted from 1.

        observations: Columns by probe name.

        torn: True when the last line was cut short, as a killed writer leaves it.
    """

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.lines: list[int] = []
        self.observations: dict[str, Columns] = {}
        self.torn = False

    @property
    def header(self) -> Header:
        """The first line."""
        first = self.events[0] if self.events else None
        if not isinstance(first, Header):
            raise BadInput("this journal has no header line; it is no journal of a drill")
        return first

    def add(self, record: Record) -> None:
        """Append one record."""
        if isinstance(record, Observation):
            self.columns(record.probe).add(record)
        else:
            self.lines.append(1 + len(self.events) + sum(map(len, self.observations.values())))
            self.events.append(record)

    def columns(self, probe: str) -> Columns:
        """The observations of *probe*; empty columns if it was never seen."""
        return self.observations.setdefault(probe, Columns())

    def every(self, kind: type[E]) -> Iterator[E]:
        """All events of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))

    def first(self, kind: type[E]) -> E | None:
        """The first event of one kind."""
        return next(self.every(kind), None)

    def last(self, kind: type[E]) -> E | None:
        """The last event of one kind."""
        found = None
        for event in self.every(kind):
            found = event
        return found


def encode(record: Record) -> bytes:
    """One line, with its newline."""
    return _encoder.encode(record) + b"\n"


def read_journal(lines: Iterable[bytes]) -> Journal:
    """
    Read a journal line by line.

    Args:
        lines: As a binary file gives them, newline included.

    Returns:
        The journal; one torn last line is left out and noted in `torn`.

    Raises:
        BadInput: A line in the middle is no record; carries its number.
    """
    journal = Journal()
    add_observation, add_event, add_line = journal.add, journal.events.append, journal.lines.append
    broken: tuple[int, str] | None = None
    for number, line in enumerate(lines, 1):
        if broken:
            raise BadInput(f"line {broken[0]}: {broken[1]}")
        try:
            if line.startswith(b"["):
                add_observation(_observations.decode(line))
            else:
                add_event(_events.decode(line))
                add_line(number)
        except msgspec.MsgspecError as error:
            broken = (number, str(error))
    journal.torn = broken is not None
    return journal
