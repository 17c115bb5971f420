"""
Finds what was lost on the way: payments nobody told us of, events and jobs that went missing.

Every look at Paystack is paced: each reference less and less often, and all of them together
within a budget, as the rate limit is shared with customers who are paying.
"""

from __future__ import annotations

import asyncio
import logging
import time

import asyncpg
from common.database import Database, DatabaseUnavailable
from shop import bugs, orders
from shop.paystack_api import PaystackRefused, PaystackUnavailable, ReferenceUnknown

from fulfillment.fulfil import Fulfilment

log = logging.getLogger(__name__)

EVERY_S = 2.0
OLDER_THAN_S = 3.0
# A reference is looked at again after a quarter of its age: often while its customer may be at
# it, and some forty times in all.
PAUSE_SHARE, SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0, 1_800.0
LONGEST_EVENT_PAUSE_S = 60.0
# Nobody knows: the others' turn first, and soon this one's again.
UNANSWERED_PAUSE_S = 4.0
AT_ONCE = 5
BATCH = 20
BUDGET_CALLS = 50.0
# After that long, a reference that was never paid is left to its webhook alone.
LOOKED_AT_FOR_H = 26


class Budget:
    """A token bucket: so many calls at once, so many a second afterwards."""

    def __init__(self, calls: float, per_s: float) -> None:
        self._limit, self._per_s = calls, per_s
        self._left, self._at = calls, time.monotonic()

    def take(self) -> bool:
        """Whether one more call is within the budget."""
        if bugs.planted("polling_without_budget"):
            return True
        now = time.monotonic()
        self._left = min(self._limit, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Reconciler:
    """Looks every two seconds."""

    def __init__(
        self,
        database: Database,
        fulfilment: Fulfilment,
        *,
        order_expires_s: float,
        calls_per_s: float,
    ) -> None:
        self._database = database
        self._fulfilment = fulfilment
        self._order_expires_s = order_expires_s
        self._budget = Budget(BUDGET_CALLS, calls_per_s)

    async def run(self) -> None:
        """Look; for ever, in the background."""
        while True:
            try:
                await self._paid_orders()
                await self._events()
                await self._attempts()
                await self._expire()
            except DatabaseUnavailable as error:
                log.warning("reconciling waits for PostgreSQL: %s", error)
            await asyncio.sleep(1.0 if bugs.planted("polling_without_budget") else EVERY_S)

    async def _paid_orders(self) -> None:
        """Paid, but the job did not come."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM orders WHERE state = 'paid'"
                " AND changed_at < now() - make_interval(secs => $1) LIMIT $2",
                OLDER_THAN_S,
                BATCH,
            )
        for row in rows:
            try:
                await self._fulfilment.order(row["id"])
            except asyncpg.PostgresError:
                # One that cannot be granted must not hold up the others.
                log.exception("order %s is paid and cannot be granted", row["id"])

    async def _events(self) -> None:
        """Stored, but the job did not come, or Paystack could not be asked."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "UPDATE webhook_events SET tries = tries + 1, next_try_at ="
                " now() + make_interval(secs => least($1, 2.0 ^ least(tries + 1, 10)))"
                " WHERE id IN (SELECT id FROM webhook_events WHERE next_try_at <= now()"
                " ORDER BY next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
                LONGEST_EVENT_PAUSE_S,
                BATCH,
            )
        for row in rows:
            if not self._budget.take():
                return
            try:
                await self._fulfilment.event(row["id"])
            except PaystackUnavailable as error:
                log.info("event %s waits: %s", row["id"], error)

    async def _attempts(self) -> None:
        """Every reference we sent and do not know the end of: the customer may have paid."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT reference FROM attempts WHERE next_check_at <= now()"
                " ORDER BY next_check_at LIMIT $1",
                BATCH,
            )
        for first in range(0, len(rows), AT_ONCE):
            few = [row for row in rows[first : first + AT_ONCE] if self._budget.take()]
            reachable = await asyncio.gather(*(self._attempt(row["reference"]) for row in few))
            if not few or not all(reachable):
                return

    async def _attempt(self, reference: str) -> bool:
        """
        Look at one reference.

        Returns:
            Whether Paystack can be asked about the next one as well.
        """
        reachable = True
        try:
            await self._fulfilment.reference(reference)
        except ReferenceUnknown:
            await self._lost(reference)
        except (PaystackUnavailable, PaystackRefused) as error:
            # 429, 5xx, HTML, a time-out or a refused key: nothing is known, nothing is decided.
            log.info("reference %s stays as it is: %s", reference, error)
            reachable = False
        await self._check_later(reference, reachable=reachable)
        return reachable

    async def _check_later(self, reference: str, *, reachable: bool) -> None:
        if bugs.planted("polling_without_budget"):
            share, shortest_s = 0.0, 1.0
        else:
            share, shortest_s = PAUSE_SHARE, SHORTEST_PAUSE_S
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE attempts SET checks = checks + 1, next_check_at ="
                " CASE WHEN NOT $6 THEN now() + make_interval(secs => $7)"
                " WHEN created_at < now() - make_interval(hours => $2) THEN NULL"
                " ELSE now() + make_interval(secs => least($5, greatest($4,"
                " $3::float8 * extract(epoch FROM now() - created_at)::float8))) END"
                " WHERE reference = $1 AND next_check_at IS NOT NULL",
                reference,
                LOOKED_AT_FOR_H,
                share,
                shortest_s,
                LONGEST_PAUSE_S,
                reachable,
                UNANSWERED_PAUSE_S,
            )

    async def _lost(self, reference: str) -> None:
        """Paystack never heard of it: a crash came between our storing and our sending."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE attempts SET state = 'lost' WHERE reference = $1 AND state = 'starting'"
                " AND created_at < now() - make_interval(secs => $2)",
                reference,
                OLDER_THAN_S,
            )

    async def _expire(self) -> None:
        """Give up old orders, but only on Paystack's word that none of their references is paid."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM orders WHERE state = 'open'"
                " AND created_at < now() - make_interval(secs => $1) ORDER BY created_at LIMIT $2",
                self._order_expires_s,
                BATCH,
            )
        for row in rows:
            if not await self._give_up(row["id"]):
                return

    async def _give_up(self, order_id: str) -> bool:
        async with self._database.connection() as connection:
            references = await connection.fetch(
                "SELECT reference FROM attempts WHERE order_id = $1", order_id
            )
        if bugs.planted("cancelled_unverified"):
            references = []
            await self._look_no_more(order_id)
        for row in references:
            if not self._budget.take() or not await self._attempt(row["reference"]):
                return False
        async with self._database.transaction() as connection:
            # Locked and read again: a payment may have arrived since.
            await connection.execute("SELECT 1 FROM orders WHERE id = $1 FOR UPDATE", order_id)
            await orders.move(connection, order_id, "cancelled")
        return True

    async def _look_no_more(self, order_id: str) -> None:
        """The bug `cancelled_unverified`: what was given up is closed for good."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE attempts SET next_check_at = NULL WHERE order_id = $1", order_id
            )
