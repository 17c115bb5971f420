"""All ledgers of one environment, read once: what of it is of this run, ready for the journal."""

import re
from collections.abc import Sequence

import anyio
import msgspec

from drill.payments import (
    Delivery,
    Effect,
    Grant,
    Ledger,
    LedgerRead,
    Order,
    Refund,
    Transaction,
)
from drill.redact import TAKEN, redact
from validators.ledger.own import Own, R, Row
from validators.ledger.paystack import NO_EVENTS_LOG, Paystack
from validators.ledger.question import Question
from validators.ledger.readers.base import ShopReader
from validators.ledger.readers.calls import CallCounter
from validators.ledger.readers.session import Sessions
from validators.ledger.reading import Reading

ADDRESS = re.compile(r"[^\s@'\"(<]+@[^\s@'\")>]+")


class _Shop(msgspec.Struct, frozen=True):
    """What the readers of the shop saw."""

    orders: Reading[Order] | None = None
    grants: Reading[Grant] | None = None
    effects: Reading[Effect] | None = None
    backlog: int | None = None
    as_of: str = ""
    at: float = 0.0


class Books:
    """
    Every ledger that this environment has.

    Args:
        paystack: Paystack's, if there is a key for it.

        shop: The shop's tables or its API.

        mailbox: Where receipts arrive; where there is no *shop*, what they prove has to do.

        sessions: The customers' own sessions.

        calls: Who counts the shop's calls to Paystack.
    """

    def __init__(
        self,
        paystack: Paystack | None = None,
        shop: ShopReader | None = None,
        mailbox: ShopReader | None = None,
        sessions: Sessions | None = None,
        calls: CallCounter | None = None,
    ) -> None:
        self._paystack = paystack
        self._shop = shop
        self._mailbox = mailbox
        self._sessions = sessions
        self._calls = calls
        self._tells_deliveries = True

    async def close(self) -> None:
        """Give back every connection."""
        for each in (self._paystack, self._shop, self._mailbox, self._sessions, self._calls):
            if each is not None:
                await each.close()

    async def sights(self) -> list[Ledger]:
        """The ledgers that can be read here; asks Paystack whether it keeps a log of events."""
        seen: list[Ledger] = []
        if self._paystack:
            log = await self._paystack.deliveries()
            self._tells_deliveries = log.reason != NO_EVENTS_LOG
            seen += ["paystack.list", "paystack.verify", "paystack.refunds"]
            seen += ["paystack.deliveries"] if self._tells_deliveries else []
        seen += ["shop.orders"] if self._can("orders") else []
        seen += ["shop.grants"] if self._can("grants") else []
        seen += ["shop.effects"] if self._can("effects") else []
        seen += ["shop.backlog"] if self._can("backlog") else []
        seen += ["shop.session"] if self._sessions else []
        seen += ["shop.calls"] if self._calls else []
        return seen

    async def read(self, question: Question) -> list[LedgerRead]:
        """
        Read every ledger once.

        Returns:
            A record a ledger, with the rows of this run. `t` is monotonic seconds of this boot;
            `round` is the caller's.
        """
        own = Own(question.intents, question.references, question.orders)
        paystack = self._paystack
        listed = _ended(await paystack.transactions()) if paystack else None
        shop = await self._read_shop(question.run)
        refunds = _ended(await paystack.refunds()) if paystack else None
        deliveries = _named(await self._deliveries(), listed, refunds)
        rows: list[Row] = []
        for reading in (listed, shop.orders, shop.grants, shop.effects, refunds, deliveries):
            rows += reading.rows if reading else ()
        own.learn(rows)
        verified = _ended(await paystack.verify(own.references)) if paystack else None
        records = [
            *_record("paystack.list", "transactions", listed, own),
            *_record("paystack.verify", "transactions", verified, own),
            *_record("paystack.refunds", "refunds", refunds, own),
            *_record("paystack.deliveries", "deliveries", deliveries, own),
            *_record("shop.orders", "orders", shop.orders, own),
            *_record("shop.grants", "grants", shop.grants, own),
            *_record("shop.effects", "effects", shop.effects, own),
        ]
        if self._can("backlog"):
            records.append(_backlog(shop))
        if self._sessions:
            records.append(await self._read_sessions(question))
        if self._calls:
            records.append(await self._calls.read())
        return records

    def _can(self, sight: str) -> bool:
        return any(sight in reader.sights for reader in (self._shop, self._mailbox) if reader)

    async def _deliveries(self) -> Reading[Delivery] | None:
        if self._paystack is None or not self._tells_deliveries:
            return None
        return _ended(await self._paystack.deliveries())

    async def _read_shop(self, run: str) -> _Shop:
        orders: Reading[Order] | None = None
        grants: Reading[Grant] | None = None
        seen: list[Reading[Effect]] = []
        backlog, as_of, at = None, "", anyio.current_time()
        if self._shop:
            async with self._shop.at_once():
                orders, grants = await self._shop.orders(run), await self._shop.grants(run)
                if "effects" in self._shop.sights:
                    seen.append(await self._shop.effects(run))
                backlog, as_of = await self._shop.backlog(), await self._shop.clock()
        if self._mailbox and "effects" in self._mailbox.sights:
            seen.append(await self._mailbox.effects(run))
            grants = grants or await self._mailbox.grants(run)
        effects = _together(seen)
        return _Shop(
            orders=orders and msgspec.structs.replace(orders, at=at),
            grants=grants and msgspec.structs.replace(grants, at=at),
            effects=effects and msgspec.structs.replace(effects, at=at),
            backlog=backlog,
            as_of=as_of,
            at=at,
        )

    async def _read_sessions(self, question: Question) -> LedgerRead:
        assert self._sessions  # noqa: S101 - the caller looked
        wanted = [
            (each.email, each.product) for each in question.intents if each.id in question.begun
        ]
        began = anyio.current_time()
        seen = await self._sessions.usable(wanted)
        return LedgerRead(
            t=began,
            ledger="shop.session",
            round=0,
            complete=seen.complete,
            source=seen.source,
            reason=_safe(seen.reason),
            usable=list(seen.rows),
        )


