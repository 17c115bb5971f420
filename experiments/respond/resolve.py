"""End the incident: heal, run the team's own command, or roll back to the last stable tag."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from drill.duration import Duration
from experiments.respond.base import ActSpec, Kind, Sets
from experiments.respond.ports import Hands
from experiments.site import Site

COMMAND_LIMIT_S = 300.0


class Heal(ActSpec):
    """What was broken is repaired: the drill ends its faults."""

    kind: ClassVar[Kind] = "resolve"
    sets: ClassVar[Sets] = "resolved"
    about: ClassVar[str] = "ends the faults of the drill, as a repair would"
    do: Literal["resolve.heal"] = "resolve.heal"

    async def perform(self, hands: Hands) -> str:
        return await hands.end_faults()


class Command(ActSpec):
    """The team's own command repairs it."""

    kind: ClassVar[Kind] = "resolve"
    sets: ClassVar[Sets] = "resolved"
    about: ClassVar[str] = "runs a command of the team's own on this machine"
    do: Literal["resolve.command"] = "resolve.command"
    command: str
    limit: Duration = COMMAND_LIMIT_S

    async def perform(self, hands: Hands) -> str:
        return await hands.run(self.command, self.limit)


class RollBack(ActSpec):
    """Back to the last stable tag, by the way the environment deploys."""

    kind: ClassVar[Kind] = "resolve"
    sets: ClassVar[Sets] = "resolved"
    changes_staging: ClassVar[bool] = True
    about: ClassVar[str] = "brings a service back to the last stable tag"
    do: Literal["resolve.rollback"] = "resolve.rollback"
    service: str
    to: str | None = None

    def problems(self, site: Site) -> Iterator[tuple[str, str]]:
        if self.service not in site.services:
            yield "service", f"no service is called '{self.service}'"
        if site.environment.deploy is None:
            yield "do", "the environment does not say how a release is deployed: add `deploy`"

    async def prepare(self, hands: Hands) -> str:
        return await hands.release_before(self.service)

    async def perform(self, hands: Hands) -> str:
        return await hands.roll_back(self.service, self.to or "")

    async def undo(self, hands: Hands, undo: str) -> str:
        return await hands.put_release_back(undo)


class RollBackAsWritten(ActSpec):
    """The playbook's own rollback commands, to the letter."""

    kind: ClassVar[Kind] = "resolve"
    sets: ClassVar[Sets] = "resolved"
    about: ClassVar[str] = "runs the playbook's own rollback commands, to the letter"
    do: Literal["resolve.rollback_as_written"] = "resolve.rollback_as_written"
    limit: Duration = COMMAND_LIMIT_S

    async def perform(self, hands: Hands) -> str:
        return await hands.run_as_written(self.limit)


ACTS = (Heal, Command, RollBack, RollBackAsWritten)
