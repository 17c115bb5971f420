"""The contract of an act: a frozen spec that says when, by whom, and does one thing."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from drill.duration import Duration
from experiments.respond.ports import Hands
from experiments.site import Site

Trigger = Literal["effective", "detected", "escalated", "acknowledged", "contained", "resolved"]
Kind = Literal["acknowledge", "contain", "resolve", "update", "report"]
Sets = Literal["acknowledged", "contained", "resolved", ""]


class ActSpec(BaseModel):
    """
    One act of the playbook.

    Attributes:
        kind: Which of the playbook's kinds of act it is; decides whose role it is.
            A `report` is a customer's, whose role no playbook assigns.

        sets: The moment that is reached when it is done, empty if none.

        changes_staging: True if it has an undo that must be carried out before staging is clean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kind: ClassVar[Kind]
    sets: ClassVar[Sets] = ""
    changes_staging: ClassVar[bool] = False
    about: ClassVar[str]

    do: str
    when: Trigger
    after: Annotated[Duration, Field(description="after that moment, on the playbook's clock")] = (
        0.0
    )
    by: Annotated[Literal["auto", "people"], Field(description="who decides")] = "auto"
    role: Annotated[str | None, Field(description="instead of the playbook's own")] = None

    def problems(self, site: Site) -> Iterator[tuple[str, str]]:
        """Give (field, what is wrong and the way out) for what this environment cannot do."""
        yield from ()

    async def prepare(self, hands: Hands) -> str:
        """Read what an undo needs, as JSON text; changes nothing. Empty if nothing is changed."""
        return ""

    @abstractmethod
    async def perform(self, hands: Hands) -> str:
        """Do it; gives the proof. Raises DrillError if it could not be done."""

    async def undo(self, hands: Hands, undo: str) -> str:
        """Put back what it changed, idempotent; gives the proof."""
        return ""
