"""From a payment to a pass: one PostgreSQL transaction, whoever asks for it and how often."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from uuid import uuid4

import asyncpg
from common.database import Database
from shop import bugs, orders, settlement
from shop.paystack_api import (
    PaystackApi,
    PaystackRefused,
    PaystackUnavailable,
    Transaction,
    transaction_of,
)
from shop.products import PRODUCTS, money

log = logging.getLogger(__name__)

VERIFY_LIMIT_S = 2.0
# Of an attempt with which Paystack is done: nothing new can be said of its money.
SETTLED = ("success", "refused")
# Of a planted bug: how long a busy database takes between two statements.
GAP_S = 0.15
MAIL_DOMAIN = "vauntico.test"


class Fulfilment:
    """Verifies payments and grants what they pay for."""

    def __init__(self, database: Database, paystack: PaystackApi) -> None:
        self._database = database
        self._paystack = paystack

    async def order(self, order_id: str) -> None:
        """Grant a paid order. Nothing happens if it is not paid, or granted already."""
        async with self._database.transaction() as connection:
            await _grant(connection, order_id)

    async def reference(self, reference: str, *, event: dict[str, Any] | None = None) -> bool:
        """
        Verify a reference and do what follows from it.

        A signed event says what Paystack would say; it is believed only while Paystack itself
        cannot be asked.

        Returns:
            Whether the reference is done with, so that nobody need look again for this event.

        Raises:
            PaystackUnavailable: if there is neither an answer nor an event.
        """
        if event and bugs.planted("no_signature_check", "other_domain_fulfils"):
            return await self.apply(reference, transaction_of(event))
        try:
            paid = await self._paystack.verify(reference, deadline_s=VERIFY_LIMIT_S)
        except (PaystackUnavailable, PaystackRefused) as error:
            if event is None:
                raise
            log.warning("reference %s: going by the signed event: %s", reference, error)
            paid = transaction_of(event)
        return await self.apply(reference, paid)

    async def apply(self, reference: str, paid: Transaction) -> bool:
        """Settle and grant in one transaction."""
        async with self._database.transaction() as connection:
            settled = await settlement.settle(connection, reference, paid)
            if settled and settled.state == "paid":
                await _grant(connection, settled.order_id)
        # An unknown reference is nobody's; a payment under way will be looked at again.
        return settled is None or paid.status in (*settlement.CAPTURED, settlement.REVERSED)

    async def event(self, event_id: int) -> None:
        """Do what a stored event asks for, and mark it as handled when that is done."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT e.event, e.reference, e.data, a.state AS attempt, a.order_id"
                " FROM webhook_events e LEFT JOIN attempts a USING (reference)"
                " WHERE e.id = $1 AND (e.next_try_at IS NOT NULL OR $2)",
                event_id,
                bugs.planted("seen_before_done"),
            )
        if row is None:
            return
        if bugs.planted("job_acknowledged_first"):
            await self._handled(event_id)
        if await self._do(row):
            await self._handled(event_id)

    async def _do(self, row: asyncpg.Record) -> bool:
        """What an event asks for; whether that is done."""
        if row["attempt"] is None:
            return True  # nobody's: every reference of ours is stored before Paystack hears of it
        if row["event"] != "charge.success":
            return await self._look_at_refunds(row["reference"])
        if row["attempt"] in SETTLED:
            await self.order(row["order_id"])  # somebody was faster: Paystack need not be asked
            done = True
        else:
            done = await self.reference(row["reference"], event=json.loads(row["data"]))
        if bugs.planted("no_dedupe"):
            await self._grant_every_event(row["reference"], row["order_id"])
        return done

    async def _handled(self, event_id: int) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE webhook_events SET next_try_at = NULL WHERE id = $1", event_id
            )

    async def _grant_every_event(self, reference: str, order_id: str) -> None:
        """The bug `no_dedupe`: as many passes as events."""
        async with self._database.transaction() as connection:
            order = await connection.fetchrow(
                "SELECT * FROM orders WHERE id = $1 FOR UPDATE", order_id
            )
            missing = await connection.fetchval(
                "SELECT (SELECT count(*) FROM webhook_events WHERE reference = $1 AND event ="
                " 'charge.success') - (SELECT count(*) FROM grants WHERE reference = $1)",
                reference,
            )
            for _ in range(missing if order["state"] == "fulfilled" else 0):
                await _insert_grant(connection, order)

    async def effects_again(self, job: dict[str, Any]) -> None:
        """The bug `effects_on_redo`: what a job led to happens again, but for the pass."""
        async with self._database.transaction() as connection:
            order = await connection.fetchrow(
                "SELECT * FROM orders WHERE state = 'fulfilled' AND (id = $1 OR paid_reference ="
                " (SELECT reference FROM webhook_events WHERE id = $2))",
                job.get("order_id"),
                job.get("event_id"),
            )
            if order:
                await _effects(connection, order, f"{order['id']}-{uuid4().hex[:8]}")

    async def _look_at_refunds(self, reference: str) -> bool:
        """A refund moved on: the refunder shall ask Paystack about it now."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE refunds SET next_try_at = now() WHERE reference = $1"
                " AND state IN ('requested', 'accepted')",
                reference,
            )
        return True


async def _grant(connection: asyncpg.Connection, order_id: str) -> None:
    """The pass, the new state and its effects: all of them or none, and once."""
    racing = bugs.planted("select_then_insert")
    lock = "" if racing else "FOR UPDATE"
    order = await connection.fetchrow(f"SELECT * FROM orders WHERE id = $1 {lock}", order_id)
    if order is None or order["state"] != "paid":
        return
    if racing:
        await asyncio.sleep(GAP_S)
    await _insert_grant(connection, order)
    await orders.move(connection, order_id, "fulfilled")
    await _effects(connection, order, order_id)


async def _insert_grant(connection: asyncpg.Connection, order: asyncpg.Record) -> None:
    await connection.execute(
        "INSERT INTO grants (id, order_id, account_id, product, once_only, quantity, reference)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        uuid4(),
        order["id"],
        order["account_id"],
        order["product"],
        order["once_only"],
        order["quantity"],
        order["paid_reference"],
    )


async def _effects(connection: asyncpg.Connection, order: asyncpg.Record, key: str) -> None:
    """What a grant brings about: the stock's movement, and the receipt in the mail outbox."""
    await connection.execute(
        "INSERT INTO stock_movements (id, order_id, product, quantity) VALUES ($1, $2, $3, $4)",
        uuid4(),
        order["id"],
        order["product"],
        order["quantity"],
    )
    product = PRODUCTS[order["product"]]
    await connection.execute(
        "INSERT INTO mails (message_id, recipient, subject, body, order_id)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        f"<receipt-{key}@{MAIL_DOMAIN}>",
        order["email"],
        f"Your receipt for {product.title}",
        RECEIPT.format(
            title=product.title,
            amount=money(order["amount"], order["currency"]),
            order=order["id"],
            reference=order["paid_reference"],
        ),
        order["id"],
    )


RECEIPT = """\
Thank you.

{title}: {amount}

Order {order}
Payment {reference}

It is on your dashboard, and yours to keep.
Vauntico
"""
