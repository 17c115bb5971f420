"""python3 -m fulfillment"""

from __future__ import annotations

from common import settings
from common.database import Database
from common.serving import run, serve, server
from common.telemetry import METRICS_ROUTE, Telemetry
from shop import bugs, tables
from shop.paystack_api import PaystackApi
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from fulfillment.consumer import Consumer
from fulfillment.fulfil import Fulfilment
from fulfillment.mailer import Mailer
from fulfillment.reconciler import Reconciler
from fulfillment.refunder import Refunder

PORT = 3002
SMTP_PORT = 25
ORDER_EXPIRES_S = 24 * 3600.0
RECONCILE_CALLS_PER_S = 1.0


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "release": settings.text("RELEASE", "unknown")})


async def _version(_: Request) -> JSONResponse:
    release, planted = settings.text("RELEASE", "unknown"), bugs.current().listed
    return JSONResponse(
        {"service": "fulfillment-engine", "release": release, "planted_bugs": planted}
    )


def build() -> ASGIApp:
    """What can be seen of the engine from outside."""
    routes: list[BaseRoute] = [
        Route("/api/health", _health),
        Route("/api/version", _version),
        METRICS_ROUTE,
    ]
    return Telemetry(Starlette(routes=routes), service="fulfillment-engine", routes=routes)


async def main() -> None:
    """Put the parts together and work."""
    bugs.announce()
    database = Database(settings.text("DATABASE_URL"), schema=tables.schema(bugs.current()))
    paystack = PaystackApi(settings.paystack_secret_key())
    fulfilment = Fulfilment(database, paystack)
    reconciler = Reconciler(
        database,
        fulfilment,
        order_expires_s=settings.number("ORDER_EXPIRES_S", ORDER_EXPIRES_S),
        calls_per_s=settings.number("RECONCILE_CALLS_PER_S", RECONCILE_CALLS_PER_S),
    )
    mailer = Mailer(database, settings.text("SMTP_HOST", "inbox"), SMTP_PORT)
    consumer = Consumer(settings.text("REDIS_URL"), fulfilment)
    refunder = Refunder(database, paystack)
    check = database.self_check("fulfillment-engine")
    tasks = [consumer.run, refunder.run, mailer.run, check.run]
    # It repairs within seconds what would show whether the webhook's way alone keeps its promise.
    if settings.text("RECONCILER", "on") != "off":
        tasks.append(reconciler.run)
    await serve(server(build(), PORT), tasks=tuple(tasks))


run(main)
