"""Money moves: once a reference, durable before anybody is told, and not always as was asked."""

from __future__ import annotations

import asyncio
import secrets
import time

from paystack_sandbox.cards import Card
from paystack_sandbox.faults import Board
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.subscriptions import Subscriptions
from paystack_sandbox.views import SELECT, event_data
from paystack_sandbox.webhooks import Webhooks

# Paystack's published local tariff: 1.5 % and NGN 100, at most NGN 2,000, in subunits.
FEE_SHARE, FEE_FLAT, FEE_LIMIT, FEE_FLAT_FROM = 0.015, 10_000, 200_000, 250_000
LOOK_EVERY_S = 0.1


def fees_of(amount: int) -> int:
    """What Paystack keeps of an amount."""
    flat = FEE_FLAT if amount >= FEE_FLAT_FROM else 0
    return min(FEE_LIMIT, round(amount * FEE_SHARE) + flat)


class Captures:
    """Everything that happens when a payment succeeds."""

    def __init__(
        self, store: Store, webhooks: Webhooks, board: Board, subscriptions: Subscriptions
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._board = board
        self._subscriptions = subscriptions

    def take(self, row: Row, card: Card, says: str) -> None:
        """
        Capture; call it inside the transaction of the step that led to it.

        The primary key of `captures` keeps it to one a reference, whatever was asked twice.
        """
        amount, currency, fees = self._moved(row)
        self._store.run(
            "INSERT INTO captures VALUES (?, ?, ?, ?, ?)",
            row["reference"],
            amount,
            currency,
            fees,
            now(),
        )
        self._store.run(
            "INSERT INTO authorizations VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            f"AUTH_{secrets.token_hex(5)}",
            row["customer_id"],
            card.number,
            now(),
        )
        self._store.run(
            "UPDATE transactions SET status = 'success', stage = 'over', gateway_response = ?,"
            " card = ?, paid_at = ?, attempts = attempts + 1, settles_at = NULL WHERE id = ?",
            says,
            card.number,
            now(),
            row["id"],
        )
        paid = self._store.one(f"{SELECT} WHERE t.id = ?", row["id"])
        assert paid is not None
        self._tell(paid)

    def take_later(self, row: Row, card: Card) -> bool:
        """Whether the money of this payment is only on its way: until then it is abandoned."""
        fault = self._board.bite("late_success", _text(row))
        if fault is None:
            return False
        self._store.run(
            "UPDATE transactions SET settles_at = ?, stage = 'waiting', card = ?,"
            " attempts = attempts + 1 WHERE id = ?",
            time.time() + fault.number("delay_s"),
            card.number,
            row["id"],
        )
        return True

    async def settle(self, card_of: dict[str, Card]) -> None:
        """Capture what was on its way; for ever, in the background, also after a restart."""
        while True:
            for row in self._store.all(
                f"{SELECT} WHERE t.settles_at <= ? ORDER BY t.settles_at", time.time()
            ):
                with self._store.transaction():
                    self.take(row, card_of[row["card"]], "Successful")
            await asyncio.sleep(LOOK_EVERY_S)

    def _moved(self, row: Row) -> tuple[int, str, int]:
        """Amount, currency and fees: as asked, unless a fault says otherwise."""
        amount, currency = int(row["amount"]), str(row["currency"])
        text = _text(row)
        short = self._board.bite("underpaid", text)
        if short:
            amount = max(1, int(amount * short.number("paid_share")))
        other = self._board.bite("wrong_currency", text)
        if other:
            currency = other.text("currency")
        fees = fees_of(amount)
        if self._board.bite("fee_inclusive", text):
            amount += fees
        return amount, currency, fees

    def _tell(self, paid: Row) -> None:
        """A plan's first payment makes two events, and their order is nobody's promise."""
        data = event_data(paid)
        if paid["plan_id"] is None:
            self._webhooks.enqueue("charge.success", paid["id"], data)
            return
        begun = self._subscriptions.begin(paid)
        pair = [("charge.success", data), ("subscription.create", begun)]
        for event, told in pair if paid["id"] % 2 else reversed(pair):
            self._webhooks.enqueue(event, paid["id"], told)


def _text(row: Row) -> str:
    return f"{row['reference']} {row['email']}"
