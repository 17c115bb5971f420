"""How long each probe has been bad, without reading an ever longer journal four times a second."""

from math import inf

import msgspec

from drill.events import Planned
from drill.journal import Columns, Journal
from drill.moments import impact, outages
from drill.verdict import Health

MARGIN_S = 5.0
DEADLINE_S = 60.0
"""For a probe that the plan does not know."""


class Bad(msgspec.Struct, frozen=True):
    """Closed spells in seconds, and since when it is bad now (None: it is not)."""

    total_s: float = 0.0
    since_s: float | None = None


class _Settled(msgspec.Struct):
    """What no late answer can change any more: the first *count* observations."""

    count: int = 0
    total_s: float = 0.0
    since_s: float | None = None


class Outages:
    """
    Remembers what is settled, so that only the newest observations are read again.

    Answers come in out of order, but none later than its probe's deadline: what was sent before
    that is settled. Whoever begins with a fresh one reads the same from the same journal.
    """

    def __init__(self) -> None:
        self._settled: dict[str, _Settled] = {}
        self._impact: tuple[float, str] | None = None

    def read(self, journal: Journal, plan: Planned | None, now: float) -> dict[str, Bad]:
        """Give how bad each probe has been until *now*, by name."""
        deadlines = {probe.name: probe.deadline_s for probe in plan.probes} if plan else {}
        found = {}
        for name, columns in journal.observations.items():
            settled = self._settled.setdefault(name, _Settled())
            _settle(settled, columns, now - deadlines.get(name, DEADLINE_S) - MARGIN_S)
            found[name] = _bad(settled, _part(columns, settled.count, len(columns)))
        return found

    def impact(self, journal: Journal, now: float) -> tuple[float, str] | None:
        """Give when the first probe was bad after the first fault began, and which it was."""
        if self._impact is None or now < self._impact[0] + DEADLINE_S:
            hit = impact(journal)
            self._impact = (hit[0], hit[3]) if hit else None
        return self._impact


def _settle(settled: _Settled, columns: Columns, before: float) -> None:
    """Move the border right to the last place where nothing on its left was sent later."""
    end = _border(columns, settled.count, before)
    if end == settled.count:
        return
    done = _bad(settled, _part(columns, settled.count, end))
    settled.count, settled.total_s, settled.since_s = end, done.total_s, done.since_s


def _border(columns: Columns, begin: int, before: float) -> int:
    """Give the place; *begin* if there is none further on among what came in until *before*."""
    highest, top = list[float](), -inf
    for i in range(begin, len(columns)):
        highest.append(top)
        top = max(top, columns.sent[i])
    lowest = inf
    for i in range(len(columns) - 1, begin, -1):
        lowest = min(lowest, columns.sent[i])
        if columns.got[i - 1] < before and highest[i - begin] <= lowest:
            return i
    return begin


def _bad(settled: _Settled, newest: Columns) -> Bad:
    """Add the spells of the newest observations to what is settled."""
    total, since = settled.total_s, settled.since_s
    if since is not None:
        # The open spell goes on as if it had been seen again just before the newest.
        joined = Columns()
        joined.due.append(since)
        joined.sent.append(since)
        joined.got.append(since)
        joined.health.append(Health.DOWN)
        for name in ("due", "sent", "got", "health"):
            getattr(joined, name).extend(getattr(newest, name))
        newest = joined
    for begin, end in outages(newest):
        if end is None:
            return Bad(total, begin)
        total += end - begin
    return Bad(total)


def _part(columns: Columns, begin: int, end: int) -> Columns:
    part = Columns()
    part.due, part.sent = columns.due[begin:end], columns.sent[begin:end]
    part.got, part.health = columns.got[begin:end], columns.health[begin:end]
    return part
