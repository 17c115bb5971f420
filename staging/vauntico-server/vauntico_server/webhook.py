"""Paystack's webhook: proved by its signature, stored, acknowledged; the work is done later."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from common.database import Database
from prometheus_client import Counter
from shop import bugs, jobs
from shop.settlement import DOMAIN
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vauntico_server.relay import Relay

# Paystack must have its answer within a second, also when PostgreSQL is away.
STORE_LIMIT_S = 0.8
# Other events are acknowledged and change nothing.
REFUNDS = (
    "refund.pending",
    "refund.processing",
    "refund.processed",
    "refund.failed",
    "refund.needs-attention",
)
HANDLED = ("charge.success", *REFUNDS)
# What the shop decides by. Cards, names and metadata are none of its business, and may hold
# characters that PostgreSQL does not store.
KEPT = ("id", "domain", "status", "amount", "requested_amount", "fees", "currency")
REFERENCE = re.compile(r"[A-Za-z0-9.=_-]{1,100}")
OK = {"status": "ok"}
UNPROVED = Counter(
    "vauntico_webhooks_unproved_total", "Events whose signature is missing or wrong."
)


@dataclass(frozen=True)
class Event:
    """A signed event; without a reference it is about nothing of ours."""

    name: str = ""
    reference: str = ""
    data: dict[str, Any] | None = None

    @property
    def ours(self) -> bool:
        """Of the shop's own mode; an event of the other one changes nothing."""
        domain = (self.data or {}).get("domain", DOMAIN)
        return domain == DOMAIN or bugs.planted("other_domain_fulfils")


class Webhook:
    """The endpoint."""

    def __init__(self, database: Database, secret_key: str, relay: Relay) -> None:
        self._database = database
        self._key = secret_key.encode()
        self._relay = relay

    async def receive(self, request: Request) -> Response:
        """Store a signed event durably, then say 200; a forged one changes nothing."""
        body = await request.body()
        if not self._is_signed(body, request.headers.get("x-paystack-signature", "")):
            UNPROVED.inc()
            return JSONResponse({"error": "the signature is missing or wrong"}, 401)
        event = _parse(body)
        if event.name not in HANDLED and bugs.planted("unknown_event_refused"):
            return JSONResponse({"error": "no such event"}, 400)
        if event.name not in HANDLED or not event.reference or not event.ours:
            return JSONResponse(OK)
        if bugs.planted("acknowledged_before_stored"):
            return JSONResponse(OK, background=BackgroundTask(self._store, body, event))
        job = await self._store(body, event)
        if job and bugs.planted("seen_before_done"):
            return JSONResponse(OK, background=BackgroundTask(self._relay.send, job))
        return JSONResponse(OK)

    def _is_signed(self, body: bytes, given: str) -> bool:
        """By the bytes as they came: another spelling of the same JSON has another signature."""
        if bugs.planted("no_signature_check"):
            return True
        if bugs.planted("reserialised_signature"):
            body = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
        wanted = hmac.new(self._key, body, hashlib.sha512).hexdigest()
        return hmac.compare_digest(given.encode(), wanted.encode())

    async def _store(self, body: bytes, event: Event) -> str | None:
        """The event and its job, both or neither, once for the same bytes; gives the job if new."""
        seen = bugs.planted("seen_before_done")
        salt = secrets.token_bytes() if bugs.planted("no_dedupe") else b""
        async with self._database.transaction(STORE_LIMIT_S) as connection:
            event_id = await connection.fetchval(
                "INSERT INTO webhook_events (body_hash, event, reference, data, next_try_at)"
                " VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN NULL"
                " ELSE now() + interval '2 seconds' END) ON CONFLICT DO NOTHING RETURNING id",
                hashlib.sha256(body + salt).digest(),
                event.name,
                event.reference,
                json.dumps(event.data),
                seen,
            )
            if event_id is None:
                return None
            job = {"kind": "event", "event_id": event_id}
            if not seen:
                await jobs.enqueue(connection, job)
        return json.dumps(job)


def _parse(body: bytes) -> Event:
    """The event's name, reference and data; refund events call their reference otherwise."""
    try:
        given = json.loads(body)
        name = str(given["event"])
        data = given["data"] if isinstance(given["data"], dict) else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return Event()
    reference = data.get("reference") or data.get("transaction_reference") or ""
    if name in REFUNDS and bugs.planted("refund_needs_reference"):
        reference = data["reference"]
    if not REFERENCE.fullmatch(str(reference)):
        return Event(name)
    kept = {key: data[key] for key in KEPT if isinstance(data.get(key), str | int | float)}
    return Event(name, str(reference), kept | {"reference": str(reference)})
