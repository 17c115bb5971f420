"""Tell people how it stands, outside of the cadence."""

from typing import ClassVar, Literal

from experiments.respond.base import ActSpec, Kind
from experiments.respond.ports import Hands


class Update(ActSpec):
    """One more message to everybody who is being told."""

    kind: ClassVar[Kind] = "update"
    about: ClassVar[str] = "posts one more update, outside of the cadence"
    do: Literal["update"] = "update"
    text: str

    async def perform(self, hands: Hands) -> str:
        return self.text


ACTS = (Update,)
