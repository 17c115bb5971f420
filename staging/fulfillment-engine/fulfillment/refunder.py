"""
Carries refunds out, each once.

Asking Paystack for a refund is not idempotent and its answer can get lost, so every try begins
with Paystack's own list of what was refunded already.
"""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from common.database import Database, DatabaseUnavailable
from shop import orders
from shop.paystack_api import PaystackApi, PaystackRefused, PaystackUnavailable, Refund

log = logging.getLogger(__name__)

EVERY_S = 1.0
CALL_LIMIT_S = 3.0
BATCH = 5
LONGEST_PAUSE_S = 60.0
FINAL = {"processed": "processed", "failed": "failed"}


class Refunder:
    """Looks every second for refunds that are due."""

    def __init__(self, database: Database, paystack: PaystackApi) -> None:
        self._database = database
        self._paystack = paystack

    async def run(self) -> None:
        """Look; for ever, in the background."""
        while True:
            try:
                for row in await self._due():
                    await self._carry_out(row)
            except DatabaseUnavailable as error:
                log.warning("refunds wait for PostgreSQL: %s", error)
            except PaystackUnavailable as error:
                log.warning("refunds wait for Paystack: %s", error)
            await asyncio.sleep(EVERY_S)

    async def _due(self) -> list[asyncpg.Record]:
        """Refunds to look at now; taking one puts its next look off."""
        async with self._database.connection() as connection:
            return list(
                await connection.fetch(
                    "WITH due AS (UPDATE refunds SET tries = tries + 1, next_try_at = now()"
                    " + make_interval(secs => least($1, 2.0 ^ least(tries + 1, 10)))"
                    " WHERE id IN (SELECT id FROM refunds WHERE next_try_at <= now()"
                    " AND state IN ('requested', 'accepted') ORDER BY created_at LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING *)"
                    " SELECT due.*, a.transaction_id FROM due"
                    " JOIN attempts a USING (reference) ORDER BY due.created_at",
                    LONGEST_PAUSE_S,
                    BATCH,
                )
            )

    async def _carry_out(self, row: asyncpg.Record) -> None:
        there = await self._find(row)
        if there is None and row["state"] == "requested":
            try:
                await self._paystack.refund(
                    row["transaction_id"], row["amount"], deadline_s=CALL_LIMIT_S
                )
            except PaystackRefused as error:
                await self._refused(row, error)
                return
            there = await self._find(row)
        if there is not None:
            await self._record(row, there)

    async def _find(self, row: asyncpg.Record) -> Refund | None:
        """This refund in Paystack's list: of its amount, and not one of our other rows."""
        listed = await self._paystack.refunds(row["transaction_id"], deadline_s=CALL_LIMIT_S)
        async with self._database.connection() as connection:
            taken = await connection.fetch(
                "SELECT paystack_id FROM refunds WHERE reference = $1 AND id <> $2"
                " AND paystack_id IS NOT NULL",
                row["reference"],
                row["id"],
            )
        others = {other["paystack_id"] for other in taken}
        for refund in listed:
            mine = row["paystack_id"] in (None, refund.id)
            if mine and refund.amount == row["amount"] and refund.id not in others:
                return refund
        return None

    async def _record(self, row: asyncpg.Record, refund: Refund) -> None:
        """Note what Paystack says; an order is refunded only when the money is really back."""
        state = FINAL.get(refund.status, "accepted")
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE refunds SET state = $2, paystack_id = $3 WHERE id = $1",
                row["id"],
                state,
                refund.id,
            )
            if row["reason"] == "asked" and state == "processed":
                if await orders.move(connection, row["order_id"], "refunded"):
                    await connection.execute(
                        "UPDATE grants SET revoked_at = now() WHERE order_id = $1"
                        " AND revoked_at IS NULL",
                        row["order_id"],
                    )
            elif row["reason"] == "asked" and state == "failed":
                await orders.move(connection, row["order_id"], "fulfilled")

    async def _refused(self, row: asyncpg.Record, error: PaystackRefused) -> None:
        log.error("refund %s of %s refused: %s", row["id"], row["reference"], error)
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE refunds SET state = 'failed' WHERE id = $1", row["id"])
            if row["reason"] == "asked":
                await orders.move(connection, row["order_id"], "fulfilled")
