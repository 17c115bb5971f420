"""
Looks launched at a fixed rate, whatever becomes of the ones before.

No sockets, threads or files: runs on a virtual clock as it runs in a drill.
"""

import math
from collections.abc import Callable
from typing import Protocol

import anyio
import anyio.abc
import msgspec

from drill.events import Observation
from drill.verdict import Health

CLOSE_LIMIT_S = 5.0


class Seen(msgspec.Struct, frozen=True):
    """
    What one look saw; *detail* is one short clause without secrets, empty when all is well.

    *at* is when it was seen, by `anyio.current_time()`, if that was before the look returned.
    """

    health: Health
    detail: str = ""
    at: float | None = None


class Look(Protocol):
    """Looks at one thing, again and again, several at once."""

    async def look(self) -> Seen:
        """Look once; may be cancelled by the deadline at any point."""
        ...

    async def close(self) -> None:
        """Let go of whatever the looks used."""
        ...


class ProbeRunner:
    """
    Launches the looks of one probe at t0 + k * period and emits an observation for each.

    A launch that finds *max_in_flight* looks unanswered is emitted as `limited` with that reason:
    it says nothing about staging, and it is not silent. If the drill itself is late, so is the
    observation (*sent* after *due*).

    Observations come in the order of their completion. Everything but `run` and `drain` takes
    effect at once.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the engine's own order, one a part
        self,
        name: str,
        look: Look,
        period_s: float,
        deadline_s: float,
        max_in_flight: int,
        emit: Callable[[Observation], None],
        start: float,
    ) -> None:
        """Make a runner; *start* is the drill's start by `anyio.current_time()`."""
        self.name = name
        self.period_s = period_s
        self._look = look
        self._deadline_s = deadline_s
        self._max_in_flight = max_in_flight
        self._emit = emit
        self._start = start
        self._due = -math.inf
        self._launched = 0
        self._open: dict[int, anyio.Event] = {}
        self._woken: anyio.Event | None = None
        self._held = self._stopped = False

    @property
    def in_flight(self) -> int:
        """How many looks wait for their answer."""
        return len(self._open)

    async def run(self, first_after_s: float = 0.0) -> None:
        """
        Launch looks until `stop`, wait for those in flight, then close the look.

        Args:
            first_after_s: Seconds until the first launch, so that many probes do not all start at
            once.
        """
        self._due = anyio.current_time() + first_after_s
        try:
            async with anyio.create_task_group() as tasks:
                while not self._stopped:
                    if await self._is_time():
                        self._launch(tasks)
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_LIMIT_S):
                await self._look.close()

    def set_period(self, period_s: float) -> None:
        """Change the rate; the next launch comes one new period after the last, or now."""
        last = self._due - self.period_s
        self.period_s = period_s
        self._due = max(anyio.current_time(), last + period_s)
        self._wake()

    def hold(self) -> None:
        """Start no look until `resume`; those in flight go on."""
        self._held = True
        self._wake()

    def resume(self) -> None:
        """Start looking again, at once."""
        if self._held:
            self._held = False
            self._due = anyio.current_time()
            self._wake()

    def stop(self) -> None:
        """Start no look any more; `run` returns when those in flight are done."""
        self._stopped = True
        self._wake()

    async def drain(self) -> None:
        """Wait until every look that is in flight now is done, at most one deadline."""
        for done in list(self._open.values()):
            await done.wait()

    def _wake(self) -> None:
        if self._woken:
            self._woken.set()

    async def _is_time(self) -> bool:
        """Wait for the next launch; False if something changed before."""
        self._woken = anyio.Event()
        deadline = math.inf if self._held else self._due
        with anyio.CancelScope(deadline=deadline) as waiting:
            await self._woken.wait()
        return waiting.cancelled_caught and not self._stopped and not self._held

    def _launch(self, tasks: anyio.abc.TaskGroup) -> None:
        """Launch what is due; launches slept through are one, as late as the first of them."""
        now, due = anyio.current_time(), self._due
        passed = math.floor(max(0.0, now - due) / self.period_s)
        self._due = due + (passed + 1) * self.period_s
        if self.in_flight >= self._max_in_flight:
            self._skip(due, now)
        else:
            self._launched += 1
            self._open[self._launched] = anyio.Event()
            tasks.start_soon(self._look_once, self._launched, due)

    def _skip(self, due: float, now: float) -> None:
        due_s, now_s = due - self._start, now - self._start
        reason = f"not sent: {self.in_flight} looks still unanswered"
        self._emit(Observation(self.name, due_s, now_s, now_s, Health.LIMITED, reason))

    async def _look_once(self, number: int, due: float) -> None:
        sent = anyio.current_time()
        try:
            with anyio.move_on_after(self._deadline_s) as limit:
                seen = await self._guarded()
            got = anyio.current_time()
            if limit.cancelled_caught:
                # What came after the deadline, such as closing a page, was no waiting.
                got = min(got, sent + self._deadline_s)
                seen = Seen(Health.DOWN, f"no answer within {self._deadline_s:g} s")
            got = got if seen.at is None else seen.at
            due_s, sent_s, got_s = due - self._start, sent - self._start, got - self._start
            self._emit(Observation(self.name, due_s, sent_s, got_s, seen.health, seen.detail))
        finally:
            self._open.pop(number).set()

    async def _guarded(self) -> Seen:
        try:
            return await self._look.look()
        except Exception as error:  # noqa: BLE001 - a look that fails must not end the drill
            # The kind only: the text of an error may hold an address or a header.
            return Seen(Health.DOWN, f"the look failed: {type(error).__name__}")


class JourneyRunner(ProbeRunner):
    """
    Launches looks that take long one after the other: at the rate, or when the last one is done.

    A look that had to wait has its lateness in the observation (*sent* after *due*).
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the engine's own order, one a part
        self,
        name: str,
        look: Look,
        period_s: float,
        deadline_s: float,
        emit: Callable[[Observation], None],
        start: float,
    ) -> None:
        """Make a runner; the arguments are those of `ProbeRunner`."""
        super().__init__(name, look, period_s, deadline_s, 1, emit, start)

    async def _is_time(self) -> bool:
        await self.drain()
        return await super()._is_time()
