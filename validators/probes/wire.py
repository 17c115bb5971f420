"""
One HTTP/1.1 request on a connection of its own, and no more than that.

A general client costs two to three times the processor for it, which at 300 requests a second
beside staging decides whether the schedule is kept. No redirects, no compression, no retries, no
proxies: what came is what is judged.
"""

import json
import ssl
from functools import cache
from urllib.parse import urlsplit

import anyio
import anyio.abc
import msgspec
from pydantic import JsonValue

from drill.errors import BadInput

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 4 * 1024 * 1024
PORTS = {"http": 80, "https": 443}
NO_BODY = (204, 304)


class NoAnswer(Exception):
    """There was no whole answer; the message says what happened in a few words."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer: its status, and its body as it came."""

    status: int
    body: bytes

    def json(self) -> JsonValue:
        """The body as JSON; None if it is none."""
        try:
            value: JsonValue = json.loads(self.body)
        except ValueError:
            return None
        return value


async def request(method: str, url: str, headers: dict[str, str], body: JsonValue = None) -> Answer:
    """
    Send one request and read the whole answer; the deadline is the caller's.

    Raises:
        NoAnswer: There was no connection, or it ended before the answer did.

        BadInput: The address or a header cannot be sent.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or PORTS[parts.scheme]
    sent = _bytes_of(method, url, headers, body)
    stream = await _connect(host, port, tls=parts.scheme == "https")
    try:
        await stream.send(sent)
        return await _read(stream, has_body=method != "HEAD")
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise NoAnswer("the connection broke") from error
    finally:
        # Nobody waits for the other side's farewell.
        await anyio.aclose_forcefully(stream)


async def _connect(host: str, port: int, *, tls: bool) -> anyio.abc.ByteStream:
    try:
        if not tls:
            return await anyio.connect_tcp(host, port)
        return await anyio.connect_tcp(
            host, port, ssl_context=_trust(), tls_hostname=host, tls_standard_compatible=False
        )
    except ssl.SSLError as error:
        raise NoAnswer("no trusted TLS connection") from error
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise NoAnswer("no connection") from error


@cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, read once as it takes 20 ms."""
    return ssl.create_default_context()


def _bytes_of(method: str, url: str, headers: dict[str, str], body: JsonValue) -> bytes:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {
        "Host": parts.netloc.rpartition("@")[2],
        "Accept": "*/*",
        "User-Agent": "vauntico-drills",
        "Connection": "close",
    }
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {**fields, **headers}.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise BadInput("a probe's address or header holds a line break")
    try:
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content
    except UnicodeEncodeError as error:
        raise BadInput(
            "a probe's address or header holds a letter HTTP has no place for"
        ) from error


class _Reader:
    """What came so far, and more when it is needed."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        self._came = bytearray()

    async def until(self, mark: bytes) -> bytes:
        while (at := self._came.find(mark)) < 0:
            if len(self._came) > HEAD_LIMIT:
                raise NoAnswer("an answer that is not HTTP")
            self._came += await self._more()
        found = bytes(self._came[:at])
        del self._came[: at + len(mark)]
        return found

    async def exactly(self, count: int) -> bytes:
        if count > BODY_LIMIT:
            raise NoAnswer("an answer of more than 4 MB")
        while len(self._came) < count:
            self._came += await self._more()
        found = bytes(self._came[:count])
        del self._came[:count]
        return found

    async def rest(self) -> bytes:
        try:
            while len(self._came) <= BODY_LIMIT:
                self._came += await self._stream.receive()
        except anyio.EndOfStream:
            return bytes(self._came)
        raise NoAnswer("an answer of more than 4 MB")

    async def _more(self) -> bytes:
        try:
            return await self._stream.receive()
        except anyio.EndOfStream as error:
            raise NoAnswer("closed without a whole answer") from error


async def _read(stream: anyio.abc.ByteStream, *, has_body: bool) -> Answer:
    reader = _Reader(stream)
    try:
        status, fields = _head(await reader.until(b"\r\n\r\n"))
        while status < 200:  # noqa: PLR2004 - interim answers, the real one follows
            status, fields = _head(await reader.until(b"\r\n\r\n"))
        if not has_body or status in NO_BODY:
            return Answer(status, b"")
        if fields.get("transfer-encoding", "").lower().endswith("chunked"):
            return Answer(status, await _chunks(reader))
        if "content-length" in fields:
            return Answer(status, await reader.exactly(int(fields["content-length"])))
    except ValueError as error:
        raise NoAnswer("an answer that is not HTTP") from error
    return Answer(status, await reader.rest())


def _head(text: bytes) -> tuple[int, dict[str, str]]:
    """Status and fields, names in lower case; ValueError if it is no HTTP."""
    first, *lines = text.decode("latin-1").split("\r\n")
    version, _, after = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    pairs = (line.partition(":") for line in lines)
    return int(after[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _chunks(reader: _Reader) -> bytes:
    body = b""
    while size := int((await reader.until(b"\r\n")).partition(b";")[0], 16):
        if size < 0 or len(body) + size > BODY_LIMIT:
            raise NoAnswer("an answer of more than 4 MB")
        body += (await reader.exactly(size + 2))[:size]
    return body
