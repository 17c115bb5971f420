"""A customer who notices, and writes to support."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from experiments.respond.base import ActSpec, Kind
from experiments.respond.ports import Hands
from experiments.site import Site

ROLE = "customer"
"""Who reports; no role of the playbook, so nobody has to hold it."""


class CustomerReport(ActSpec):
    """A customer writes to support, by the environment's own support channel."""

    kind: ClassVar[Kind] = "report"
    about: ClassVar[str] = "a customer writes to support, by the environment's own channel"
    do: Literal["customer.report"] = "customer.report"
    text: Annotated[str, Field(min_length=1, max_length=20_000)]

    def problems(self, site: Site) -> Iterator[tuple[str, str]]:
        monitoring = site.environment.monitoring
        if monitoring is None or not monitoring.support:
            yield "do", "the environment has no channel for customers: add `monitoring.support`"

    async def perform(self, hands: Hands) -> str:
        return await hands.report(self.text)


ACTS = (CustomerReport,)
