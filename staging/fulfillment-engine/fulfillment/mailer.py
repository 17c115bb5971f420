"""
Sends what is in the mail outbox.

A mail may go out twice when we die between the server's yes and our own note of it; both then
bear the same Message-ID, which is made from the order.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
from email.message import EmailMessage
from email.utils import formatdate

import asyncpg
from common.database import Database, DatabaseUnavailable

log = logging.getLogger(__name__)

EVERY_S = 0.2
BATCH = 20
SMTP_LIMIT_S = 2.0
LONGEST_PAUSE_S = 4.0
SENDER = "Vauntico <receipts@vauntico.test>"


class Mailer:
    """Looks five times a second for mails that are due."""

    def __init__(self, database: Database, host: str, port: int) -> None:
        self._database = database
        self._host, self._port = host, port

    async def run(self) -> None:
        """Send; for ever, in the background."""
        while True:
            try:
                for row in await self._due():
                    if not await self._send(row):
                        break
            except DatabaseUnavailable as error:
                log.warning("mails wait for PostgreSQL: %s", error)
            await asyncio.sleep(EVERY_S)

    async def _due(self) -> list[asyncpg.Record]:
        """Mails to send now; taking one puts its next try off, should this one fail."""
        async with self._database.connection() as connection:
            return list(
                await connection.fetch(
                    "UPDATE mails SET tries = tries + 1, next_try_at = now()"
                    " + make_interval(secs => least($1, 2.0 ^ least(tries + 1, 10)))"
                    " WHERE message_id IN (SELECT message_id FROM mails WHERE sent_at IS NULL"
                    " AND next_try_at <= now() ORDER BY next_try_at LIMIT $2"
                    " FOR UPDATE SKIP LOCKED)"
                    " RETURNING message_id, recipient, subject, body",
                    LONGEST_PAUSE_S,
                    BATCH,
                )
            )

    async def _send(self, row: asyncpg.Record) -> bool:
        """Hand over one mail; false if the server is not there, so that the others may wait."""
        mail = EmailMessage()
        mail["From"], mail["To"] = SENDER, row["recipient"]
        mail["Subject"], mail["Message-ID"] = row["subject"], row["message_id"]
        mail["Date"] = formatdate()
        mail.set_content(row["body"])
        try:
            await asyncio.to_thread(self._hand_over, mail)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail %s waits: %r", row["message_id"], error)
            return False
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE mails SET sent_at = now() WHERE message_id = $1", row["message_id"]
            )
        return True

    def _hand_over(self, mail: EmailMessage) -> None:
        with smtplib.SMTP(self._host, self._port, timeout=SMTP_LIMIT_S) as server:
            server.send_message(mail)
