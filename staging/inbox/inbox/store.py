"""The last messages, newest first, in memory."""

from __future__ import annotations

import email
import email.policy
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

KEPT = 5_000


@dataclass(frozen=True)
class Mail:
    """A mail as its recipient would read it."""

    sender: str
    to: list[str]
    subject: str
    message_id: str
    date: str
    received_at: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """The fields under the names that mail readers know."""
        fields = asdict(self)
        return {"from": fields.pop("sender"), **fields}


@dataclass(frozen=True)
class SlackMessage:
    """A message posted to a Slack hook or to chat.postMessage."""

    via: str
    channel: str
    text: str
    payload: dict[str, Any]
    received_at: str


class Store:
    """The last mails and Slack messages; the oldest fall out."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._slack: deque[SlackMessage] = deque(maxlen=KEPT)

    def add_mail(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Keep a mail as it came over SMTP; recipients are the envelope's."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)  # what the default policy makes
        body = message.get_body(("plain", "html"))
        self._mails.appendleft(
            Mail(
                sender=sender,
                to=recipients,
                subject=str(message["subject"] or ""),
                message_id=str(message["message-id"] or "").strip(),
                date=str(message["date"] or ""),
                received_at=_now(),
                text=body.get_content() if body else "",
            )
        )

    def add_slack(self, via: str, payload: dict[str, Any]) -> None:
        """Keep a Slack message."""
        channel, text = str(payload.get("channel", "")), str(payload.get("text", ""))
        self._slack.appendleft(SlackMessage(via, channel, text, payload, _now()))

    def mails(self, to: str | None = None) -> list[Mail]:
        """All mails, or those to one address, newest first."""
        return [mail for mail in self._mails if not to or to.lower() in map(str.lower, mail.to)]

    def slack(self) -> list[SlackMessage]:
        """All Slack messages, newest first."""
        return list(self._slack)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
