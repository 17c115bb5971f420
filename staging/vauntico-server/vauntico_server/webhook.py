"""Paystack's webhook: proved by its signature, stored, acknowledged; the work is done later."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from common.database import Database
from shop import jobs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# Paystack must have its answer within a second, also when PostgreSQL is away.
STORE_LIMIT_S = 0.8
# Other events are acknowledged and change nothing.
HANDLED = (
    "charge.success",
    "refund.pending",
    "refund.processing",
    "refund.processed",
    "refund.failed",
    "refund.needs-attention",
)


class Webhook:
    """The endpoint."""

    def __init__(self, database: Database, secret_key: str) -> None:
        self._database = database
        self._key = secret_key.encode()

    async def receive(self, request: Request) -> Response:
        """Store a signed event durably, then say 200; a forged one changes nothing."""
        body = await request.body()
        wanted = hmac.new(self._key, body, hashlib.sha512).hexdigest()
        given = request.headers.get("x-paystack-signature", "")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return JSONResponse({"error": "the signature is missing or wrong"}, 401)
        event = _parse(body)
        if event["event"] in HANDLED and event["reference"]:
            await self._store(body, event)
        return JSONResponse({"status": "ok"})

    async def _store(self, body: bytes, event: dict[str, Any]) -> None:
        """The event and its job, once for the same bytes."""
        async with self._database.transaction(STORE_LIMIT_S) as connection:
            event_id = await connection.fetchval(
                "INSERT INTO webhook_events (body_hash, event, reference, data, next_try_at)"
                " VALUES ($1, $2, $3, $4, now() + interval '2 seconds')"
                " ON CONFLICT DO NOTHING RETURNING id",
                hashlib.sha256(body).digest(),
                event["event"],
                event["reference"],
                json.dumps(event["data"]),
            )
            if event_id is not None:
                await jobs.enqueue(connection, {"kind": "event", "event_id": event_id})


def _parse(body: bytes) -> dict[str, Any]:
    """The event's name, data and reference; refund events call theirs otherwise."""
    try:
        event = json.loads(body)
        data = event["data"] if isinstance(event["data"], dict) else {}
        name = str(event["event"])
    except (ValueError, KeyError, TypeError):
        return {"event": "", "data": {}, "reference": None}
    reference = data.get("reference") or data.get("transaction_reference")
    return {"event": name, "data": data, "reference": str(reference) if reference else None}
