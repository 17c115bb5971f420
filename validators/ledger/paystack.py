"""
Reads Paystack's own ledger, and never writes it.

Nothing is concluded from an HTTP number: an error is what its `code` says, a payment what its
`data.status` says, and whatever is no JSON is unread.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import anyio
import httpx

from drill.payments import Delivery, Refund, Transaction
from validators import moved
from validators.ledger import paystack_rows as wire
from validators.ledger.budget import Budget
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import PaystackLedger

ASK_LIMIT_S = 10.0
READ_LIMIT_S = 900.0
"""For one ledger: 300 verifications within a budget of 30 a minute take 600 s."""
TRIES = 3
PAUSE_S = 0.5
WAIT_LIMIT_S = 120.0
WAIT_UNTOLD_S = 60.0
PAGES_LIMIT = 500
PER_PAGE = 100
EVENTS_PER_PAGE = NEWEST = 50
CATCH_UPS = 10
REFUND_READINGS = 5
FAILURES_LIMIT = 5
NOT_THERE, TOO_MANY = 404, 429
NO_EVENTS_LOG = "Paystack keeps no log of its webhook events here"
T = TypeVar("T")


class _Refused(Unread):
    """No answer that can be read; *http* is the last number, for places that do not exist."""

    def __init__(self, text: str, http: int = 0) -> None:
        super().__init__(text)
        self.http = http


class Paystack:
    """A client of Paystack's API, for reading, within a budget of calls."""

    def __init__(self, spec: PaystackLedger) -> None:
        self._client = moved.client(
            spec.resolve,
            timeout_s=ASK_LIMIT_S,
            base_url=spec.url,
            headers={"authorization": f"Bearer {spec.key.get_secret_value()}"},
        )
        self._budget = Budget(spec.calls_a_minute)
        self._as_of = ""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def transactions(self) -> Reading[Transaction]:
        """The whole list, of every status."""
        rows: dict[int, Transaction] = {}
        return await self._reading("list", rows, lambda: self._list(rows))

    async def verify(self, references: Iterable[str]) -> Reading[Transaction]:
        """Every one of *references*, one by one; complete if each was answered, if only by no."""
        rows: dict[int, Transaction] = {}
        wanted = sorted(set(references))
        return await self._reading("verify", rows, lambda: self._verify(wanted, rows))

    async def refunds(self) -> Reading[Refund]:
        """All refunds, read until two readings are equal."""
        rows: dict[int, Refund] = {}
        return await self._reading("refunds", rows, lambda: self._refunds(rows))

    async def deliveries(self) -> Reading[Delivery]:
        """What became of every webhook event, from Paystack's own log of them."""
        rows: dict[str, Delivery] = {}
        return await self._reading("webhook events", rows, lambda: self._deliveries(rows))

    async def newest(self) -> Sequence[Transaction]:
        """
        The first page of the list, and no more.

        Raises:
            Unread: There was none.
        """
        answer = await self._ask("/transaction", {"use_cursor": "true", "perPage": NEWEST})
        return [wire.transaction(row) for row in answer.rows()]

    async def newest_refunds(self) -> Sequence[Refund]:
        """
        The first page of the refunds, and no more.

        Raises:
            Unread: There was none.
        """
        answer = await self._ask("/refund", {"perPage": NEWEST})
        return [wire.refund(row) for row in answer.rows()]

    async def _reading(
        self,
        what: str,
        rows: Mapping[int, T] | Mapping[str, T],
        work: Callable[[], Awaitable[None]],
    ) -> Reading[T]:
        reason = ""
        with anyio.move_on_after(READ_LIMIT_S) as scope:
            try:
                await work()
            except Unread as error:
                reason = str(error)
        if scope.cancelled_caught:
            reason = f"not read within {READ_LIMIT_S:g} s"
        return Reading(
            rows=tuple(rows.values()),
            complete=not reason,
            source=f"Paystack's API: {what}",
            reason=reason,
            as_of=self._as_of,
        )

    async def _list(self, rows: dict[int, Transaction]) -> None:
        """
        The list is newest first and moves while it is read.

        What moves goes to its top, where we have been. So the top is read again, down to a row
        that was in the top before and stayed: all that came since is above it. Once that is on
        the first page, which is of one moment, nothing is missing at that moment, however much
        keeps coming.
        """
        bad: list[str] = []
        pages = await self._from_top(rows, bad, ())
        for _ in range(CATCH_UPS):
            pages = await self._from_top(rows, bad, pages[0])
            if len(pages) == 1:
                return _refuse(bad)
        raise Unread("the list moved too fast to be read")

    async def _from_top(
        self, rows: dict[int, Transaction], bad: list[str], landmarks: Sequence[Transaction]
    ) -> list[Sequence[Transaction]]:
        """The pages down to one that holds a landmark as it was, or to the end."""
        pages: list[Sequence[Transaction]] = []
        given: dict[str, str | int] = {"use_cursor": "true", "perPage": PER_PAGE}

        def take(page: Sequence[wire.Raw]) -> bool:
            pages.append(wire.readable(page, wire.transaction, bad))
            rows.update((row.id, row) for row in pages[-1])
            return not any(row in landmarks for row in pages[-1])

        await self._pages("/transaction", given, take)
        return pages

    async def _verify(self, references: Sequence[str], rows: dict[int, Transaction]) -> None:
        failed: list[str] = []
        for reference in references:
            try:
                answer = await self._ask(f"/transaction/verify/{quote(reference, safe='')}", {})
            except Unread as error:
                failed.append(str(error))
                if len(failed) >= FAILURES_LIMIT:
                    break
                continue
            if answer.status:
                row = wire.transaction(answer.data)
                rows[row.id] = row
            elif not answer.says_unknown_reference:
                failed.append(answer.told)
        if failed:
            raise Unread(f"{len(failed)} references not verified, the last: {failed[-1]}")

    async def _refunds(self, rows: dict[int, Refund]) -> None:
        before: dict[int, Refund] | None = None
        for _ in range(REFUND_READINGS):
            now = await self._all_refunds(rows)
            if now == before:
                return
            before = now
        raise Unread(f"of {REFUND_READINGS} readings no two were equal")

    async def _all_refunds(self, seen: dict[int, Refund]) -> dict[int, Refund]:
        """By page numbers, which may be ignored: until a page brings nothing that is new."""
        rows: dict[int, Refund] = {}
        bad: list[str] = []
        for page in range(1, PAGES_LIMIT + 1):
            answer = await self._ask("/refund", {"perPage": PER_PAGE, "page": page})
            read = wire.readable(answer.rows(), wire.refund, bad)
            _refuse(bad)
            if {row.id for row in read} <= set(rows):
                return rows
            rows.update((row.id, row) for row in read)
            seen.update(rows)
        raise Unread(f"more than {PAGES_LIMIT} pages")

    async def _deliveries(self, rows: dict[str, Delivery]) -> None:
        bad: list[str] = []

        def take(page: Sequence[wire.Raw]) -> bool:
            rows.update((row.id, row) for row in wire.readable(page, wire.delivery, bad))
            return True

        try:
            await self._pages("/integration/webhooks/events", {"limit": EVENTS_PER_PAGE}, take)
        except _Refused as error:
            raise Unread(NO_EVENTS_LOG if error.http == NOT_THERE else str(error)) from None
        _refuse(bad)

    async def _pages(
        self, path: str, given: Mapping[str, str | int], take: Callable[[Sequence[wire.Raw]], bool]
    ) -> None:
        """Follow the cursor until there is none, or *take* wants no more; a page may be short."""
        cursor, been = "", set[str]()
        for _ in range(PAGES_LIMIT):
            answer = await self._ask(path, {**given, "next": cursor} if cursor else given)
            if not take(answer.rows()):
                return
            cursor = answer.cursor()
            if not cursor:
                return
            if cursor in been:
                raise Unread("the cursor leads in a circle")
            been.add(cursor)
        raise Unread(f"more than {PAGES_LIMIT} pages")

    async def _ask(self, path: str, given: Mapping[str, str | int]) -> wire.Envelope:
        """One answer that is JSON and final; the same question again while it is neither."""
        reason, http = "", 0
        for attempt in range(1, TRIES + 1):
            await self._budget.take()
            try:
                answer = await self._client.get(path, params=given)
            except httpx.HTTPError as error:
                reason, wait_s = f"no answer ({type(error).__name__})", PAUSE_S
            else:
                self._as_of, http = answer.headers.get("date", ""), answer.status_code
                envelope = wire.envelope(answer.content)
                if envelope and (envelope.status or envelope.final) and http != TOO_MANY:
                    return envelope
                kind = answer.headers.get("content-type", "something without a type")
                reason = envelope.told if envelope else f"answered {kind}, no JSON (HTTP {http})"
                wait_s = _wait_s(answer, envelope)
            if attempt == TRIES or http == NOT_THERE:
                break
            await anyio.sleep(wait_s)
        raise _Refused(f"{path.split('/')[1]}: {reason}", http)


def _refuse(bad: Sequence[str]) -> None:
    if bad:
        raise Unread(f"{len(bad)} rows cannot be read, the first: {bad[0]}")


def _wait_s(answer: httpx.Response, envelope: wire.Envelope | None) -> float:
    """How long to wait before the next try: as the headers say where calls are limited."""
    limited = answer.status_code == TOO_MANY or bool(envelope and envelope.code == "rate_limited")
    if not limited:
        return PAUSE_S
    told = answer.headers.get("x-ratelimit-reset") or answer.headers.get("retry-after") or ""
    return min(float(told), WAIT_LIMIT_S) if told.isdigit() else WAIT_UNTOLD_S
