"""What customers' browsers meet: requests to chosen hosts that fail, wait or get an error."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import anyio
from pydantic import Field

from drill.duration import Duration
from drill.errors import BadInput
from experiments.faults.base import FaultSpec, Need, Proof
from experiments.runtime.ports import Browser
from experiments.runtime.shapes import Undo
from validators.probes.hosts import HostRule, HostSeen

LOOK_LIMIT_S = 5.0
"""Long against a page of one line in a browser that yields to everybody."""
LOOK_AGAIN_S = 0.25
Host = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9*.-]+$",
        description="a host of `outside` or of a journey's `resolve`; `*` for any part of it",
        examples=["js.paystack.co", "*.paystack.co"],
    ),
]


class _BrowserFault(FaultSpec):
    """
    What every fault of this family shares: a route in the journeys' own Chromium.

    It is effective once a page of the drill's own saw it there and a journey's request was hit.
    """

    family: ClassVar[str] = "browser"
    needs: ClassVar[Need | None] = "browser"
    bites: ClassVar[bool] = True
    heals_how: ClassVar[str] = "the route is taken away; without us it ends with its Chromium"

    target: Annotated[
        Literal["chromium"], Field(description="the journeys' own, which is no service")
    ] = "chromium"
    host: Host

    @abstractmethod
    def rule(self, name: str) -> HostRule:
        """What requests meet."""

    @abstractmethod
    def shown_by(self, seen: HostSeen, name: str) -> bool:
        """Whether a request of the drill's own met it."""

    def path(self) -> str:
        return "Playwright's routes in every context of the journeys' own Chromium"

    async def prepare(self, staging: Browser, name: str) -> Undo:
        for seen in await staging.ask_hosts(self.host, LOOK_LIMIT_S):
            if seen.outcome != "answered":
                raise BadInput(
                    f"nothing was broken: {self.fault} could not be shown, as without it "
                    f"{seen.told()} in the journeys' Chromium"
                )
        return Undo(service="", container="", want="running", route=name)

    async def inject(self, staging: Browser, undo: Undo) -> None:
        await staging.divert(self.rule(undo.route))

    async def effective(self, staging: Browser, undo: Undo, since: float) -> Proof:
        met = await staging.met(undo.route)
        if met is None:
            return Proof(holds=False, text="the browser holds no such route")
        seen = await staging.ask_hosts(self.host, self.patience_s())
        told = f"a page of the drill's own saw that {_told(seen)}"
        if not all(self.shown_by(one, undo.route) for one in seen):
            return Proof(holds=False, text=told)
        if not met.hit:
            await anyio.sleep(LOOK_AGAIN_S)
            return Proof(holds=False, text=f"{told}, but no journey's request was hit")
        return Proof(
            holds=True,
            text=f"{told}; Chromium reported it of {met.hit} of the journeys' requests",
            earliest=since,
            latest=min(met.first, *(one.sent for one in seen)),
        )

    async def heal(self, staging: Browser, undo: Undo) -> str:
        met = await staging.let_through(undo.route)
        return "no route was left" if met is None else f"route taken away, having hit {met.hit}"

    async def removed(self, staging: Browser, undo: Undo, since: float) -> Proof:
        seen = await staging.ask_hosts(self.host, self.patience_s())
        return Proof(
            holds=all(one.outcome == "answered" and not one.by for one in seen),
            text=f"a page of the drill's own saw that {_told(seen)}",
            earliest=since,
            latest=max(one.got for one in seen),
        )

    def patience_s(self) -> float:
        """How long a look waits."""
        return LOOK_LIMIT_S


class BrowserBlock(_BrowserFault):
    """Requests to the host fail at once, as behind an ad blocker or a company's network."""

    fault: Literal["browser.block"] = "browser.block"

    def rule(self, name: str) -> HostRule:
        return HostRule(name=name, host=self.host, way="block")

    def shown_by(self, seen: HostSeen, name: str) -> bool:
        return seen.outcome == "failed"


class BrowserSlow(_BrowserFault):
    """Requests to the host leave the browser late."""

    fault: Literal["browser.slow"] = "browser.slow"
    delay: Annotated[Duration, Field(ge=0.5, le=600)] = 10.0

    def rule(self, name: str) -> HostRule:
        return HostRule(name=name, host=self.host, way="slow", delay_s=self.delay)

    def shown_by(self, seen: HostSeen, name: str) -> bool:
        return seen.outcome == "silent"

    def patience_s(self) -> float:
        # Whoever has no answer by then waits for it, however much longer that takes.
        return self.rule("").late_s


class BrowserStatus(_BrowserFault):
    """Requests to the host are answered with an HTTP status, and never reach it."""

    fault: Literal["browser.status"] = "browser.status"
    status: Annotated[int, Field(ge=400, le=599)] = 503

    def rule(self, name: str) -> HostRule:
        return HostRule(name=name, host=self.host, way="status", status=self.status)

    def shown_by(self, seen: HostSeen, name: str) -> bool:
        return (seen.status, seen.by) == (self.status, name)


def _told(seen: tuple[HostSeen, ...]) -> str:
    return ", ".join(one.told() for one in seen)


FAULTS: tuple[type[FaultSpec], ...] = (BrowserBlock, BrowserSlow, BrowserStatus)
