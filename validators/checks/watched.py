"""What the checks of detection read from a journal: the fault's effect, and who answered when."""

from collections.abc import Iterator

import msgspec

from drill.incident import AlertSeen, MonitoringSeen
from drill.journal import Journal
from validators.checks.base import fault_times

Span = tuple[float, float]


class Effect(msgspec.Struct, frozen=True):
    """When the first fault was proven in force: at *t*, truly between *earliest* and *latest*."""

    t: float
    earliest: float
    latest: float


def first_effect(journal: Journal) -> Effect | None:
    """When the first fault was proven in force; None if none was."""
    effects = []
    for states in fault_times(journal).values():
        change = states.get("effective")
        if change is None:
            continue
        earliest = change.t if change.earliest is None else change.earliest
        latest = change.t if change.latest is None else change.latest
        effects.append(Effect(change.t, min(earliest, change.t), latest))
    return min(effects, key=lambda effect: effect.t, default=None)


def firing(journal: Journal) -> Iterator[AlertSeen]:
    """Every firing, in the order they were seen."""
    return (one for one in journal.every(AlertSeen) if one.state == "firing")


def states(journal: Journal, source: str) -> list[MonitoringSeen]:
    """When a source began to answer or stopped."""
    return [one for one in journal.every(MonitoringSeen) if one.what == f"source {source}"]


def looked(journal: Journal, source: str) -> bool:
    """Whether anybody asked a source at all."""
    return bool(states(journal, source))


def answered(journal: Journal, source: str) -> bool:
    """Whether a source ever answered."""
    return any(one.ok for one in states(journal, source))


def silences(journal: Journal, source: str) -> list[Span]:
    """The spells in which a source did not answer; one that did not end lasts for ever."""
    spells: list[Span] = []
    start: float | None = None
    for one in states(journal, source):
        if one.ok and start is not None:
            spells.append((start, one.t))
            start = None
        elif not one.ok and start is None:
            start = one.t
    return spells if start is None else [*spells, (start, float("inf"))]
