"""The life of an order: which state may follow which, and nothing else."""

from __future__ import annotations

from typing import Literal

import asyncpg

OrderState = Literal["open", "paid", "fulfilled", "cancelled", "refunding", "refunded"]

FOLLOWS: dict[OrderState, tuple[OrderState, ...]] = {
    "open": ("paid", "cancelled"),
    "paid": ("fulfilled", "refunding"),
    # A payment that arrives after the order was given up brings it back.
    "cancelled": ("paid",),
    "fulfilled": ("refunding",),
    # A refund that failed leaves the customer with what was bought, granted already or not.
    "refunding": ("refunded", "fulfilled", "paid"),
    "refunded": (),
}


async def move(connection: asyncpg.Connection, order_id: str, to: OrderState) -> bool:
    """
    Move an order to its next state and write that into its history.

    Returns:
        False if that state cannot follow the present one; nothing is changed then.
    """
    before = [state for state, after in FOLLOWS.items() if to in after]
    moved = await connection.fetchval(
        "UPDATE orders SET state = $2, changed_at = now() WHERE id = $1 AND state = ANY($3)"
        " RETURNING true",
        order_id,
        to,
        before,
    )
    if moved:
        await remember(connection, order_id, to)
    return bool(moved)


async def remember(connection: asyncpg.Connection, order_id: str, state: OrderState) -> None:
    """Write a state into the order's history."""
    await connection.execute(
        "INSERT INTO order_history (order_id, state) VALUES ($1, $2)", order_id, state
    )
