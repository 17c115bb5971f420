"""Keep the damage from growing: switch a feature off, or cut a service off."""

import json
from collections.abc import Iterator
from typing import ClassVar, Literal

from experiments.problems import nearest
from experiments.respond.base import ActSpec, Kind, Sets
from experiments.respond.ports import Hands
from experiments.site import Site


class DisableFeature(ActSpec):
    """Switch a feature of the shop off by its flag, and on again once the incident is over."""

    kind: ClassVar[Kind] = "contain"
    sets: ClassVar[Sets] = "contained"
    changes_staging: ClassVar[bool] = True
    about: ClassVar[str] = "switches a feature off by the shop's own flag, and on again afterwards"
    do: Literal["contain.disable_feature"] = "contain.disable_feature"
    feature: str

    def problems(self, site: Site) -> Iterator[tuple[str, str]]:
        known = site.environment.features
        if self.feature not in known:
            hint = nearest(self.feature, known) or "; list it under `features` of the environment"
            yield "feature", f"no feature is called '{self.feature}'{hint}"

    async def prepare(self, hands: Hands) -> str:
        return json.dumps({"feature": self.feature, "on": await hands.flag(self.feature)})

    async def perform(self, hands: Hands) -> str:
        return await hands.set_flag(self.feature, on=False)

    async def undo(self, hands: Hands, undo: str) -> str:
        return await hands.set_flag(self.feature, on=bool(json.loads(undo)["on"]))


class Isolate(ActSpec):
    """Cut a service off from all others, and let it talk again once the incident is over."""

    kind: ClassVar[Kind] = "contain"
    sets: ClassVar[Sets] = "contained"
    changes_staging: ClassVar[bool] = True
    about: ClassVar[str] = "cuts a service off from all others, and lets it talk again afterwards"
    do: Literal["contain.isolate"] = "contain.isolate"
    service: str

    def problems(self, site: Site) -> Iterator[tuple[str, str]]:
        if self.service not in site.services:
            hint = nearest(self.service, site.services)
            yield "service", f"no service is called '{self.service}'{hint}"

    async def prepare(self, hands: Hands) -> str:
        return json.dumps({"service": self.service})

    async def perform(self, hands: Hands) -> str:
        return await hands.isolate(self.service)

    async def undo(self, hands: Hands, undo: str) -> str:
        return await hands.rejoin(self.service)


ACTS = (DisableFeature, Isolate)
