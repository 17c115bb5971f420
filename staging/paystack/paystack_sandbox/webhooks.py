"""
Webhooks: signed, sent until they are acknowledged with 200, and logged.

No event id, no timestamp, no order: as with Paystack, the same event may come twice, and only
the signature over the exact bytes says who sent it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from dataclasses import dataclass

import httpx

from paystack_sandbox.envelope import Data, compact
from paystack_sandbox.store import Row, Store, now

log = logging.getLogger(__name__)

# Before compression: three minutes, doubled each time, an hour at most.
FIRST_RETRY_S = 180.0
LONGEST_RETRY_S = 3_600.0
TRIALS = 20
ATTEMPT_LIMIT_S = 30.0
SHORTEST_ATTEMPT_LIMIT_S = 2.0
LOOK_EVERY_S = 0.2
AT_ONCE = 20
KEPT_RESPONSE = 500


@dataclass(frozen=True)
class Target:
    """Where events go, and how fast the schedule runs."""

    url: str
    secret_key: str
    time_scale: float

    def retry_after_s(self, trials: int) -> float:
        """The wait after that many trials, compressed."""
        return float(min(FIRST_RETRY_S * 2 ** (trials - 1), LONGEST_RETRY_S)) / self.time_scale

    @property
    def attempt_limit_s(self) -> float:
        """How long one attempt may take, compressed but still possible."""
        return max(SHORTEST_ATTEMPT_LIMIT_S, ATTEMPT_LIMIT_S / self.time_scale)

    def signature(self, body: bytes) -> str:
        """Lowercase hex HMAC-SHA512 of the bytes with the secret key: there is no other secret."""
        return hmac.new(self.secret_key.encode(), body, hashlib.sha512).hexdigest()


class Webhooks:
    """The queue of events and the task that delivers them."""

    def __init__(self, store: Store, target: Target) -> None:
        self._store = store
        self._target = target
        self._wake = asyncio.Event()
        self._in_flight: set[int] = set()

    def enqueue(self, event: str, transaction_id: int, data: Data) -> None:
        """Store an event; call it inside the transaction that makes the event true."""
        self._store.run(
            "INSERT INTO events (event, transaction_id, body, next_at, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            event,
            transaction_id,
            compact({"event": event, "data": data}),
            time.time(),
            now(),
        )
        self._wake.set()

    async def deliver(self) -> None:
        """Send what is due; for ever, in the background."""
        slots = asyncio.Semaphore(AT_ONCE)
        while True:
            for row in self._due():
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

    def _landed(self, event_id: int, slots: asyncio.Semaphore) -> None:
        self._in_flight.discard(event_id)
        slots.release()

    async def _attempt(self, row: Row) -> None:
        """One delivery: only 200 acknowledges, everything else is tried again."""
        started = time.monotonic()
        code, text = await self._post(row["body"])
        trials = row["trials"] + 1
        status = "Delivered" if code == 200 else "Failed" if trials >= TRIALS else "Pending"
        with self._store.transaction():
            self._store.run(
                "UPDATE events SET status = ?, trials = ?, next_at = ? WHERE id = ?",
                status,
                trials,
                time.time() + self._target.retry_after_s(trials),
                row["id"],
            )
            self._store.run(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?)",
                row["id"],
                now(),
                time.monotonic() - started,
                code,
                text[:KEPT_RESPONSE],
            )

    async def _post(self, body: bytes) -> tuple[int | None, str]:
        headers = {
            "content-type": "application/json",
            "x-paystack-signature": self._target.signature(body),
            "user-agent": "Paystack/2.0",
        }

        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(trust_env=False, timeout=None, verify=False) as client:
                return await client.post(self._target.url, content=body, headers=headers)

        try:
            # In a task of its own: see shop/paystack_api.py.
            answer = await asyncio.wait_for(exchange(), self._target.attempt_limit_s)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            return None, repr(error)
        return answer.status_code, answer.text
