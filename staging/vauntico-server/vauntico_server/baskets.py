"""Orders and attempts in PostgreSQL: stored before Paystack hears of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import asyncpg
from common.database import Database
from shop import bugs, jobs, orders, settlement
from shop.paystack_api import Transaction
from shop.products import Product
from shop.settlement import Settled

from vauntico_server.accounts import Account

FLAG = "checkout"
LIVE_ORDER = (
    "SELECT id, state FROM orders WHERE account_id = $1 AND product = $2"
    " AND (state = 'open' OR (once_only AND state IN ('paid', 'fulfilled', 'refunding')))"
    " ORDER BY created_at DESC LIMIT 1"
)
# Only of an attempt whose page was shown can there be money.
SHOWN = "SELECT true FROM attempts WHERE order_id = $1 AND authorization_url IS NOT NULL LIMIT 1"


@dataclass(frozen=True)
class Attempt:
    """One try to pay an order."""

    reference: str
    state: str
    url: str | None
    created_at: datetime


@dataclass(frozen=True)
class Basket:
    """An order about to be paid, and the last try to pay it; closed: there must be no new one."""

    order_id: str
    state: str
    last: Attempt | None
    closed: bool = False


class Baskets:
    """What checkout reads and writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_order(self, account: Account, product: Product) -> Basket | None:
        """The customer's order for this product, made if there is none and checkout is open."""
        async with self._database.transaction() as connection:
            closed = not await enabled(connection, FLAG)
            row = await connection.fetchrow(LIVE_ORDER, account.id, product.name)
            if bugs.planted("order_each_tab"):
                row = None
            if row is None and closed:
                return None
            if row is None:
                row = await _insert_order(connection, account, product)
            last = await _last_attempt(connection, row["id"])
            return Basket(row["id"], row["state"], last, closed)

    async def new_attempt(self, order_id: str) -> str | None:
        """A fresh reference; none if another tab is at it with this order."""
        reference = f"van-{uuid4().hex}"
        async with self._database.connection() as connection:
            made = await connection.fetchval(
                "INSERT INTO attempts (reference, order_id, next_check_at)"
                " VALUES ($1, $2, now() + interval '3 seconds')"
                " ON CONFLICT DO NOTHING RETURNING true",
                reference,
                order_id,
            )
        return reference if made else None

    async def opened(self, reference: str, url: str) -> bool:
        """
        Paystack gave the address of the hosted page.

        Returns:
            False if the attempt was given up meanwhile: its page must not be shown then.
        """
        async with self._database.connection() as connection:
            return bool(
                await connection.fetchval(
                    "UPDATE attempts SET state = 'open', authorization_url = $2"
                    " WHERE reference = $1 AND state = 'starting' RETURNING true",
                    reference,
                    url,
                )
            )

    async def was_shown(self, order_id: str) -> bool:
        """Whether the customer ever had a page to pay this order on."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SHOWN, order_id))

    async def lost(self, reference: str) -> None:
        """
        Nobody ever saw the address of this attempt, so nobody can pay it.

        It is still looked at for a while, as every reference we ever sent.
        """
        forgotten = bugs.planted("new_reference_on_timeout")
        async with self._database.connection() as connection:
            await connection.execute(
                ("DELETE FROM attempts" if forgotten else "UPDATE attempts SET state = 'lost'")
                + " WHERE reference = $1 AND state IN ('starting', 'open')",
                reference,
            )

    async def last_attempt(self, order_id: str) -> Attempt | None:
        """The newest try to pay this order."""
        async with self._database.connection() as connection:
            return await _last_attempt(connection, order_id)

    async def settle(self, reference: str, paid: Transaction) -> Settled | None:
        """Apply what Paystack says, and tell the engine if there is something to fulfil."""
        async with self._database.transaction() as connection:
            settled = await settlement.settle(connection, reference, paid)
            if settled and settled.state == "paid":
                await jobs.enqueue(connection, {"kind": "order", "order_id": settled.order_id})
            return settled

    async def order(self, order_id: str) -> asyncpg.Record | None:
        """An order, with the state of its last attempt."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(
                "SELECT o.*, (SELECT a.state FROM attempts a WHERE a.order_id = o.id"
                " ORDER BY a.created_at DESC LIMIT 1) AS attempt FROM orders o WHERE o.id = $1",
                order_id,
            )

    async def order_of(self, reference: str) -> asyncpg.Record | None:
        """The order that an attempt's reference belongs to."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(
                "SELECT o.* FROM orders o JOIN attempts a ON a.order_id = o.id"
                " WHERE a.reference = $1",
                reference,
            )

    async def take_over(self, reference: str, account: Account) -> None:
        """The bug `reference_replayed`: a reference pays the order of whoever brings it."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE attempts SET order_id = o.id FROM (SELECT id FROM orders"
                " WHERE account_id = $2 AND state = 'open' ORDER BY created_at DESC LIMIT 1) o"
                " WHERE reference = $1",
                reference,
                account.id,
            )

    async def hand_over(self, order_id: str, account: Account) -> None:
        """The bug `grant_to_session`: what was bought goes to whoever is signed in."""
        async with self._database.transaction() as connection:
            for sql in (
                "UPDATE orders SET account_id = $2 WHERE id = $1",
                "UPDATE grants SET account_id = $2 WHERE order_id = $1",
            ):
                await connection.execute(sql, order_id, account.id)

    async def passes(self, account: Account) -> list[asyncpg.Record]:
        """What the customer has, and may use now."""
        async with self._database.connection() as connection:
            return list(
                await connection.fetch(
                    "SELECT product, order_id, starts_at FROM grants WHERE account_id = $1"
                    " AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now())"
                    " ORDER BY starts_at",
                    account.id,
                )
            )

    async def orders(self, account: Account) -> list[asyncpg.Record]:
        """The customer's orders, newest first."""
        async with self._database.connection() as connection:
            return list(
                await connection.fetch(
                    "SELECT id, product, amount, currency, state, created_at FROM orders"
                    " WHERE account_id = $1 ORDER BY created_at DESC LIMIT 50",
                    account.id,
                )
            )


async def enabled(connection: asyncpg.Connection, flag: str) -> bool:
    """Whether a feature is switched on; it is until somebody switches it off."""
    value = await connection.fetchval("SELECT enabled FROM flags WHERE name = $1", flag)
    return value is None or bool(value)


async def _insert_order(
    connection: asyncpg.Connection, account: Account, product: Product
) -> asyncpg.Record:
    """A new order; or that of the other tab, if it was a moment faster."""
    row = await connection.fetchrow(
        "INSERT INTO orders (id, account_id, email, product, once_only, amount, currency)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id, state",
        f"ord_{uuid4().hex}",
        account.id,
        account.email,
        product.name,
        product.once_only,
        product.charged,
        product.currency,
    )
    if row is None:
        return await connection.fetchrow(LIVE_ORDER, account.id, product.name)
    await orders.remember(connection, row["id"], "open")
    return row


async def _last_attempt(connection: asyncpg.Connection, order_id: str) -> Attempt | None:
    row = await connection.fetchrow(
        "SELECT reference, state, authorization_url, created_at FROM attempts"
        " WHERE order_id = $1 ORDER BY created_at DESC LIMIT 1",
        order_id,
    )
    return Attempt(*row) if row else None
