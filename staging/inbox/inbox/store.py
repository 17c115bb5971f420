"""The last messages, newest first, in memory."""

from __future__ import annotations

import email
import email.policy
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

KEPT = 5_000
# Mail to this name, at whatever host, is for support.
SUPPORT = "support@"


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
class SupportMessage:
    """What a customer wrote to support, by whatever way."""

    id: str
    sender: str
    subject: str
    text: str
    via: str
    received_at: str

    def as_json(self) -> dict[str, str]:
        """The fields under the names of the API."""
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
        self._support: deque[SupportMessage] = deque(maxlen=KEPT)

    def add_mail(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Keep a mail as it came over SMTP; recipients are the envelope's."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)  # what the default policy makes
        body = message.get_body(("plain", "html"))
        subject, text = str(message["subject"] or ""), body.get_content() if body else ""
        received_at = now()
        self._mails.appendleft(
            Mail(
                sender=sender,
                to=recipients,
                subject=subject,
                message_id=str(message["message-id"] or "").strip(),
                date=str(message["date"] or ""),
                received_at=received_at,
                text=text,
            )
        )
        if any(to.lower().startswith(SUPPORT) for to in recipients):
            self.add_support(sender, subject, text, via="smtp", received_at=received_at)

    def add_support(
        self, sender: str, subject: str, text: str, *, via: str, received_at: str
    ) -> SupportMessage:
        """Keep what somebody wrote to support."""
        message = SupportMessage(uuid4().hex, sender, subject, text, via, received_at)
        self._support.appendleft(message)
        return message

    def support(self) -> list[SupportMessage]:
        """All that was written to support, newest first."""
        return list(self._support)

    def add_slack(self, via: str, payload: dict[str, Any]) -> None:
        """Keep a Slack message."""
        channel, text = str(payload.get("channel", "")), str(payload.get("text", ""))
        self._slack.appendleft(SlackMessage(via, channel, text, payload, now()))

    def mails(self, to: str | None = None) -> list[Mail]:
        """All mails, or those to one address, newest first."""
        return [mail for mail in self._mails if not to or to.lower() in map(str.lower, mail.to)]

    def slack(self) -> list[SlackMessage]:
        """All Slack messages, newest first."""
        return list(self._slack)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
