"""The shop's JSON endpoints: health, readiness, and the operator's switches."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from uuid import uuid4

import asyncpg
from common import settings
from common.database import Database
from shop import bugs, orders
from shop.paystack_api import PaystackApi, PaystackUnavailable
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vauntico_server import release
from vauntico_server.baskets import FLAG, enabled
from vauntico_server.checkout import Checkout

log = logging.getLogger(__name__)

# Answered within 0.6 s, whatever is down.
READY_LIMIT_S = 0.45
Endpoint = Callable[[Request], Awaitable[Response]]


def degraded(reason: str) -> JSONResponse:
    """A 503 that says what is wrong without telling how we are built."""
    return JSONResponse({"status": "degraded", "reason": reason}, 503, {"Retry-After": "1"})


class Api:
    """Handlers below `/api`, except the webhook."""

    def __init__(
        self, database: Database, paystack: PaystackApi, checkout: Checkout, *, api_key: str
    ) -> None:
        self._database = database
        self._paystack = paystack
        self._checkout = checkout
        self._api_key = api_key

    def routes(self) -> list[Route]:
        """The paths."""
        flag, refund = self._for_operators(self.flag), self._for_operators(self.refund)
        return [
            Route("/api/health", self.health),
            Route("/api/version", self.version),
            Route("/api/ready", self.ready),
            Route("/api/checkout/ready", self.checkout_ready),
            Route("/api/admin/flags/{name}", flag, methods=["GET", "PUT"]),
            Route("/api/admin/orders/{id}/refund", refund, methods=["POST"]),
        ]

    async def health(self, _: Request) -> Response:
        """Alive, whatever else is down."""
        return JSONResponse({"status": "ok", "release": release.current().name})

    async def version(self, _: Request) -> Response:
        """Which release this is, which version of the tables it knows, what is planted."""
        this = release.current()
        return JSONResponse(
            {
                "service": "vauntico-server",
                "release": this.name,
                "schema": this.schema,
                "planted_bugs": bugs.current().listed,
            }
        )

    async def ready(self, _: Request) -> Response:
        """Able to serve customers: PostgreSQL answers."""
        async with self._database.connection(READY_LIMIT_S) as connection:
            await connection.execute("SELECT 1")
        return JSONResponse({"status": "ok"})

    async def checkout_ready(self, _: Request) -> Response:
        """
        Able to take payments.

        Checkout is open, we can make the request for a payment, Paystack answers a new connection.
        """
        try:
            self._checkout.rehearse()
        except Exception:
            log.exception("checkout cannot make the request for a payment")
            return degraded("a payment cannot be started")
        reachable = asyncio.create_task(self._paystack.reachable(deadline_s=READY_LIMIT_S))
        try:
            async with self._database.connection(READY_LIMIT_S) as connection:
                is_open = await enabled(connection, FLAG)
            await reachable
        except PaystackUnavailable:
            return degraded("the payment provider is not reachable")
        finally:
            reachable.cancel()
        return JSONResponse({"status": "ok"}) if is_open else degraded("checkout is closed")

    async def flag(self, request: Request) -> Response:
        """Read a switch, or set it with `{"enabled": true|false}`."""
        name = request.path_params["name"]
        if request.method == "PUT":
            try:
                value = json.loads(await request.body())["enabled"]
            except (ValueError, KeyError, TypeError):
                value = None
            if not isinstance(value, bool):
                return JSONResponse({"error": "enabled: true or false"}, 422)
            async with self._database.connection() as connection:
                await connection.execute(
                    "INSERT INTO flags (name, enabled) VALUES ($1, $2)"
                    " ON CONFLICT (name) DO UPDATE SET enabled = $2, changed_at = now()",
                    name,
                    value,
                )
            return JSONResponse({"name": name, "enabled": value})
        async with self._database.connection() as connection:
            return JSONResponse({"name": name, "enabled": await enabled(connection, name)})

    async def refund(self, request: Request) -> Response:
        """Ask for a refund of an order: all of it, or `{"amount": ...}` in subunits."""
        body = await request.body()
        try:
            asked = json.loads(body or b"{}").get("amount")
        except (ValueError, AttributeError):
            return JSONResponse({"error": "a JSON object is wanted"}, 422)
        async with self._database.transaction() as connection:
            return await _ask_for_refund(connection, request.path_params["id"], asked)

    def _for_operators(self, endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            if not settings.same_secret(request.headers.get("x-api-key"), self._api_key):
                return JSONResponse({"error": "X-API-Key is missing or wrong"}, 401)
            return await endpoint(request)

        return guarded


async def _ask_for_refund(
    connection: asyncpg.Connection, order_id: str, asked: int | None
) -> Response:
    order = await connection.fetchrow("SELECT * FROM orders WHERE id = $1 FOR UPDATE", order_id)
    if order is None:
        return JSONResponse({"error": "no such order"}, 404)
    given_back = await connection.fetchval(
        "SELECT coalesce(sum(amount), 0) FROM refunds WHERE reference = $1 AND state <> 'failed'",
        order["paid_reference"],
    )
    left = order["amount"] - int(given_back)
    amount = left if asked is None else asked
    if order["state"] not in ("paid", "fulfilled") or type(amount) is not int:
        return JSONResponse({"error": "this order cannot be refunded"}, 409)
    if not 0 < amount <= left:
        return JSONResponse({"error": f"amount: 1 to {left}"}, 422)
    await connection.execute(
        "INSERT INTO refunds (id, reference, order_id, amount, reason)"
        " VALUES ($1, $2, $3, $4, 'asked')",
        uuid4(),
        order["paid_reference"],
        order_id,
        amount,
    )
    if amount == left:
        await orders.move(connection, order_id, "refunding")
    return JSONResponse({"order": order_id, "refund": amount}, 202)
