"""Reads the shop by its own API: an address, a cursor, and JSON pointers to the fields."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import msgspec

from drill.payments import Effect, Grant, Order
from validators import moved
from validators.ledger.readers.base import S, Sight, at_pointer, read_rows, unseen
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import ApiLedger, ApiReader

ASK_LIMIT_S = 10.0
PAGES_LIMIT = 500
FIXED = "="


class ApiShop:
    """Follows each list's cursor to its end; nothing here is of one moment, and it says so."""

    def __init__(self, spec: ApiReader) -> None:
        self._spec = spec
        self._client = moved.client(
            spec.resolve,
            timeout_s=ASK_LIMIT_S,
            base_url=spec.url,
            headers={name: value.get_secret_value() for name, value in spec.headers.items()},
        )
        self._clock = ""
        self._source = f"the shop's API at {urlsplit(spec.url).hostname}"

    @property
    def sights(self) -> frozenset[Sight]:
        """Orders and grants always; effects where there is a list of them."""
        seen: set[Sight] = {"orders", "grants", "grant_count"}
        return frozenset(seen | ({"effects"} if self._spec.effects else set()))

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        """An API gives no single moment; two equal readings have to do."""
        yield

    async def clock(self) -> str:
        """What the last answer was dated."""
        return self._clock

    async def orders(self, run: str) -> Reading[Order]:
        """The list of orders."""
        return await self._reading(self._spec.orders, Order, run)

    async def grants(self, run: str) -> Reading[Grant]:
        """The list of grants."""
        return await self._reading(self._spec.grants, Grant, run)

    async def effects(self, run: str) -> Reading[Effect]:
        """The list of effects."""
        if not self._spec.effects:
            return unseen(self._source)
        return await self._reading(self._spec.effects, Effect, run)

    async def backlog(self) -> int | None:
        """No API tells it."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _reading(self, ledger: ApiLedger, kind: type[S], run: str) -> Reading[S]:
        cells: list[dict[str, object]] = []
        reason = ""
        try:
            await self._pages(ledger, run, cells)
        except Unread as error:
            reason = str(error)
        rows, bad = read_rows(cells, kind, self._spec.states)
        reason = reason or bad
        return Reading(
            rows=rows, complete=not reason, source=self._source, reason=reason, as_of=self._clock
        )

    async def _pages(self, ledger: ApiLedger, run: str, cells: list[dict[str, object]]) -> None:
        address = ledger.path.replace("{run}", run)
        given: dict[str, str] = {}
        been: set[str] = set()
        for _ in range(PAGES_LIMIT):
            body = await self._ask(address, given)
            found = at_pointer(body, ledger.rows)
            if not isinstance(found, list):
                raise Unread(f"{ledger.path}: there is no list at '{ledger.rows}'")
            cells += [_fields(row, ledger) for row in found]
            after = at_pointer(body, ledger.next) if ledger.next else None
            if after in {None, "", "null"}:
                return
            cursor = str(after)
            if cursor in been:
                raise Unread(f"{ledger.path}: the cursor leads in a circle")
            been.add(cursor)
            if cursor.startswith(("http://", "https://", "/")):
                address, given = self._own(cursor), {}
            else:
                given = {ledger.cursor: cursor}
        raise Unread(f"{ledger.path}: more than {PAGES_LIMIT} pages")

    def _own(self, address: str) -> str:
        """An address that the API gave; its key goes to no other host."""
        host = urlsplit(address).netloc
        if host and host != urlsplit(self._spec.url).netloc:
            raise Unread("the next page is on another host")
        return address

    async def _ask(self, address: str, given: dict[str, str]) -> object:
        try:
            answer = await self._client.get(address, params=given or None)
        except httpx.HTTPError as error:
            raise Unread(f"no answer ({type(error).__name__})") from None
        self._clock = answer.headers.get("date", "")
        if not answer.is_success:
            raise Unread(f"answered HTTP {answer.status_code}")
        try:
            body: object = msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            raise Unread("answered no JSON") from None
        return body


def _fields(row: object, ledger: ApiLedger) -> dict[str, object]:
    return {
        name: place[1:] if place.startswith(FIXED) else at_pointer(row, place)
        for name, place in ledger.fields.items()
    }
