"""Servers on loopback that talk as Slack and as a mail server do, and do as a test tells them."""

import asyncio
import base64
import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from pydantic import JsonValue


@dataclass
class Web:
    """Answers every request alike; keeps what was asked."""

    status: int = 200
    body: bytes = b"ok"
    headers: str = ""
    asked: list[tuple[str, dict[str, str], JsonValue]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address, with a path as secret as a webhook's."""
        return f"http://127.0.0.1:{self.port}/services/T000/B000/hook-secret"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b"null"
        first, *lines = head.strip().split("\r\n")
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        self.asked.append((first, fields, json.loads(body)))
        size = len(self.body)
        head = f"HTTP/1.1 {self.status} X\r\n{self.headers}content-length: {size}\r\n\r\n"
        writer.write(head.encode() + self.body)
        await writer.drain()
        writer.close()


@dataclass
class Smtp:
    """
    A mail server that keeps what it took.

    *refuse* gives the reply to RCPT by address, *data* the reply to DATA's end; it hangs at the
    commands in *hangs_at*, hangs up at those in *drops_at*, and knows no users if *open_to_all*.
    With *tls* it offers STARTTLS, or speaks TLS at once if *implicit*.
    """

    data: str = "250 2.0.0 Ok: queued as 4711"
    refuse: dict[str, str] = field(default_factory=dict)
    auth: str = "235 in"
    hangs_at: tuple[str, ...] = ()
    drops_at: tuple[str, ...] = ()
    open_to_all: bool = False
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    port: int = 0
    heard: list[str] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "220 double")
        secure = self.implicit
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            word = line.split(" ")[0].upper()
            if word in self.hangs_at:
                await reader.read()
                return
            if word in self.drops_at:
                return
            if word == "EHLO":
                offered = ["STARTTLS"] if self.tls and not secure else []
                login = [] if self.open_to_all else ["AUTH PLAIN"]
                lines = ["double", *offered, *login, "8BITMIME"]
                told = [f"250-{each}" for each in lines[:-1]] + [f"250 {lines[-1]}"]
                await self._say(writer, "\r\n".join(told))
            elif word == "STARTTLS" and self.tls:
                await self._say(writer, "220 go ahead")
                await writer.start_tls(self.tls)
                secure = True
            elif word == "DATA":
                await self._take(reader, writer)
            elif word == "RCPT":
                address = line[line.index("<") + 1 : line.index(">")]
                await self._say(writer, self.refuse.get(address, "250 fine"))
                self.to += [] if address in self.refuse else [address]
            elif word == "QUIT":
                await self._say(writer, "221 bye")
                return
            else:
                await self._say(writer, self.auth if word == "AUTH" else "250 fine")

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "354 go on")
        raw = await reader.readuntil(b"\r\n.\r\n")
        mail = message_from_bytes(raw[:-3], policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        await self._say(writer, self.data)

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(f"{text}\r\n".encode())
        await writer.drain()


def login(user: str, password: str) -> str:
    """AUTH PLAIN as a client says it."""
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()


@asynccontextmanager
async def listening(double: Web | Smtp) -> AsyncIterator[None]:
    """Let *double* answer on a port that the system gives."""
    tls = double.tls if isinstance(double, Smtp) and double.implicit else None
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0, ssl=tls)
    double.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    file = folder / "double.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    name = ("-subj", "/CN=double", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(
        [*command.split(), *name, "-keyout", str(folder / "key"), "-out", str(folder / "cert")],
        check=True,
        capture_output=True,
    )
    file.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return file
