"""The hands of the responders on the real stack."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, SecretStr

from experiments.environment import Environment
from experiments.respond.commands import Commands, succeeded
from experiments.respond.deployment import Rollback, Running
from experiments.respond.flags import Flags
from experiments.respond.ports import Customers, Faults
from experiments.runtime.ports import Cuts


class Ground(Cuts, Running, Protocol):
    """All that hands ask of the stack."""


class RealHands(Flags):
    """
    Implements `ports.Hands`.

    Args:
        environment: Where they act.

        file: The environment's own file; folders in it are relative to it.

        stack: Opened and claimed.

        run: The drill's id, by which its child processes are found.

        faults: Who ends the drill's own faults.

        customers: Who writes to support.

        rollback: The playbook's stable tag and its rollback commands.
    """

    def __init__(  # noqa: PLR0913 - put together in one place only
        self,
        environment: Environment,
        file: Path,
        *,
        stack: Ground,
        run: str,
        faults: Faults,
        customers: Customers,
        rollback: tuple[str, Sequence[str]] = ("", ()),
    ) -> None:
        super().__init__(environment.web, environment.features)
        commands = Commands(run, list(secrets_of(environment)))
        self._stack = stack
        self._faults = faults
        self._customers = customers
        self._releases = Rollback(
            stack, commands, environment.deploy, file.resolve().parent, rollback
        )

    async def isolate(self, service: str) -> str:
        return await self._stack.cut_off(service)

    async def rejoin(self, service: str) -> str:
        return await self._stack.join(service)

    async def roll_back(self, service: str, tag: str) -> str:
        return await self._releases.roll_back(service, tag)

    async def check_rollback(self, service: str, tag: str) -> None:
        """Raise BadInput if a rollback to *tag* could not be done; changes nothing."""
        await self._releases.check(service, tag)

    async def release_before(self, service: str) -> str:
        return await self._releases.release_before(service)

    async def put_release_back(self, undo: str) -> str:
        return await self._releases.put_release_back(undo)

    async def run_as_written(self, limit_s: float) -> str:
        return await self._releases.run_as_written(limit_s)

    async def run(self, command: str, limit_s: float) -> str:
        return succeeded(await self._releases.guarded_run(command, limit_s)).told

    async def report(self, text: str) -> str:
        return await self._customers.report(text)

    async def end_faults(self) -> str:
        return await self._faults.end_faults()


def secrets_of(part: object) -> Iterator[str]:
    """Every secret value of an environment, however deep it lies."""
    if isinstance(part, SecretStr):
        yield part.get_secret_value()
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from secrets_of(getattr(part, name))
    elif isinstance(part, dict):
        for value in part.values():
            yield from secrets_of(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from secrets_of(value)
