"""python3 -m inbox"""

from __future__ import annotations

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session
from common.serving import run, serve, server

from inbox.app import build
from inbox.store import Store

SMTP_PORT = 25
HTTP_PORT = 8025
SIZE_LIMIT_BYTES = 1_000_000


class Keep:
    """Accept every mail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._store.add_mail(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        return "250 kept"


async def main() -> None:
    """Listen for mail and for HTTP."""
    store = Store()
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: SMTP(Keep(store), hostname="inbox", data_size_limit=SIZE_LIMIT_BYTES, loop=loop),
        host="0.0.0.0",
        port=SMTP_PORT,
    )
    await serve(server(build(store), HTTP_PORT))


run(main)
