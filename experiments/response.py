"""
The people's side of one drill, put together: detection, responders, communication, and looks.

Everything here is a port or is built from ports, so that a day of an incident runs in virtual
time.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import anyio

from drill.events import FaultChange
from drill.records import Record
from experiments.incident import Incident
from experiments.recorder import Recorder
from experiments.respond.ports import Faults
from experiments.responding import Responder

SETTLE_LIMIT_S = 900.0
"""A response is given up so long after the last fault was healed."""
AFTER_LIMIT_S = 120.0
Step = Callable[[], Awaitable[None]]


class Companion(Protocol):
    """Runs beside the faults until it is cancelled."""

    async def run(self) -> None:
        """Work; bounded by its cancellation only."""


class Ends:
    """How the faults of this drill are ended; known once the engine is there."""

    def __init__(self) -> None:
        self.faults: Faults | None = None

    async def end_faults(self) -> str:
        """Heal every fault now; gives how it was proven."""
        return await self.faults.end_faults() if self.faults else "there is no fault"


class Response:
    """
    The people's side of one drill.

    Args:
        companions: Run from the first fault to the end of the drill.

        before: Called one after the other before anything is broken.

        after: Called one after the other after the recovery.

        ends: Shared with the hands of the responder.
    """

    def __init__(  # noqa: PLR0913 - put together in one place only
        self,
        incident: Incident,
        recorder: Recorder,
        responder: Responder,
        *,
        companions: Sequence[Companion],
        before: Sequence[Step],
        after: Sequence[Step],
        ends: Ends,
    ) -> None:
        self._incident = incident
        self._recorder = recorder
        self._responder = responder
        self._companions = companions
        self._before = before
        self._after = after
        self._ends = ends
        recorder.listeners.append(self._notice)

    def bind(self, faults: Faults) -> None:
        """Learn how the faults of this drill are ended."""
        self._ends.faults = faults

    def _notice(self, record: Record) -> None:
        if isinstance(record, FaultChange) and record.state == "effective":
            self._incident.note("effective")

    async def before(self) -> None:
        """Look at what must be known before anything is broken."""
        for step in self._before:
            await step()

    async def run(self) -> None:
        """Detect, respond and communicate, from the first fault until cancelled."""
        async with anyio.create_task_group() as group:
            for companion in (self._responder, *self._companions):
                group.start_soon(companion.run)

    async def settle(self) -> None:
        """Wait until nothing of the response is pending, at most `SETTLE_LIMIT_S`."""
        planned = self._incident.planned
        within = max((one.within_s for one in planned.detections), default=0.0)
        effective = next(
            (
                change.t
                for change in self._recorder.journal.every(FaultChange)
                if change.state == "effective"
            ),
            None,
        )
        until = 0.0 if effective is None else effective + within
        with anyio.move_on_after(SETTLE_LIMIT_S):
            await self._responder.settled(until)
        self._incident.given_up.set()

    async def put_back(self) -> None:
        """Undo what acts have changed."""
        await self._responder.put_back()

    async def after(self) -> None:
        """Look and tell once more after the recovery."""
        with anyio.move_on_after(AFTER_LIMIT_S):
            for step in self._after:
                await step()
