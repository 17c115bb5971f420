"""
How often each probe looks around a heal.

Fast (20 ms, or what its target can take) from the call of the heal until the probe is good again; a
probe that is good stays at its own period, so that looking at staging does not become the load that
keeps it down.
"""

from collections.abc import Mapping
from typing import Protocol

import anyio

from drill.journal import Columns, Journal
from drill.verdict import Health

LOOK_S = 0.05
SETTLED_S = 0.5
"""A probe that has been good for so long needs the fast rate no more."""
WATCHFUL_S = 0.2
"""Good again, but not yet for long enough: watched closely, at a rate that is no load."""
TURNS_MOMENTARY = 2
"""Once from the injection on, and once more when the harm comes later than expected."""
BAD = (Health.DEGRADED, Health.DOWN)


class Paced(Protocol):
    """The part of a probe that the pace changes."""

    @property
    def in_flight(self) -> int:
        """How many looks wait for their answer."""

    def set_period(self, period_s: float) -> None:
        """Look this often from now on."""


class Pace:
    """
    Switches the probes named between their own period and the fast one.

    Args:
        probes: By name.

        fast: The fast period of each probe that a check names, in seconds.

        calm: Its own period.
    """

    def __init__(
        self,
        journal: Journal,
        probes: Mapping[str, Paced],
        *,
        fast: Mapping[str, float],
        calm: Mapping[str, float],
    ) -> None:
        self._journal = journal
        self._probes = probes
        self._fast = fast
        self._calm = calm
        self._since: dict[str, float] = {}
        self._left: dict[str, int] = {}
        self._watching = anyio.Event()

    @property
    def settled(self) -> bool:
        """True when no probe looks fast."""
        return not self._since

    def hurry(self, *, everyone: bool) -> None:
        """
        The heal is called now.

        Args:
            everyone: The fault is momentary, and what it will hurt is not known yet. Otherwise only
                what is bad now is looked at fast; a blip later stays a blip and brings no load.
        """
        now = anyio.current_time()
        for name in self._fast:
            # A look that hangs is bad news that has not arrived yet.
            waits = self._probes[name].in_flight > 0
            if everyone or waits or _is_bad(self._journal.columns(name)):
                self._left[name] = TURNS_MOMENTARY if everyone else 1
                self._go_fast(name, now)
        self._watching.set()

    async def follow(self, start: float) -> None:
        """From the first hurry on, until cancelled; *start* is the drill's, monotonic seconds."""
        await self._watching.wait()
        while True:
            now = anyio.current_time()
            for name in self._fast:
                columns = self._journal.columns(name)
                if _is_bad(columns):
                    self._go_fast(name, now)
                elif name in self._since and self._is_settled(columns, name, now, start):
                    self._go_calm(name)
            await anyio.sleep(LOOK_S)

    def calm_down(self) -> None:
        """Everyone back to its own period."""
        self._since.clear()
        self._left.clear()
        for name in self._fast:
            self._probes[name].set_period(self._calm[name])

    def _is_settled(self, columns: Columns, name: str, now: float, start: float) -> bool:
        begun = max(self._since[name], now - SETTLED_S) - start
        if now - self._since[name] < SETTLED_S:
            return False
        for index in range(len(columns) - 1, -1, -1):
            if columns.got[index] < begun:
                break
            if columns.health[index] in BAD:
                return False
        return True

    def _go_fast(self, name: str, now: float) -> None:
        if name not in self._since and self._left.get(name, 0) > 0:
            self._left[name] -= 1
            self._probes[name].set_period(self._fast[name])
            self._since[name] = now

    def _go_calm(self, name: str) -> None:
        del self._since[name]
        self._probes[name].set_period(min(self._calm[name], WATCHFUL_S))


def _is_bad(columns: Columns) -> bool:
    for index in range(len(columns) - 1, -1, -1):
        if columns.health[index] != Health.LIMITED:
            return columns.health[index] in BAD
    return False
