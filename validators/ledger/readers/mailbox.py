"""Reads the mailbox where receipts arrive: effects, and a lower bound of what was granted."""

import email
import email.policy
import hashlib
import imaplib
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import anyio.to_thread
import httpx
import msgspec

from drill.payments import Effect, Grant, Order
from drill.redact import redact
from validators.ledger.readers.base import Sight, unseen
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import Mailbox

ASK_LIMIT_S = 15.0
READ_LIMIT_S = 120.0
MAILS_LIMIT = 20_000
T = TypeVar("T")
BATCH = 100
MAIL_BYTES = 64 * 1024
IMAPS_PORT, IMAP_PORT = 993, 143
LOWER_BOUND = "a receipt shows a grant, but no receipt does not show that there is none"


class _Mail(msgspec.Struct, frozen=True):
    to: list[str]
    subject: str = ""
    message_id: str = ""
    text: str = ""

    @property
    def key(self) -> str:
        """Its Message-ID; a mail that has none is told by what it says."""
        if self.message_id:
            return self.message_id
        said = "\n".join((*self.to, self.subject, self.text))
        return f"sha256:{hashlib.sha256(said.encode()).hexdigest()[:24]}"


class MailboxShop:
    """Receipts: a mail counts once, by its Message-ID, however often it was sent."""

    def __init__(self, spec: Mailbox) -> None:
        self._spec = spec
        self._receipt = re.compile(spec.receipt, re.MULTILINE) if spec.receipt else None
        address = spec.imap.get_secret_value() if spec.imap else spec.http or ""
        self._source = f"mailbox at {urlsplit(address).hostname}"

    @property
    def sights(self) -> frozenset[Sight]:
        """Effects, where receipts can be told from other mail."""
        return frozenset(("effects", "grants")) if self._receipt else frozenset()

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        """A mailbox gives no single moment."""
        yield

    async def clock(self) -> str:
        """A mailbox has none."""
        return ""

    async def orders(self, run: str) -> Reading[Order]:
        """Not seen in a mailbox, whatever the run."""
        del run
        return unseen(self._source)

    async def grants(self, run: str) -> Reading[Grant]:
        """What receipts prove, never complete."""
        seen = await self.effects(run)
        rows = {
            (each.order or each.reference, each.customer): Grant(
                id=f"receipt:{each.key}",
                customer=each.customer,
                product="",
                order=each.order,
                reference=each.reference,
            )
            for each in seen.rows
        }
        reason = seen.reason or LOWER_BOUND
        return Reading(tuple(rows.values()), complete=False, source=self._source, reason=reason)

    async def effects(self, run: str) -> Reading[Effect]:
        """The receipts."""
        if self._receipt is None:
            return unseen(self._source)
        mails: list[_Mail] = []
        reason = ""
        try:
            with anyio.fail_after(READ_LIMIT_S):
                mails = await self._mails(run)
        except Unread as error:
            reason = str(error)
        except TimeoutError:
            reason = f"not read within {READ_LIMIT_S:g} s"
        if self._spec.keeps is not None and len(mails) >= self._spec.keeps:
            reason = reason or f"it keeps the last {self._spec.keeps} mails and holds that many"
        rows = {each.key: each for mail in mails for each in _receipts(mail, self._receipt)}
        return Reading(
            tuple(rows.values()), complete=not reason, source=self._source, reason=reason
        )

    async def count(self) -> int:
        """
        How many receipts there are, where that can be told quickly.

        Raises:
            Unread: It cannot.
        """
        if not self._spec.http or self._receipt is None:
            raise Unread("receipts cannot be counted quickly in this mailbox")
        mails = await _by_http(self._spec.http)
        return len({each.key for mail in mails for each in _receipts(mail, self._receipt)})

    async def backlog(self) -> int | None:
        """Not seen in a mailbox."""
        return None

    async def close(self) -> None:
        """Nothing is held between two readings."""

    async def _mails(self, run: str) -> list[_Mail]:
        if self._spec.http:
            return await _by_http(self._spec.http)
        # A read may be abandoned: its sockets have time-outs of their own.
        return await anyio.to_thread.run_sync(
            _by_imap, self._imap_address(), f"-{run}@", abandon_on_cancel=True
        )

    def _imap_address(self) -> str:
        return self._spec.imap.get_secret_value() if self._spec.imap else ""


def _receipts(mail: _Mail, pattern: re.Pattern[str]) -> Iterator[Effect]:
    # Mail has both characters at the end of a line; a pattern's `$` expects one.
    found = pattern.search(f"{mail.subject}\n{mail.text}".replace("\r\n", "\n"))
    if not found or not mail.to:
        return
    named = found.groupdict()
    yield Effect(
        kind="receipt",
        key=mail.key,
        customer=mail.to[0].strip().lower(),
        order=named.get("order") or "",
        reference=named.get("reference") or "",
    )


async def _by_http(address: str) -> list[_Mail]:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=ASK_LIMIT_S) as client:
            answer = await client.get(address)
        return msgspec.json.decode(answer.raise_for_status().content, type=list[_Mail])
    except httpx.HTTPError as error:
        raise Unread(f"the inbox gave no answer ({type(error).__name__})") from None
    except msgspec.MsgspecError as error:
        raise Unread(f"the inbox answered something of another shape: {error}") from None


def _by_imap(address: str, run: str) -> list[_Mail]:
    """All mails to addresses that hold *run*, in this thread."""
    server: imaplib.IMAP4 | None = None
    try:
        server = _signed_in(address)
        folder = unquote(urlsplit(address).path.strip("/")) or "INBOX"
        _good(server.select(f'"{folder}"', readonly=True))
        found = _good(server.uid("SEARCH", "TO", f'"{run}"'))
        numbers = (found[0] or b"").split()
        if len(numbers) > MAILS_LIMIT:
            raise Unread(f"more than {MAILS_LIMIT} mails")
        return [mail for batch in _batches(numbers) for mail in _fetched(server, batch)]
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unread(f"the mailbox cannot be read: {redact(str(error))}") from None
    finally:
        if server is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                server.logout()


def _signed_in(address: str) -> imaplib.IMAP4:
    place = urlsplit(address)
    host = place.hostname or ""
    if place.scheme == "imaps":
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            host,
            place.port or IMAPS_PORT,
            ssl_context=ssl.create_default_context(),
            timeout=ASK_LIMIT_S,
        )
    else:
        server = imaplib.IMAP4(host, place.port or IMAP_PORT, timeout=ASK_LIMIT_S)
    server.login(unquote(place.username or ""), unquote(place.password or ""))
    return server


def _batches(numbers: Sequence[bytes]) -> Iterator[str]:
    for first in range(0, len(numbers), BATCH):
        yield b",".join(numbers[first : first + BATCH]).decode()


def _fetched(server: imaplib.IMAP4, batch: str) -> Iterator[_Mail]:
    for part in _good(server.uid("FETCH", batch, f"(BODY.PEEK[]<0.{MAIL_BYTES}>)")):
        if isinstance(part, tuple):
            yield _parsed(part[1])


def _parsed(raw: bytes) -> _Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the default policy makes
    body = message.get_body(("plain", "html"))
    to = [each.addr_spec for each in message["to"].addresses] if message["to"] else []
    return _Mail(
        to=to,
        subject=str(message["subject"] or ""),
        message_id=str(message["message-id"] or "").strip(),
        text=body.get_content() if body else "",
    )


def _good(answer: tuple[str, list[T]]) -> list[T]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(f"the server said {kind}")
    return data
