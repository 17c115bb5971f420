"""
One request on a connection of its own, and no more than that.

By httpcore, the transport below httpx: no redirects, no retries, no proxies and no cookies, so that
what came is what is judged, and half the processor time of the full client, which at 300 requests a
second beside staging decides whether the schedule is kept.
"""

import json
import ssl
from functools import cache

import httpcore
import msgspec
from pydantic import JsonValue

from drill.errors import BadInput

BODY_LIMIT = 4 * 1024 * 1024


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
    fields = {"Accept": "*/*", "User-Agent": "vauntico-drills", "Connection": "close", **headers}
    content = None
    if body is not None:
        content = json.dumps(body).encode()
        fields["Content-Type"] = "application/json"
        fields["Content-Length"] = str(len(content))
    try:
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields.items()]
    except UnicodeEncodeError as error:
        raise BadInput("a probe's header holds a letter HTTP has no place for") from error
    try:
        # A connection of its own: a stale one kept alive would fail once after each restart.
        async with httpcore.AsyncConnectionPool(
            ssl_context=_trust() if url.startswith("https:") else None,
            max_connections=1,
            max_keepalive_connections=0,
        ) as pool:
            return await _ask(pool, method, url, raw, content)
    except httpcore.LocalProtocolError as error:
        raise BadInput(f"a probe's request is no HTTP: {error}") from error
    except httpcore.RemoteProtocolError as error:
        told = str(error)
        cut = "closed" in told or "disconnected" in told or "incomplete" in told
        what = "closed without a whole answer" if cut else "an answer that is not HTTP"
        raise NoAnswer(what) from error
    except httpcore.ConnectError as error:
        tls = isinstance(error.__context__, ssl.SSLError) or "SSL" in str(error)
        raise NoAnswer("no trusted TLS connection" if tls else "no connection") from error
    except (httpcore.NetworkError, httpcore.TimeoutException) as error:
        raise NoAnswer("the connection broke") from error


async def _ask(
    pool: httpcore.AsyncConnectionPool,
    method: str,
    url: str,
    headers: list[tuple[bytes, bytes]],
    content: bytes | None,
) -> Answer:
    body = bytearray()
    asked = pool.stream(method, url.encode("ascii", "replace"), headers=headers, content=content)
    async with asked as response:
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise NoAnswer("an answer of more than 4 MB")
        return Answer(response.status, bytes(body))


@cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, read once as it takes 20 ms."""
    return ssl.create_default_context()
