"""
Webhooks: stored with what they tell of, sent until they are acknowledged with 200, and logged.

No event id, no timestamp, no order: as with Paystack, the same event may come twice, and only
the signature over the exact bytes says who sent it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Literal

from paystack_sandbox.delivery import Delivery, Trial
from paystack_sandbox.envelope import Data, compact
from paystack_sandbox.faults import Board
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import event_data

# Seconds between trials, before compression. Live: every 3 minutes for the first four, then
# hourly for 72 hours. Test: hourly for 10 hours.
SCHEDULES = {"live": (180.0,) * 3 + (3_600.0,) * 72, "test": (3_600.0,) * 10}
Schedule = Literal["live", "test"]
LOOK_EVERY_S = 0.1
AT_ONCE = 20
KEPT_RESPONSE = 500
# A forged event comes when the shop knows the order that it claims was paid.
FORGED_AFTER_S = 0.3


class Webhooks:
    """The queue of events and the task that delivers them."""

    def __init__(
        self, store: Store, delivery: Delivery, board: Board, schedule: Schedule = "live"
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._board = board
        self._waits = SCHEDULES[schedule]
        self._wake = asyncio.Event()
        self._in_flight: set[int] = set()
        self._put_off: set[int] = set()
        self._turn = 0
        self._forging: set[asyncio.Task[None]] = set()

    def enqueue(self, event: str, transaction_id: int, data: Data) -> None:
        """Store an event; call it inside the transaction that makes the event true."""
        self._store.run(
            "INSERT INTO events (event, transaction_id, body, next_at, created_at, updated_at,"
            " public_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            event,
            transaction_id,
            compact({"event": event, "data": data}),
            time.time(),
            now(),
            now(),
            secrets.token_hex(12),
        )
        self._wake.set()

    def make_up(self, row: Row) -> None:
        """Events about a payment that nobody has made, where faults want them."""
        text = f"{row['reference']} {row['email']}"
        data = event_data(row) | {"status": "success", "paid_at": now()}
        data |= {"gateway_response": "Successful", "fees": 0}
        for kind in ("webhook_domain", "webhook_unknown"):
            fault = self._board.bite(kind, text, "charge.success")
            if fault:
                event = str(fault.settings.get("event", "charge.success"))
                other = {"domain": fault.settings.get("domain", "test")}
                with self._store.transaction():
                    self.enqueue(event, row["id"], data | other)
        body = compact({"event": "charge.success", "data": data})
        for kind in ("webhook_forged", "webhook_unsigned"):
            if self._board.bite(kind, text, "charge.success"):
                task = asyncio.create_task(self._forge(body, signed=kind == "webhook_forged"))
                self._forging.add(task)
                task.add_done_callback(self._forging.discard)

    async def _forge(self, body: bytes, *, signed: bool) -> None:
        await asyncio.sleep(FORGED_AFTER_S)
        await self._delivery.post_forged(body, signed=signed)

    def send_again(self, event_ids: list[int]) -> None:
        """Deliver once more what may have been delivered already."""
        with self._store.transaction():
            for event_id in event_ids:
                self._store.run(
                    "UPDATE events SET status = 'Pending', next_at = ? WHERE id = ?",
                    time.time(),
                    event_id,
                )
        self._wake.set()

    async def deliver(self) -> None:
        """Send what is due; for ever, in the background."""
        slots = asyncio.Semaphore(AT_ONCE)
        while True:
            for row in self._due():
                if self._is_put_off(row):
                    continue
                await slots.acquire()
                self._in_flight.add(row["id"])
                task = asyncio.create_task(self._attempt(row))
                task.add_done_callback(lambda _, i=row["id"]: self._landed(i, slots))
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    def _due(self) -> list[Row]:
        rows = self._store.all(
            "SELECT * FROM events WHERE status = 'Pending' AND next_at <= ? ORDER BY id",
            time.time(),
        )
        return [row for row in rows if row["id"] not in self._in_flight]

    def _is_put_off(self, row: Row) -> bool:
        """Whether a fault makes this event late, or lets the next one overtake it; once each."""
        if row["id"] in self._put_off or not self._board.has("webhook_late", "webhook_reordered"):
            return False
        text = bytes(row["body"]).decode("utf-8", "replace")
        late = self._board.bite("webhook_late", text, row["event"])
        wait_s = late.number("delay_s") if late else 0.0
        turned = self._board.bite("webhook_reordered", text, row["event"])
        if turned:
            self._turn += 1
            wait_s += turned.number("spread_s") * (self._turn % 2)
        self._put_off.add(row["id"])
        if not wait_s:
            return False
        self._store.run(
            "UPDATE events SET next_at = ? WHERE id = ?", time.time() + wait_s, row["id"]
        )
        return True

    def _landed(self, event_id: int, slots: asyncio.Semaphore) -> None:
        self._in_flight.discard(event_id)
        slots.release()

    async def _attempt(self, row: Row) -> None:
        """One delivery: only 200 acknowledges, everything else is tried again."""
        trials = await self._delivery.attempt(row)
        done = row["trials"] + 1
        status, wait_s = self._after(trials[0], done)
        with self._store.transaction():
            # Asked for again meanwhile: then its time is another, and it stays pending.
            self._store.run(
                "UPDATE events SET status = ?, next_at = ? WHERE id = ? AND next_at = ?",
                status,
                time.time() + wait_s,
                row["id"],
                row["next_at"],
            )
            self._store.run(
                "UPDATE events SET trials = ?, updated_at = ? WHERE id = ?", done, now(), row["id"]
            )
            for trial in trials:
                self._store.run(
                    "INSERT INTO trials VALUES (?, ?, ?, ?, ?)",
                    row["id"],
                    now(),
                    trial.took_s,
                    trial.code,
                    trial.says[:KEPT_RESPONSE],
                )

    def _after(self, trial: Trial, done: int) -> tuple[str, float]:
        """The event's status after its *done*-th trial, and how long until the next."""
        if trial.code == 200:
            return "Delivered", 0.0
        if trial.lost_for_good or done > len(self._waits):
            return "Failed", 0.0
        return "Pending", self._waits[done - 1] / self._delivery.target.time_scale
