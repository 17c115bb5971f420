"""The application: its parts, its routes, and what it says when PostgreSQL is away."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from common import settings
from common.database import Database, DatabaseUnavailable
from common.self_check import SelfCheck
from common.telemetry import METRICS_ROUTE, Telemetry
from prometheus_client import Gauge
from shop.paystack_api import PaystackApi
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp

from vauntico_server import release
from vauntico_server.accounts import Accounts
from vauntico_server.api import Api, degraded
from vauntico_server.baskets import Baskets
from vauntico_server.checkout import Checkout
from vauntico_server.pages import Pages, Views
from vauntico_server.paying import Paying
from vauntico_server.relay import Relay
from vauntico_server.webhook import Webhook

HERE = Path(__file__).parent
# A look that is dropped on its way shows within their sum.
PAYSTACK_EVERY_S, PAYSTACK_LIMIT_S = 1.5, 1.0
CHECKOUT_EVERY_S = 1.0

PAYSTACK_UP = Gauge("vauntico_paystack_up", "1 while Paystack answers on a new connection.")
CHECKOUT_UP = Gauge("vauntico_checkout_up", "1 while the shop can make a request for a payment.")
RELEASE = Gauge("vauntico_release", "1 for the release that runs.", ["release"])


def build(database: Database, secret_key: str, relay: Relay) -> tuple[ASGIApp, list[SelfCheck]]:
    """The application, and what it asks itself in the background."""
    this = release.current()
    RELEASE.labels(this.name).set(1)
    paystack = PaystackApi(secret_key)
    accounts = Accounts(
        database, scrypt_log2_n=int(settings.number("SCRYPT_LOG2_N", 14)), schema=this.schema
    )
    baskets = Baskets(database)
    views = Views(Jinja2Templates(str(HERE / "templates")), accounts)
    public_url = settings.text("PUBLIC_URL").rstrip("/")
    checkout = Checkout(baskets, paystack, public_url=public_url, release=this)
    webhook = Webhook(database, secret_key, relay)
    routes: list[BaseRoute] = [
        *Api(database, paystack, checkout, api_key=settings.text("STAGING_API_KEY")).routes(),
        Route("/api/paystack/webhook", webhook.receive, methods=["POST"]),
        *Pages(database, accounts, baskets, views).routes(),
        *Paying(accounts, baskets, checkout, views).routes(),
        Mount("/static", StaticFiles(directory=HERE / "static")),
        METRICS_ROUTE,
    ]

    app = Starlette(routes=routes, exception_handlers=_exception_handlers(views))
    checks = [database.self_check("vauntico-server"), *_self_checks(paystack, checkout)]
    return Telemetry(app, service="vauntico-server", routes=routes), checks


def _exception_handlers(views: Views) -> dict[Any, Any]:
    """What is said when PostgreSQL is away, and of addresses that do not exist."""

    async def database_away(request: Request, _: Exception) -> Response:
        """Nothing is known of what was asked, so nothing is claimed of it."""
        if request.url.path.startswith("/api/"):
            return degraded("storage is not reachable")
        return await views.page(
            request,
            "away.html",
            503,
            account=None,
            buying=request.url.path == "/buy",
            checking=request.url.path.startswith("/checkout/"),
        )

    async def not_found(request: Request, _: Exception) -> Response:
        return await views.page(request, "lost.html", 404, account=None)

    return {DatabaseUnavailable: database_away, 404: not_found}


def _self_checks(paystack: PaystackApi, checkout: Checkout) -> list[SelfCheck]:
    """Neither costs anything of Paystack's rate limit, which counts calls with our key."""

    async def rehearse() -> None:
        checkout.rehearse()

    return [
        SelfCheck(
            PAYSTACK_UP,
            partial(paystack.reachable, deadline_s=PAYSTACK_LIMIT_S),
            name="Paystack",
            every_s=PAYSTACK_EVERY_S,
            limit_s=PAYSTACK_LIMIT_S,
        ),
        SelfCheck(
            CHECKOUT_UP,
            rehearse,
            name="checkout",
            every_s=CHECKOUT_EVERY_S,
            limit_s=CHECKOUT_EVERY_S,
        ),
    ]
