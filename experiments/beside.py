"""What runs beside the faults of a drill, as the engine sees it: probes, and the people's side."""

from typing import Protocol

from experiments.respond.ports import Faults


class Probe(Protocol):
    """A probe that runs on its own schedule until it is stopped."""

    name: str

    @property
    def in_flight(self) -> int:
        """How many looks wait for their answer."""

    async def run(self) -> None:
        """Look, again and again, until `stop`."""

    def set_period(self, period_s: float) -> None:
        """Look this often from now on; bounded by what the probe's target can take."""

    def hold(self) -> None:
        """Start no look until `resume`."""

    def resume(self) -> None:
        """Go on looking."""

    async def drain(self) -> None:
        """Wait until nothing is in flight."""

    def stop(self) -> None:
        """Start no further look."""


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
