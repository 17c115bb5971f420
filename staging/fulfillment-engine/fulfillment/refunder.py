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
from shop import bugs, orders
from shop.paystack_api import PaystackApi, PaystackRefused, PaystackUnavailable, Refund

log = logging.getLogger(__name__)

EVERY_S = 1.0
CALL_LIMIT_S = 3.0
BATCH = 5
LONGEST_PAUSE_S = 60.0
# Asked for, and no answer came: Paystack's list is looked at that long before asking once more.
ASK_AGAIN_AFTER_S = 30.0
ALL_WENT_BACK = "transaction_reversed"
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
                    " SELECT due.*, a.transaction_id, due.asked_at IS NULL"
                    " OR due.asked_at < now() - make_interval(secs => $3) AS may_ask FROM due"
                    " JOIN attempts a USING (reference) ORDER BY due.created_at",
                    LONGEST_PAUSE_S,
                    BATCH,
                    ASK_AGAIN_AFTER_S,
                )
            )

    async def _carry_out(self, row: asyncpg.Record) -> None:
        again = row["state"] == "requested" and bugs.planted("refund_sent_again")
        there = None if again else await self._find(row)
        if there is None and row["state"] == "requested" and (row["may_ask"] or again):
            await self._note_asked(row)
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

    async def _note_asked(self, row: asyncpg.Record) -> None:
        """Before asking, as we may die before the answer."""
        async with self._database.connection() as connection:
            await connection.execute("UPDATE refunds SET asked_at = now() WHERE id = $1", row["id"])

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
            if row["reason"] != "asked":
                return
            if state == "processed" and await _all_is_back(connection, row["order_id"]):
                await orders.move(connection, row["order_id"], "refunded")
                await _revoke(connection, row["order_id"])
            elif state == "failed":
                await _keep(connection, row["order_id"])
            elif bugs.planted("partial_refund_revokes"):
                await _revoke(connection, row["order_id"])

    async def _refused(self, row: asyncpg.Record, error: PaystackRefused) -> None:
        log.error("refund %s of %s refused: %s", row["id"], row["reference"], error)
        if error.code == ALL_WENT_BACK:
            return  # ours, and not in the list yet: it is looked for again
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE refunds SET state = 'failed' WHERE id = $1", row["id"])
            if row["reason"] == "asked":
                await _keep(connection, row["order_id"])


async def _all_is_back(connection: asyncpg.Connection, order_id: str) -> bool:
    """Whether the whole order is refunded: its last refund says so, not its first."""
    return bool(
        await connection.fetchval(
            "SELECT state = 'refunding' AND amount <= (SELECT coalesce(sum(r.amount), 0)"
            " FROM refunds r WHERE r.reference = o.paid_reference AND r.state = 'processed')"
            " FROM orders o WHERE id = $1 FOR UPDATE",
            order_id,
        )
    )


async def _revoke(connection: asyncpg.Connection, order_id: str) -> None:
    await connection.execute(
        "UPDATE grants SET revoked_at = now() WHERE order_id = $1 AND revoked_at IS NULL", order_id
    )


async def _keep(connection: asyncpg.Connection, order_id: str) -> None:
    """A refund that failed leaves what was bought, or what is still to be granted."""
    order = await connection.fetchrow(
        "SELECT state, EXISTS (SELECT FROM grants WHERE order_id = o.id AND revoked_at IS NULL)"
        " AS granted FROM orders o WHERE id = $1 FOR UPDATE",
        order_id,
    )
    if order["state"] == "refunding":
        await orders.move(connection, order_id, "fulfilled" if order["granted"] else "paid")
