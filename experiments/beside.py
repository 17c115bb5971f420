"""What runs beside the faults of a drill, as the engine sees it: the people's side."""

from typing import Protocol

from experiments.respond.ports import Faults


class Beside(Protocol):
    """The people's side: detection, response, communication, monitoring and releases."""

    def bind(self, faults: Faults) -> None:
        """Learn how the faults of this drill are ended."""

    async def before(self) -> None:
        """Look at what must be known before anything is broken."""

    async def run(self) -> None:
        """Detect, respond and communicate, from the first fault until cancelled."""

    async def settle(self) -> None:
        """Wait, for a bounded time, until nothing of the response is pending."""

    async def put_back(self) -> None:
        """Undo what acts have changed; idempotent, and called however the drill ends."""

    async def after(self) -> None:
        """Look and tell once more after the recovery."""


class Nobody:
    """No people: a drill that only breaks and heals."""

    def bind(self, faults: Faults) -> None:
        """Keep nothing."""

    async def before(self) -> None:
        """Look at nothing."""

    async def run(self) -> None:
        """Do nothing."""

    async def settle(self) -> None:
        """Wait for nothing."""

    async def put_back(self) -> None:
        """Nothing was changed."""

    async def after(self) -> None:
        """Look at nothing."""
