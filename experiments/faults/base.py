"""The contract of a fault: a frozen spec that can prepare, inject, prove, heal and prove again."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from drill.duration import Duration
from experiments.held import At, Held
from experiments.runtime.ports import Staging
from experiments.runtime.shapes import Undo

Need = Literal["agent", "host", "sandbox", "browser"]


class Proof(msgspec.Struct, frozen=True):
    """
    What something other than the act's own answer shows.

    Attributes:
        holds: True if the wanted state was seen.

        text: One clause for the report, what was looked at and what it showed.

        earliest: Monotonic seconds before which it cannot have begun, None if unknown.

        latest: Monotonic seconds by which it had begun, None if unknown.
    """

    holds: bool
    text: str
    earliest: float | None = None
    latest: float | None = None


class FaultSpec(BaseModel):
    """
    A change to staging that can be undone.

    Attributes:
        needs: What must be armed for it: `agent` in the target's network namespace, `host` for
            signals; or what the drill must have: a `sandbox`, the journeys' `browser`.

        bites: It is effective only once it met something, which may take as long as it lasts.

        family: Faults of one family may not overlap on one target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    family: ClassVar[str]
    needs: ClassVar[Need | None] = None
    heals_how: ClassVar[str]
    momentary: ClassVar[bool] = False
    bites: ClassVar[bool] = False

    fault: str
    target: Annotated[str, Field(min_length=1, description="a service of the environment")]
    at: At = 0.0
    for_: Annotated[Duration | None, Field(alias="for")] = None

    @property
    def hold(self) -> Held | None:
        """The edge at which it is injected; None if it is injected at a time."""
        return self.at if isinstance(self.at, Held) else None

    @property
    def service(self) -> str | None:
        """The service that it touches; None if it touches nothing of staging."""
        return None if self.needs == "browser" else self.target

    @property
    def begins_s(self) -> float:
        """When it is injected at the earliest, in seconds from the first phase of faults."""
        return 0.0 if isinstance(self.at, Held) else self.at

    @abstractmethod
    def path(self) -> str:
        """How it gets in, one clause for the plan."""

    @abstractmethod
    async def prepare(self, staging: Staging, name: str) -> Undo:
        """Read what must be restored; changes nothing. *name* is unique within the drill."""

    @abstractmethod
    async def inject(self, staging: Staging, undo: Undo) -> None:
        """Bring the fault into force."""

    @abstractmethod
    async def effective(self, staging: Staging, undo: Undo, since: float) -> Proof:
        """Look whether it is in force; *since* is when the injection was called."""

    @abstractmethod
    async def heal(self, staging: Staging, undo: Undo) -> str:
        """Put everything back, idempotent, from whatever state it is in; says how."""

    @abstractmethod
    async def removed(self, staging: Staging, undo: Undo, since: float) -> Proof:
        """Look whether it is gone; *since* is when the healing was called."""
