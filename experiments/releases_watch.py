"""Which release of each service that a drill deploys or rolls back was running, and when."""

import math
from collections.abc import Iterator

import anyio
import anyio.abc

from drill.events import FaultChange
from drill.incident import Acted
from drill.records import Record
from experiments.plan import Plan
from experiments.recorder import Recorder
from experiments.respond.released import Runs, When, look_at_release

RELEASING = "deploy."
ROLLBACK = "resolve.rollback"


class ReleasesWatch:
    """
    Looks at running releases before the drill, in the fault, after a rollback, and at the end.

    Args:
        recorder: Where looks are written; also tells when there is something to look at.

        stack: Says what runs.

        plan: Names the services.
    """

    def __init__(self, recorder: Recorder, stack: Runs, plan: Plan) -> None:
        self._recorder = recorder
        self._stack = stack
        self._services = sorted(set(_services(plan)))
        self._wanted, self._due = anyio.create_memory_object_stream[When](math.inf)
        recorder.listeners.append(self._notice)

    def _notice(self, record: Record) -> None:
        when: When | None = None
        if isinstance(record, FaultChange) and record.state == "effective":
            when = "bad"
        elif isinstance(record, Acted) and record.state == "done" and _rolls_back(record.do):
            when = "rolled_back"
        if when and self._services:
            self._wanted.send_nowait(when)

    async def before(self) -> None:
        """Look before anything is deployed."""
        await self._look("before")

    async def run(self) -> None:
        """Look whenever a release has got under a service, until cancelled."""
        async for when in self._due:
            await self._look(when)

    async def after(self) -> None:
        """Look at the end."""
        await self._look("after")

    def close(self) -> None:
        """Look at nothing any more."""
        self._wanted.close()
        self._due.close()

    async def _look(self, when: When) -> None:
        for service in self._services:
            await look_at_release(self._recorder, self._stack, service, when)


def _rolls_back(do: str) -> bool:
    return do.startswith(ROLLBACK)


def _services(plan: Plan) -> Iterator[str]:
    for each in plan.faults:
        if each.spec.fault.startswith(RELEASING):
            yield each.spec.target
    for act in plan.scenario.respond:
        service = getattr(act, "service", None)
        if service and _rolls_back(act.do):
            yield service
