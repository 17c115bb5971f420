"""
How people and signals talk to a running drill.

The engine waits on this port only. Signals, the live page, `drill ack` and its friends and an
Alertmanager silence all speak through it.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
import msgspec

from drill.errors import BadInput
from drill.incident import Via

Say = Literal["acknowledge", "contain", "resolve", "update"]


class Refused(BadInput):
    """What somebody said cannot be taken now; the message says why and what would be possible."""


class Word(msgspec.Struct, frozen=True):
    """What somebody says: which act, who, in which role (empty: the one they hold), and text."""

    say: Say
    actor: str
    via: Via
    role: str = ""
    text: str = ""


class Control:
    """Stop, and the words of people."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.reason = ""
        self.answer: Callable[[Word], Awaitable[str]] | None = None
        """Set by whoever answers for the incident while there is one."""

    def abort(self, reason: str) -> None:
        """Ask the drill to stop; the first reason stays."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    async def aborted(self) -> str:
        """Wait until somebody asks to stop; gives the reason."""
        await self._event.wait()
        return self.reason

    async def say(self, word: Word) -> str:
        """
        Pass on what somebody says.

        Returns:
            What came of it, one sentence.

        Raises:
            Refused: There is no incident now, or it is not the time for this.
        """
        if self.answer is None:
            raise Refused("there is no incident now: nothing has been broken yet, or it is over")
        return await self.answer(word)
