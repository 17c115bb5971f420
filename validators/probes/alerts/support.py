"""What customers write to support: a list of messages, told by the words in them."""

import hashlib
import re
from collections.abc import Sequence

import msgspec

from drill.incident import Source
from validators.probes.alerts.api import Answer, Api, HttpSource, decode, wall_time
from validators.probes.alerts.base import AlertReading

MAILBOX = "support@"


class Message(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A report of the support API, or a mail as the inbox lists it; only the latter has *to*."""

    received_at: str
    id: str = ""
    message_id: str = ""
    sender: str = ""
    subject: str = ""
    text: str = ""
    to: list[str] | None = None

    def key(self) -> str:
        """What tells it from every other message."""
        named = self.id or self.message_id
        if named:
            return named
        parts = f"{self.received_at}\n{self.sender}\n{self.subject}\n{self.text}"
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]


class Support(HttpSource):
    """
    Customers' reports; a report fires the first promised word that is in it.

    Args:
        api: The address of the list itself.

        words: What to look for, as whole words in any case.
    """

    name = "support"
    source: Source = "support"
    resolution_s = 0.001

    def __init__(self, api: Api, words: Sequence[str]) -> None:
        super().__init__(api)
        self._words = {
            word: re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in words
        }

    async def read(self) -> list[AlertReading]:
        return self.parse(await self.api.get(""))

    def parse(self, answer: Answer) -> list[AlertReading]:
        """Read one answer; raises Unreadable."""
        readings = []
        for message in decode(answer.body, list[Message]):
            received = wall_time(message.received_at)
            if not _for_support(message):
                continue
            said = f"{message.subject}\n{message.text}"
            readings += [
                AlertReading(
                    alert=word,
                    state="firing",
                    key=f"{message.key()}|{word}",
                    wall_s=received,
                    evidence=f"{self.api.shown} message {message.key()}",
                )
                for word, pattern in self._words.items()
                if pattern.search(said)
            ]
        return readings


def _for_support(message: Message) -> bool:
    # A mailbox lists the shop's own mails to its customers as well; those report nothing.
    return message.to is None or any(to.lower().startswith(MAILBOX) for to in message.to)
