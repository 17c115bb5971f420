"""The application: its parts, its routes, and what it says when PostgreSQL is away."""

from __future__ import annotations

from pathlib import Path

from common import settings
from common.database import Database, DatabaseUnavailable
from common.telemetry import METRICS_ROUTE, Telemetry
from shop.paystack_api import PaystackApi
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp

from vauntico_server.accounts import Accounts
from vauntico_server.api import Api, degraded
from vauntico_server.baskets import Baskets
from vauntico_server.checkout import Checkout
from vauntico_server.pages import Pages, Views
from vauntico_server.paying import Paying
from vauntico_server.webhook import Webhook

HERE = Path(__file__).parent


def build(database: Database, secret_key: str) -> ASGIApp:
    """The application."""
    paystack = PaystackApi(secret_key)
    accounts = Accounts(database, scrypt_log2_n=int(settings.number("SCRYPT_LOG2_N", 14)))
    baskets = Baskets(database)
    views = Views(Jinja2Templates(str(HERE / "templates")), accounts)
    checkout = Checkout(baskets, paystack, public_url=settings.text("PUBLIC_URL").rstrip("/"))
    routes: list[BaseRoute] = [
        *Api(database, paystack, api_key=settings.text("STAGING_API_KEY")).routes(),
        Route("/api/paystack/webhook", Webhook(database, secret_key).receive, methods=["POST"]),
        *Pages(database, accounts, baskets, views).routes(),
        *Paying(accounts, baskets, checkout, views).routes(),
        Mount("/static", StaticFiles(directory=HERE / "static")),
        METRICS_ROUTE,
    ]

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

    app = Starlette(
        routes=routes,
        exception_handlers={DatabaseUnavailable: database_away, 404: not_found},
    )
    return Telemetry(app, service="vauntico-server", routes=routes)
