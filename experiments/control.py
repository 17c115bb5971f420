"""
How people and signals talk to a running drill.

The engine waits on this port only; the terminal's signals use it now, the live page and
`drill ack` later.
"""

import anyio


class Control:
    """One word for now: stop, heal, and still write the report."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.reason = ""

    def abort(self, reason: str) -> None:
        """Ask the drill to stop; the first reason stays."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    async def aborted(self) -> str:
        """Wait until somebody asks to stop; gives the reason."""
        await self._event.wait()
        return self.reason