def _record(ledger: Ledger, field: str, reading: Reading[R] | None, own: Own) -> list[LedgerRead]:
    """The record of a reading; none of a ledger that is not there."""
    if reading is None:
        return []
    ours, others = own.kept(reading.rows)
    record = LedgerRead(
        t=reading.at,
        ledger=ledger,
        round=0,
        complete=reading.complete,
        source=reading.source,
        reason=_safe(reading.reason),
        as_of=reading.as_of,
        background=others,
    )
    return [msgspec.structs.replace(record, **{field: ours})]


def _ended(reading: Reading[R]) -> Reading[R]:
    """A reading that has just come to its end."""
    return msgspec.structs.replace(reading, at=anyio.current_time())


def _safe(reason: str) -> str:
    """A reason as it may be kept: a server's words can hold a key, or a row's address."""
    return ADDRESS.sub(TAKEN, redact(" ".join(reason.split())))


def _backlog(shop: _Shop) -> LedgerRead:
    known = shop.backlog is not None
    return LedgerRead(
        t=shop.at,
        ledger="shop.backlog",
        round=0,
        complete=known,
        source=shop.orders.source if shop.orders else "the shop",
        reason="" if known else "the shop's backlog could not be counted",
        as_of=shop.as_of,
        backlog=shop.backlog,
    )


def _together(readings: Sequence[Reading[Effect]]) -> Reading[Effect] | None:
    """Effects of several readers: the same one, told by two, is one."""
    if not readings:
        return None
    rows = {(row.kind, row.key): row for reading in readings for row in reading.rows}
    return Reading(
        rows=tuple(rows.values()),
        complete=all(reading.complete for reading in readings),
        source=" and ".join(reading.source for reading in readings),
        reason="; ".join(reading.reason for reading in readings if reading.reason),
        as_of=readings[0].as_of,
    )


def _named(
    deliveries: Reading[Delivery] | None,
    listed: Reading[Transaction] | None,
    refunds: Reading[Refund] | None,
) -> Reading[Delivery] | None:
    """Deliveries with references where the log has only the numbers of transactions or refunds."""
    if deliveries is None or listed is None or refunds is None:
        return deliveries
    names = {f"#{row.id}": row.reference for row in refunds.rows if row.reference}
    names |= {f"#{row.id}": row.reference for row in listed.rows}
    rows = tuple(
        msgspec.structs.replace(row, reference=names.get(row.reference, row.reference))
        for row in deliveries.rows
    )
    return msgspec.structs.replace(deliveries, rows=rows)
