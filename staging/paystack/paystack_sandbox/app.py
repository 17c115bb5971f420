"""The sandbox's sites on one address: hosted page and script by host, the API by any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common import settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from paystack_sandbox import envelope, inline
from paystack_sandbox.biting import CHECKOUT_HOST, SCRIPT_HOST
from paystack_sandbox.envelope import ApiError
from paystack_sandbox.limits import RateLimit


@dataclass(frozen=True)
class Integration:
    """The merchant: its key, and how many calls a minute it has; 0 is no limit."""

    secret_key: str
    calls_per_minute: int = 0


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


class AnySlash:
    """A slash at the end of a path changes nothing: clients send it, and follow no redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)


async def _welcome(_: Request) -> Response:
    return envelope.PaystackResponse({"status": True, "message": "Welcome to Paystack (sandbox)"})


def build(
    api_routes: Sequence[BaseRoute], hosted_routes: Sequence[BaseRoute], merchant: Integration
) -> Starlette:
    """What listens on port 443, without faults and metrics."""
    api = Starlette(
        routes=[Route("/", _welcome), *api_routes],
        middleware=[
            Middleware(SecretKey, key=merchant.secret_key),
            Middleware(RateLimit, calls=merchant.calls_per_minute),
        ],
        exception_handlers={ApiError: envelope.answer_error},
    )
    return Starlette(
        routes=[
            Host(CHECKOUT_HOST, Router(list(hosted_routes))),
            Host(SCRIPT_HOST, Router(list(inline.ROUTES))),
            Mount("/", api),
        ],
        middleware=[Middleware(AnySlash)],
    )


async def health(_: Request) -> Response:
    """What the container's health check asks."""
    return JSONResponse({"status": "ok"})
