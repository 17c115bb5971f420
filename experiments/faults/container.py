"""Container states: crash, stop, pause, restart."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drill.duration import Duration
from experiments.faults.base import FaultSpec, Need, Proof
from experiments.runtime.ports import Lifecycle
from experiments.runtime.shapes import Undo

Signal = Annotated[str, Field(pattern=r"^SIG[A-Z0-9]+$", examples=["SIGKILL", "SIGTERM"])]


class _ContainerFault(FaultSpec):
    """What every fault of this family shares: the container must be as it was found."""

    family: ClassVar[str] = "container"
    ends_with: ClassVar[str] = "start"

    async def prepare(self, staging: Lifecycle, name: str) -> Undo:
        now = await staging.state(self.target)
        return Undo(service=self.target, container=now.container, want="running")

    async def heal(self, staging: Lifecycle, undo: Undo) -> str:
        return await staging.restore(undo)

    async def removed(self, staging: Lifecycle, undo: Undo, since: float) -> Proof:
        now = await staging.state(self.target)
        if now.status != "running":
            return Proof(holds=False, text=f"the engine says {now.status}")
        event = await staging.seen(self.target, self.ends_with, since)
        if event is None:
            return Proof(holds=True, text=f"the engine says running since {now.started_at}")
        return Proof(
            holds=True,
            text=f"the engine's event {event.action}",
            earliest=since,
            latest=event.at,
        )

    async def _shown_by(self, staging: Lifecycle, action: str, since: float) -> Proof:
        event = await staging.seen(self.target, action, since)
        if event is None:
            return Proof(holds=False, text=f"no event {action} from the engine")
        return Proof(
            holds=True, text=f"the engine's event {action}", earliest=since, latest=event.at
        )


class ContainerPause(_ContainerFault):
    """Freeze every process of the target; its sockets stay open and nobody answers."""

    fault: Literal["container.pause"] = "container.pause"
    heals_how: ClassVar[str] = "unpause"
    ends_with: ClassVar[str] = "unpause"

    def path(self) -> str:
        return "the engine's pause (cgroup freezer)"

    async def inject(self, staging: Lifecycle, undo: Undo) -> None:
        await staging.pause(self.target)

    async def effective(self, staging: Lifecycle, undo: Undo, since: float) -> Proof:
        return await self._shown_by(staging, "pause", since)


class ContainerStop(_ContainerFault):
    """Stop the target as an operator would; it stays down until it is started again."""

    fault: Literal["container.stop"] = "container.stop"
    heals_how: ClassVar[str] = "start"
    grace: Duration = 4.0

    def path(self) -> str:
        return "the engine's stop (SIGTERM, then SIGKILL)"

    async def inject(self, staging: Lifecycle, undo: Undo) -> None:
        await staging.stop(self.target, self.grace)

    async def effective(self, staging: Lifecycle, undo: Undo, since: float) -> Proof:
        return await self._shown_by(staging, "die", since)


class ContainerKill(_ContainerFault):
    """Crash the target: a signal from the host's PID namespace, so that its restart policy acts."""

    fault: Literal["container.kill"] = "container.kill"
    heals_how: ClassVar[str] = "its own restart policy; starting it is a finding"
    needs: ClassVar[Need | None] = "host"
    momentary: ClassVar[bool] = True
    signal: Signal = "SIGKILL"

    def path(self) -> str:
        return f"{self.signal} from the host's PID namespace"

    async def inject(self, staging: Lifecycle, undo: Undo) -> None:
        await staging.crash(self.target, self.signal)

    async def effective(self, staging: Lifecycle, undo: Undo, since: float) -> Proof:
        return await self._shown_by(staging, "die", since)


class ContainerRestart(_ContainerFault):
    """Restart the target once."""

    fault: Literal["container.restart"] = "container.restart"
    heals_how: ClassVar[str] = "comes back by itself"
    momentary: ClassVar[bool] = True
    grace: Duration = 4.0

    def path(self) -> str:
        return "the engine's restart"

    async def inject(self, staging: Lifecycle, undo: Undo) -> None:
        await staging.restart(self.target, self.grace)

    async def effective(self, staging: Lifecycle, undo: Undo, since: float) -> Proof:
        return await self._shown_by(staging, "die", since)


FAULTS: tuple[type[FaultSpec], ...] = (
    ContainerKill,
    ContainerStop,
    ContainerPause,
    ContainerRestart,
)
