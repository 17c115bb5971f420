"""What a source of alerts tells, in the words of the drill, and the port that detection asks."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from drill.incident import AlertState, Source


class Unreadable(Exception):
    """A source gave no answer, or one of another shape; the message is short and has no secret."""


class AlertReading(msgspec.Struct, frozen=True):
    """
    One step in the life of one alert, as its source tells it.

    Attributes:
        alert: Its name; for error groups and customers' reports the word that was promised.

        state: Which step.

        key: Equal when the same step is told again.

        wall_s: When it happened by the source's own clock, in seconds since 1970; None where the
            source does not say: then it happened between the look before and this one.

        not_before_s: It cannot have happened before this, by the source's own clock.

        evidence: Where it was read; without secrets and without what customers wrote.
    """

    alert: str
    state: AlertState
    key: str
    wall_s: float | None
    not_before_s: float | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    evidence: str = ""


class AlertSource(Protocol):
    """A source of alerts; *resolution_s* is how exactly it knows its own times."""

    @property
    def name(self) -> str:
        """What it is called in notes: a source, or `receiver`."""

    @property
    def source(self) -> Source:
        """Whose alerts it tells of."""

    @property
    def resolution_s(self) -> float:
        """How far a time it tells may be from the truth, in seconds."""

    async def look(self) -> Sequence[AlertReading]:
        """
        Every step it knows now; those it told before come again, with the same keys.

        Raises:
            Unreadable: It did not answer in time, or not in its own shape.
        """


class Vanishing:
    """Tells an alert's end where a source only stops listing it."""

    def __init__(self) -> None:
        self._there: dict[str, AlertReading] = {}

    def ended(self, there: Mapping[str, AlertReading]) -> list[AlertReading]:
        """
        Give one `resolved` for each alert that was listed before and is no more.

        Args:
            there: What is firing now, by an identity that a new firing does not share.
        """
        gone = [(key, was) for key, was in self._there.items() if key not in there]
        self._there = dict(there)
        return [
            AlertReading(
                alert=was.alert,
                state="resolved",
                key=f"{key}|resolved",
                wall_s=None,
                not_before_s=was.wall_s,
                labels=was.labels,
                evidence=f"no longer in {was.evidence}",
            )
            for key, was in gone
        ]
