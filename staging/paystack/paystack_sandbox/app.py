"""The sandbox's two sites on one address: the API and the hosted page, told apart by host."""

from __future__ import annotations

from common import settings
from common.telemetry import METRICS_ROUTE, Telemetry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Host, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from paystack_sandbox import envelope
from paystack_sandbox.envelope import ApiError
from paystack_sandbox.hosted import HostedPage
from paystack_sandbox.refunds import Refunds
from paystack_sandbox.transactions import Transactions

API_HOST, CHECKOUT_HOST = "api.paystack.co", "checkout.paystack.com"


class SecretKey:
    """Lets only requests with the integration's secret key through; `/` is for everybody."""

    def __init__(self, app: ASGIApp, *, key: str) -> None:
        self._app = app
        self._wanted = f"Bearer {key}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        given = request.headers.get("authorization")
        if scope["path"] == "/" or settings.same_secret(given, self._wanted):
            await self._app(scope, receive, send)
            return
        # The text for a missing header is not documented; that of a wrong key is.
        answer = await envelope.answer_error(request, envelope.INVALID_KEY)
        await answer(scope, receive, send)


async def _welcome(_: Request) -> Response:
    return envelope.PaystackResponse({"status": True, "message": "Welcome to Paystack (sandbox)"})


def build(
    *, transactions: Transactions, refunds: Refunds, hosted: HostedPage, secret_key: str
) -> ASGIApp:
    """What listens on port 443."""
    api_routes: list[BaseRoute] = [
        Route("/", _welcome),
        *transactions.routes(),
        *refunds.routes(),
    ]
    api = Starlette(
        routes=api_routes,
        middleware=[Middleware(SecretKey, key=secret_key)],
        exception_handlers={ApiError: envelope.answer_error},
    )
    routes: list[BaseRoute] = [
        Host(CHECKOUT_HOST, Router(hosted.routes())),
        Host(API_HOST, api),
    ]
    return Telemetry(Starlette(routes=routes), service="paystack", routes=routes)


def build_health() -> ASGIApp:
    """What listens on the plain port inside the network."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/health", health), METRICS_ROUTE])
