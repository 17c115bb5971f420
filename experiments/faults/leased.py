"""
What all faults of the Paystack sandbox share: a lease of 3 s that the drill refreshes every second.

When drill and guardian are both dead the sandbox lets go by itself.
"""

import json
from typing import Annotated, Any, ClassVar

import anyio
from pydantic import Field

from experiments.faults.base import FaultSpec, Need, Proof
from experiments.runtime.ports import Sandbox
from experiments.runtime.shapes import Undo

LOOK_S = 0.1
OURS = frozenset({"fault", "target", "at", "for_"})
"""Fields that the drill itself reads; all others are the sandbox's."""
WIRE = {
    "delay": "delay_s",
    "lag": "lag_s",
    "spread": "spread_s",
    "reset": "reset_s",
    "events": "routes",
}


class LeasedFault(FaultSpec):
    """
    A fault of Paystack: a lease at the sandbox, effective once it bit.

    What met no request, payment or event in all its time had no effect, and the report says so.
    """

    family: ClassVar[str] = "paystack"
    needs: ClassVar[Need | None] = "sandbox"
    bites: ClassVar[bool] = True
    heals_how: ClassVar[str] = "the control port ends it; without us its lease is over within 3 s"

    target: Annotated[str, Field(min_length=1, description="the sandbox's service")] = "paystack"
    share: Annotated[float, Field(ge=0.001, le=1, description="spread evenly, by no chance")] = 1.0
    count: Annotated[int | None, Field(ge=1, description="bites at most so often")] = None
    only: Annotated[
        str | None, Field(min_length=1, description="a text that the request or event holds")
    ] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - pydantic's own
        # Different faults of Paystack go together; twice the same one would be ambiguous.
        super().__pydantic_init_subclass__(**kwargs)
        cls.family = str(cls.model_fields["fault"].default)

    def path(self) -> str:
        return "the control port of the sandbox, by a lease of 3 s that is refreshed every second"

    def body(self) -> str:
        """The fault as the control port takes it."""
        told = {
            WIRE.get(name, name): getattr(self, name)
            for name in type(self).model_fields
            if name not in OURS and getattr(self, name) is not None
        }
        return json.dumps({"kind": self.fault.removeprefix("paystack."), **told})

    async def prepare(self, staging: Sandbox, name: str) -> Undo:
        await staging.imposed(name)  # A wrong address or token is found before anything is broken.
        now = await staging.state(self.target)
        return Undo(service=self.target, container=now.container, want="running", lease=name)

    async def inject(self, staging: Sandbox, undo: Undo) -> None:
        await staging.impose(undo.lease, self.body())

    async def effective(self, staging: Sandbox, undo: Undo, since: float) -> Proof:
        seen = await staging.imposed(undo.lease)
        if seen is None:
            return Proof(holds=False, text="the sandbox does not list it")
        if not seen.bit:
            await anyio.sleep(LOOK_S)
            return Proof(holds=False, text=f"in force, met {seen.met} and bit none of them")
        return Proof(
            holds=True,
            text=f"the sandbox says that by then it bit {seen.bit} of the {seen.met} it met",
            earliest=since,
            latest=seen.bit_at,
        )

    async def heal(self, staging: Sandbox, undo: Undo) -> str:
        bit = await staging.lift(undo.lease)
        return "its lease was over" if bit is None else f"ended, having bitten {bit} times"

    async def removed(self, staging: Sandbox, undo: Undo, since: float) -> Proof:
        seen = await staging.imposed(undo.lease)
        return Proof(
            holds=seen is None,
            text="the sandbox lists it" + (" no more" if seen is None else ""),
            earliest=since,
            latest=anyio.current_time(),
        )
