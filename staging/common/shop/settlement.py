"""
What a payment means for its order. The only place that decides it.

Called with what Paystack says of a reference, from the callback, the webhook's job and the
reconciler alike; any number of times and at once, as the account's row is locked first.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

import asyncpg
from prometheus_client import Counter

from shop import bugs
from shop.orders import move
from shop.paystack_api import Transaction

log = logging.getLogger(__name__)

DOMAIN = "test"
# The second is what Paystack calls a capture of which something, perhaps little, is going back.
CAPTURED = ("success", "reversal-pending")
# Nothing of these is final: a customer may still pay. Only `failed` asks for a new attempt.
FAILED = "failed"
# All of it went back before it bought anything: by somebody at Paystack's dashboard.
REVERSED = "reversed"
ALERTS_TO = "payments@vauntico.test"
WRONG = Counter("vauntico_payments_wrong_total", "Payments of the wrong amount or currency.")

Money = Literal["not_captured", "foreign", "wrong", "right"]


@dataclass(frozen=True)
class Settled:
    """The order a reference belongs to, and the state it is in now."""

    order_id: str
    state: str


def judge(order: asyncpg.Record, reference: str, paid: Transaction) -> Money:
    """
    Whether *paid* pays for *order*.

    More than the price is right only where Paystack's own figures say why: the fee was passed to
    the payer, or the amount asked for is the price.
    """
    ours = paid.domain == DOMAIN or bugs.planted("other_domain_fulfils")
    if not ours or paid.reference != reference:
        return "foreign"
    if paid.status not in CAPTURED:
        return "not_captured"
    if paid.currency != order["currency"] and not bugs.planted("currency_unchecked"):
        return "wrong"
    price = order["amount"]
    if paid.amount == price or bugs.planted("amount_unchecked"):
        return "right"
    if bugs.planted("amount_must_be_equal"):
        return "foreign"
    explained = paid.amount - paid.fees == price or paid.requested_amount == price
    return "right" if paid.amount > price and explained else "wrong"


async def settle(
    connection: asyncpg.Connection, reference: str, paid: Transaction
) -> Settled | None:
    """
    Apply what Paystack says of *reference*; call it inside a transaction.

    Returns:
        The order and its state afterwards; none if no attempt of ours has this reference.
    """
    account = await connection.fetchval(
        "SELECT o.account_id FROM attempts a JOIN orders o ON o.id = a.order_id"
        " WHERE a.reference = $1",
        reference,
    )
    if account is None:
        return None
    # All orders of a customer are settled one after the other, whoever does it.
    # No more than NO KEY, or a grant's foreign key would wait for it, and it for the grant's order.
    await connection.execute("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account)
    order = await connection.fetchrow(
        "SELECT o.*, a.state AS attempt FROM attempts a JOIN orders o ON o.id = a.order_id"
        " WHERE a.reference = $1",
        reference,
    )
    if order["attempt"] == "failed" and bugs.planted("unavailable_is_failed", "abandoned_is_final"):
        return Settled(order["id"], order["state"])
    money = judge(order, reference, paid)
    if money == "right":
        await _accept(connection, order, reference, paid)
    elif money == "wrong":
        log.warning("order %s: payment of the wrong amount or currency, refunding", order["id"])
        if order["attempt"] != "refused":  # not each time that somebody looks at it again
            WRONG.inc()
        await _close_attempt(connection, reference, "refused", paid)
        await _give_back(connection, order["id"], reference, paid.amount, "wrong_amount")
    elif money == "not_captured":
        await _note_no_money(connection, order["attempt"], reference, paid)
    state = await connection.fetchval("SELECT state FROM orders WHERE id = $1", order["id"])
    return Settled(order["id"], state)


async def _note_no_money(
    connection: asyncpg.Connection, attempt: str, reference: str, paid: Transaction
) -> None:
    """The page of an attempt that failed, or whose money went back unused, is of no use."""
    given_up = paid.status in ("abandoned", "ongoing") and bugs.planted("abandoned_is_final")
    if paid.status == REVERSED and attempt not in ("success", "refused"):
        await _close_attempt(connection, reference, "refused", paid)
    elif paid.status == FAILED or given_up:
        await connection.execute(
            "UPDATE attempts SET state = 'failed' WHERE reference = $1 AND state = 'open'",
            reference,
        )


async def _accept(
    connection: asyncpg.Connection, order: asyncpg.Record, reference: str, paid: Transaction
) -> None:
    """Money of the right amount: it pays its order, or it is one too many and goes back."""
    await _close_attempt(connection, reference, "success", paid)
    if order["paid_reference"] == reference or await _goes_back(connection, reference):
        return
    if order["state"] == "cancelled" and bugs.planted("success_after_cancel_ignored"):
        return
    if order["state"] in ("open", "cancelled") and await _make_room(connection, order):
        if order["state"] == "cancelled":
            await _tell_of_late_payment(connection, order["id"], reference)
        await move(connection, order["id"], "paid")
        await connection.execute(
            "UPDATE orders SET paid_reference = $2 WHERE id = $1", order["id"], reference
        )
        return
    log.warning("order %s: paid a second time, refunding %s", order["id"], reference)
    await _give_back(connection, order["id"], reference, paid.amount, "surplus")


async def _tell_of_late_payment(
    connection: asyncpg.Connection, order_id: str, reference: str
) -> None:
    """Nothing is lost, but somebody should know: orders are given up too early, or pay too late."""
    log.warning("order %s: paid after it was cancelled, reinstated", order_id)
    await connection.execute(
        "INSERT INTO mails (message_id, recipient, subject, body, order_id)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        f"<reinstated-{order_id}@vauntico.test>",
        ALERTS_TO,
        "A cancelled order was paid, and is reinstated",
        # Not written as a receipt is: whoever counts receipts must not count this.
        f"It is order {order_id}, by payment {reference}.\n",
        order_id,
    )


async def _goes_back(connection: asyncpg.Connection, reference: str) -> bool:
    """Whether this money was one too many before; it must not become right by being told again."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM refunds WHERE reference = $1 AND reason <> 'asked'", reference
        )
    )


async def _make_room(connection: asyncpg.Connection, order: asyncpg.Record) -> bool:
    """
    Whether the customer may have this order's product.

    Of a product that is had once, another order that is only open gives way; one that is paid
    does not.
    """
    if not order["once_only"] or bugs.planted("order_each_tab"):
        return True
    other = await connection.fetchrow(
        "SELECT id, state FROM orders WHERE account_id = $1 AND product = $2 AND id <> $3"
        " AND state IN ('open', 'paid', 'fulfilled', 'refunding')",
        order["account_id"],
        order["product"],
        order["id"],
    )
    return other is None or (
        other["state"] == "open" and await move(connection, other["id"], "cancelled")
    )


async def _close_attempt(
    connection: asyncpg.Connection, reference: str, state: str, paid: Transaction
) -> None:
    await connection.execute(
        "UPDATE attempts SET state = $2, transaction_id = $3, next_check_at = NULL"
        " WHERE reference = $1",
        reference,
        state,
        paid.id,
    )


async def _give_back(
    connection: asyncpg.Connection, order_id: str, reference: str, amount: int, reason: str
) -> None:
    """Ask for a refund once; the engine carries it out."""
    await connection.execute(
        "INSERT INTO refunds (id, reference, order_id, amount, reason) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        uuid4(),
        reference,
        order_id,
        amount,
        reason,
    )
