"""Small servers on loopback for readers: HTTP that answers as a test says, and an IMAP mailbox."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: str = ""


@dataclass
class Reply:
    """An answer; *body* None is a connection that ends without one."""

    status: int = 200
    body: object = ""
    headers: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def serving(answer: Callable[[Asked], Reply | None]) -> AsyncIterator[str]:
    """An HTTP server that answers by *answer*; gives its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        method, target, _ = first.split(" ")
        place = urlsplit(target)
        given = {key: each[0] for key, each in parse_qs(place.query).items()}
        form = {key: each[0] for key, each in parse_qs(body).items()}
        reply = answer(Asked(method, place.path, given, headers, form, body))
        if reply:
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            fields = {"content-length": str(len(text.encode())), "connection": "close"}
            rest = "".join(f"{k}: {v}\r\n" for k, v in (fields | reply.headers).items())
            writer.write(f"HTTP/1.1 {reply.status} X\r\n{rest}\r\n{text}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def mail(to: str, subject: str, text: str, message_id: str = "") -> bytes:
    """A mail as it lies in a mailbox."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@vauntico.test", to, subject
    if message_id:
        message["Message-ID"] = message_id
    message.set_content(text)
    return message.as_bytes().replace(b"\n", b"\r\n")


@dataclass
class Imap:
    """As much of IMAP as a reader needs: LOGIN, EXAMINE, UID SEARCH TO, UID FETCH, LOGOUT."""

    mails: list[bytes] = field(default_factory=list)
    password: str = "a made-up word"  # pragma: allowlist secret
    silent_at: str = ""
    heard: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK here\r\n")
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            tag, command = line.split(" ", 1)
            if self.silent_at and self.silent_at in command:
                break
            for part in self._answers(tag, command):
                writer.write(part)
            await writer.drain()
            if command == "LOGOUT":
                break
        writer.close()

    def _answers(self, tag: str, command: str) -> list[bytes]:
        good = f"{tag} OK done\r\n".encode()
        if command.startswith("CAPABILITY"):
            return [b"* CAPABILITY IMAP4rev1\r\n", good]
        if command.startswith("LOGIN") and self.password not in command:
            return [f"{tag} NO wrong\r\n".encode()]
        if command.startswith("EXAMINE"):
            return [f"* {len(self.mails)} EXISTS\r\n".encode(), good]
        if found := re.fullmatch(r'UID SEARCH TO "(.*)"', command):
            wanted = found[1].encode()
            numbers = [str(n) for n, each in enumerate(self.mails, 1) if wanted in each]
            return [f"* SEARCH {' '.join(numbers)}\r\n".encode(), good]
        if found := re.fullmatch(r"UID FETCH ([\d,]+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            return [*self._fetched(found[1], int(found[2])), good]
        return [b"* BYE\r\n", good] if command == "LOGOUT" else [good]

    def _fetched(self, numbers: str, size: int) -> list[bytes]:
        parts = []
        for number in map(int, numbers.split(",")):
            raw = self.mails[number - 1][:size]
            head = f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode()
            parts.append(head + raw + b")\r\n")
        return parts

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve; gives host and port."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
