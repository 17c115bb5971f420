"""One delivery of an event: signed over the very bytes that are sent, and bitten by faults."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass, replace

import httpx

from paystack_sandbox.envelope import compact
from paystack_sandbox.faults import Board
from paystack_sandbox.store import Row, Store

log = logging.getLogger(__name__)

ATTEMPT_LIMIT_S = 30.0
SHORTEST_ATTEMPT_LIMIT_S = 2.0
ANOTHERS_KEY = "sk_test_of_somebody_else"
CHANGES = ("webhook_amount", "webhook_currency", "webhook_reference")


@dataclass(frozen=True)
class Target:
    """Where events go, how they are signed, and how fast the schedule runs."""

    url: str
    secret_key: str
    time_scale: float

    @property
    def attempt_limit_s(self) -> float:
        """How long one attempt may take, compressed but still possible."""
        return max(SHORTEST_ATTEMPT_LIMIT_S, ATTEMPT_LIMIT_S / self.time_scale)

    def signature(self, body: bytes) -> str:
        """Lowercase hex HMAC-SHA512 of the bytes with the secret key: there is no other secret."""
        return hmac.new(self.secret_key.encode(), body, hashlib.sha512).hexdigest()


@dataclass(frozen=True)
class Trial:
    """How one delivery ended; no code means that there was no answer."""

    code: int | None
    says: str
    took_s: float
    lost_for_good: bool = False


class Delivery:
    """Sends events."""

    def __init__(self, target: Target, board: Board, store: Store) -> None:
        self.target = target
        self._board = board
        self._store = store

    async def attempt(self, row: Row) -> list[Trial]:
        """Deliver an event once, or as often as a fault wants it; the first trial decides."""
        body, event = bytes(row["body"]), str(row["event"])
        text = body.decode("utf-8", "replace")
        dropped = self._board.bite("webhook_dropped", text, event)
        if dropped:
            for_good = bool(dropped.settings["for_good"])
            return [Trial(None, "dropped by a fault", 0.0, lost_for_good=for_good)]
        if self._board.bite("webhook_escaped", text, event) and compact(json.loads(body)) == body:
            body = escaped(body)
            # An event's bytes are made once: what is tried again later is the same.
            self._store.run("UPDATE events SET body = ? WHERE id = ?", body, row["id"])
        body = self._changed(body, event, row["transaction_id"])
        twice = self._board.bite("webhook_duplicated", text, event)
        copies = int(twice.number("copies")) if twice else 1
        sent = (self.post(body, self.target.signature(body)) for _ in range(copies))
        return list(await asyncio.gather(*sent))

    async def post_forged(self, body: bytes, *, signed: bool) -> None:
        """What somebody else sends, who has not our key: once, and not in our log."""
        other = replace(self.target, secret_key=ANOTHERS_KEY)
        trial = await self.post(body, other.signature(body) if signed else None)
        log.info("a forged event was answered %s", trial.code)

    async def post(self, body: bytes, signature: str | None) -> Trial:
        headers = {"content-type": "application/json", "user-agent": "Paystack/2.0"}
        if signature is not None:
            headers["x-paystack-signature"] = signature
        started = time.monotonic()

        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(trust_env=False, timeout=None, verify=False) as client:
                return await client.post(self.target.url, content=body, headers=headers)

        try:
            # In a task of its own: see shop/paystack_api.py.
            answer = await asyncio.wait_for(exchange(), self.target.attempt_limit_s)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            return Trial(None, repr(error), time.monotonic() - started)
        return Trial(answer.status_code, answer.text, time.monotonic() - started)

    def _changed(self, body: bytes, event: str, transaction_id: int) -> bytes:
        """The body as faults want it: another amount, currency, or another order's reference."""
        told = json.loads(body)
        data, text, changed = told["data"], body.decode("utf-8", "replace"), False
        for kind in CHANGES:
            if not _has(data, kind):
                continue
            fault = self._board.bite(kind, text, event)
            if fault is None:
                continue
            changed = True
            if kind == "webhook_amount":
                amount = max(1, int(int(data["amount"]) * fault.number("factor")))
                data["amount"] = type(data["amount"])(amount)
            elif kind == "webhook_currency":
                data["currency"] = fault.text("currency")
            else:
                data["reference"] = self._anothers(transaction_id, data["reference"])
        return compact(told) if changed else body

    def _anothers(self, transaction_id: int, own: str) -> str:
        """Of an order that nobody paid for, if there is one."""
        row = self._store.one(
            "SELECT reference FROM transactions WHERE id != ? AND paid_at IS NULL"
            " ORDER BY id DESC LIMIT 1",
            transaction_id,
        )
        return str(row["reference"]) if row else own


def _has(data: object, kind: str) -> bool:
    return isinstance(data, dict) and data.get(kind.removeprefix("webhook_")) is not None


def escaped(body: bytes) -> bytes:
    """The same JSON in other bytes: other order, spaces, and every letter of texts escaped."""
    text = json.dumps(_turned(json.loads(body)), indent=1, ensure_ascii=True)
    return text.replace("/", "\\/").encode()


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {name: _turned(one) for name, one in reversed(value.items())}
    return [_turned(one) for one in value] if isinstance(value, list) else value
