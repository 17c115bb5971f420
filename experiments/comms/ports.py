"""What the communicator asks of a channel: take one message, and show that it was taken."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from drill.errors import DrillError
from drill.incident import Audience

SHOWN_CHARACTERS = 200
SHORTEST_SECRET = 4


class Message(msgspec.Struct, frozen=True):
    """
    One message, ready to be sent.

    *to* is the channel or the role as the playbook names it, never an address. *id* is the same
    for every attempt, so that a mail that came twice can be recognised; *drill* names the drill.
    """

    id: str
    drill: str
    audience: Audience
    subject: str
    text: str
    to: str = ""


class Acceptance(msgspec.Struct, frozen=True):
    """
    What shows that a server took the message: its own words, without secrets.

    *refused* names recipients that it did not take while it took others.
    """

    evidence: str
    refused: str = ""


class NotAccepted(DrillError):
    """No server took the message; *again* says whether another attempt may help."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again


class NobodyThere(NotAccepted):
    """The environment names nobody whom this message is for."""

    def __init__(self, why: str) -> None:
        super().__init__(why, again=False)


class ChannelPort(Protocol):
    """One way to reach people; the deadline of a call is the caller's."""

    async def send(self, message: Message) -> Acceptance:
        """Hand it to the server; raises NotAccepted, with a reason that holds no secret."""


def plain(text: str, secrets: Iterable[str]) -> str:
    """A server's words in one short line; a server that repeats a secret is not quoted on it."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[secret]")
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}..."
