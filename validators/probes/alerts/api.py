"""Asking a monitoring system by HTTP: bounded in time and size, no proxy, no redirect."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
import httpx
import msgspec

from drill.incident import Source
from validators.probes.alerts.base import AlertReading, Unreadable

LOOK_LIMIT_S = 2.0
"""One look, all its requests together."""
BODY_LIMIT = 16 * 1024 * 1024
T = TypeVar("T")
Params = Sequence[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True):
    """A whole answer; *link* is its Link header."""

    status: int
    body: bytes
    link: str = ""


class Api:
    """
    One system's HTTP interface.

    Args:
        base: Its address; what follows a `/` at its end is kept, user and password are used and
            never shown.

        token: For `Authorization: Bearer`, empty for none.
    """

    def __init__(self, base: str, token: str = "") -> None:
        self._base = base.rstrip("/")
        self.shown = _shown(base)
        # A connection for each request: one kept alive would fail once after each restart.
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - the look has one limit for everything
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def __repr__(self) -> str:
        return f"Api({self.shown})"

    async def ask(self, path: str, params: Params = ()) -> Answer:
        """
        Send one GET; the limit is the caller's.

        Raises:
            Unreadable: There was no whole answer.
        """
        body = bytearray()
        given = httpx.QueryParams(list(params)) if params else None
        try:
            async with self._client.stream("GET", self._base + path, params=given) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        raise Unreadable(f"answered with more than {BODY_LIMIT >> 20} MB")
                return Answer(response.status_code, bytes(body), response.headers.get("link", ""))
        except httpx.ConnectError:
            raise Unreadable("no connection") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise Unreadable("its address is none") from None
        except httpx.HTTPError as error:
            raise Unreadable(f"no whole answer ({type(error).__name__})") from None

    async def get(self, path: str, params: Params = ()) -> Answer:
        """As `ask`, and anything but a 200 is `Unreadable` too."""
        answer = await self.ask(path, params)
        if answer.status != httpx.codes.OK:
            raise Unreadable(f"answered {answer.status}")
        return answer

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _shown(base: str) -> str:
    try:
        parts = urlsplit(base)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is none"
    return f"{parts.hostname or ''}{port}"


class HttpSource(ABC):
    """What all sources share: one interface, and one limit for a whole look."""

    name: str
    source: Source
    resolution_s: float

    def __init__(self, api: Api) -> None:
        self.api = api

    async def look(self) -> Sequence[AlertReading]:
        """Every step known now; raises Unreadable, see `AlertSource`."""
        try:
            with anyio.fail_after(LOOK_LIMIT_S):
                return await self.read()
        except TimeoutError:
            raise Unreadable(f"no answer within {LOOK_LIMIT_S:g} s") from None

    @abstractmethod
    async def read(self) -> Sequence[AlertReading]:
        """The look itself, without its limit."""

    async def close(self) -> None:
        """Close what is open."""
        await self.api.close()


def decode(body: bytes, kind: type[T]) -> T:
    """
    Read JSON of a known shape; fields that are not asked for are left out.

    Raises:
        Unreadable: It is no JSON or of another shape; says where, never what.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        where = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "the whole"
        raise Unreadable(f"answered in another shape, at {where}") from None


def wall_time(text: str) -> float | None:
    """
    Read a time such as `2026-11-24T00:00:21.73091461Z`.

    Returns:
        Seconds since 1970; None for Go's zero time, which stands for "not yet".

    Raises:
        Unreadable: It is no time, or has no time zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        seconds = moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        raise Unreadable("told a time that is none") from None
    if seconds is None:
        raise Unreadable("told a time without its zone")
    return seconds if seconds > 0 else None
