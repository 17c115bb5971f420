"""From a payment to a pass: one PostgreSQL transaction, whoever asks for it and how often."""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import uuid4

import asyncpg
from common.database import Database
from shop import orders, settlement
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
REVERSED = "reversed"
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
        return settled is None or paid.status in (*settlement.CAPTURED, REVERSED)

    async def event(self, event_id: int) -> None:
        """Do what a stored event asks for, and mark it as handled when that is done."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT event, reference, data FROM webhook_events"
                " WHERE id = $1 AND next_try_at IS NOT NULL",
                event_id,
            )
        if row is None:
            return
        if row["event"] == "charge.success":
            done = await self.reference(row["reference"], event=json.loads(row["data"]))
        else:
            done = await self._look_at_refunds(row["reference"])
        if done:
            async with self._database.connection() as connection:
                await connection.execute(
                    "UPDATE webhook_events SET next_try_at = NULL WHERE id = $1", event_id
                )

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
    """The pass, the new state and the receipt: all of them or none, and once."""
    order = await connection.fetchrow("SELECT * FROM orders WHERE id = $1 FOR UPDATE", order_id)
    if order is None or order["state"] != "paid":
        return
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
    await orders.move(connection, order_id, "fulfilled")
    product = PRODUCTS[order["product"]]
    await connection.execute(
        "INSERT INTO mails (message_id, recipient, subject, body, order_id)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        f"<receipt-{order['id']}@{MAIL_DOMAIN}>",
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
