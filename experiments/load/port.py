"""The load as the engine sees it, and its process as the load sees it."""

from typing import Protocol


class Load(Protocol):
    """Customers beside a drill."""

    async def start(self) -> None:
        """Write down every intent, then let the customers come."""

    async def finish(self) -> None:
        """Wait, for a bounded time, until everything that was to be bought has been."""

    async def drain(self) -> None:
        """No new intents; wait, for a bounded time, until those under way are at their end."""

    async def stop(self) -> None:
        """Send all customers away and say how it ended; idempotent, and nothing if none came."""


class NoLoad:
    """A drill without customers."""

    async def start(self) -> None:
        """Start nothing."""

    async def finish(self) -> None:
        """Nobody buys."""

    async def drain(self) -> None:
        """Nothing is under way."""

    async def stop(self) -> None:
        """Nothing runs."""


class Generator(Protocol):
    """The process that makes the load."""

    async def send(self, line: bytes) -> None:
        """Give it a line; raises anyio.BrokenResourceError once it has ended."""

    async def receive(self) -> bytes:
        """The next bytes that it wrote; raises anyio.EndOfStream after the last."""

    async def end(self) -> str:
        """End it, by force if it does not obey; gives why if that was needed."""

    async def close(self) -> None:
        """Let go of what it may still have to say."""
