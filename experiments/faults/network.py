"""Packets that do not arrive: dropped without a word, or refused."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from experiments.faults.base import FaultSpec, Need, Proof
from experiments.runtime.ports import Paths
from experiments.runtime.shapes import PathRule, PathSeen, Undo, Way

PATIENCE_S = 0.25
"""Long against a round trip between containers (< 1 ms), short against a second SYN (1 s)."""


class _PathFault(FaultSpec):
    """What every fault of this family shares: a rule in the target's network namespace."""

    family: ClassVar[str] = "network"
    needs: ClassVar[Need | None] = "agent"
    heals_how: ClassVar[str] = "the rule is deleted; without us it expires within 3 s"
    way: ClassVar[Way]
    shows_as: ClassVar[str]

    to: Annotated[str, Field(min_length=1, description="a service, or a host name of `outside`")]
    port: Annotated[int | None, Field(ge=1, le=65535)] = None

    def path(self) -> str:
        return f"nftables {self.way} in the target's network namespace, by its armed agent"

    async def prepare(self, staging: Paths, name: str) -> Undo:
        now = await staging.state(self.target)
        return Undo(service=self.target, container=now.container, want="running", rule=name)

    async def inject(self, staging: Paths, undo: Undo) -> None:
        rule = PathRule(name=undo.rule, to=self.to, way=self.way, port=self.port)
        await staging.block(self.target, rule)

    async def effective(self, staging: Paths, undo: Undo, since: float) -> Proof:
        seen = await self._look(staging)
        return Proof(
            holds=seen.outcome == self.shows_as,
            text=f"a connection from inside the target to {self.to} was {seen.outcome}",
            earliest=since,
            latest=seen.sent,
        )

    async def heal(self, staging: Paths, undo: Undo) -> str:
        await staging.unblock(self.target, undo.rule)
        return "rule deleted"

    async def removed(self, staging: Paths, undo: Undo, since: float) -> Proof:
        seen = await self._look(staging)
        # Refused is an answer too: with our rule gone it is the peer's own.
        holds = seen.outcome == "open"
        return Proof(
            holds=holds,
            text=f"a connection from inside the target to {self.to} was {seen.outcome}",
            earliest=since,
            latest=seen.got,
        )

    async def _look(self, staging: Paths) -> PathSeen:
        return await staging.look_along(self.target, self.to, self.port or 443, PATIENCE_S)


class NetworkBlackhole(_PathFault):
    """Drop every packet between the target and a service or host name, both ways."""

    fault: Literal["network.blackhole"] = "network.blackhole"
    way: ClassVar[Way] = "drop"
    shows_as: ClassVar[str] = "silent"


class NetworkReject(_PathFault):
    """Refuse every connection from the target to a service or host name."""

    fault: Literal["network.reject"] = "network.reject"
    way: ClassVar[Way] = "reject"
    shows_as: ClassVar[str] = "refused"


FAULTS: tuple[type[FaultSpec], ...] = (NetworkBlackhole, NetworkReject)
