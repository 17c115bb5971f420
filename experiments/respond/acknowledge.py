"""Somebody says that they are on it."""

from typing import ClassVar, Literal

from experiments.respond.base import ActSpec, Kind, Sets
from experiments.respond.ports import Hands


class Acknowledge(ActSpec):
    """Somebody takes the incident."""

    kind: ClassVar[Kind] = "acknowledge"
    sets: ClassVar[Sets] = "acknowledged"
    about: ClassVar[str] = "somebody takes the incident"
    do: Literal["acknowledge"] = "acknowledge"

    async def perform(self, hands: Hands) -> str:
        return "taken"


ACTS = (Acknowledge,)
