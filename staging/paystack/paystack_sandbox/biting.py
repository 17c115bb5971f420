"""Faults of the API: what comes instead of an answer, or after one that the caller never gets."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paystack_sandbox import envelope
from paystack_sandbox.faults import Board, Fault

CHECKOUT_HOST = "checkout.paystack.com"
SCRIPT_HOST = "js.paystack.co"
# Under this name a handler says in the scope what it did, if anybody wants to know.
DID = "paystack_sandbox.did"
INSTEAD = ("rate_limited", "cloudflare", "error", "key_revoked")
KINDS = ("slow", "answer_lost", *INSTEAD)
FIXED = {
    ("POST", "/transaction/initialize"): "initialize",
    ("POST", "/transaction/charge_authorization"): "charge_authorization",
    ("GET", "/transaction"): "list",
    ("POST", "/refund"): "refund",
    ("GET", "/"): "welcome",
}
PREFIXES = {
    "/transaction/verify/": "verify",
    "/transaction/timeline/": "timeline",
    "/transaction/": "fetch",
    "/refund": "refunds",
    "/customer": "customer",
    "/plan": "plan",
    "/subscription": "subscription",
    "/integration/webhooks/": "webhook_events",
}
PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><title>api.paystack.co | {status}: {title}</title></head>
<body><div id="cf-wrapper"><h1>{title} <span>Error code {status}</span></h1>
<p>Cloudflare Ray ID: <strong>{ray}</strong></p></div></body></html>
"""


def route_of(host: str, method: str, path: str) -> str:
    """The name by which faults know a request."""
    if host == CHECKOUT_HOST:
        return "capture" if method == "POST" and path.endswith("/pay") else "page"
    if host == SCRIPT_HOST:
        return "script"
    path = path.rstrip("/") or "/"
    for prefix, name in PREFIXES.items():
        if (method, path) not in FIXED and path.startswith(prefix):
            return name
    return FIXED.get((method, path), "other")


class Biting:
    """Stands before all sites."""

    def __init__(self, app: ASGIApp, board: Board) -> None:
        self._app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._board.has(*KINDS):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        host = request.headers.get("host", "").partition(":")[0]
        route = route_of(host, scope["method"], scope["path"])
        body = await request.body()
        given = unquote_plus(body.decode("utf-8", "replace"))
        text = f"{scope['path']}?{scope['query_string'].decode('latin-1')} {given}"
        slow = self._board.bite("slow", text, route)
        if slow and not slow.settings["done_first"]:
            await asyncio.sleep(slow.number("delay_s"))
        for kind in INSTEAD:
            fault = self._board.bite(kind, text, route)
            if fault:
                await _answer(fault)(scope, receive, send)
                return
        await self._handled(scope, _again(body), send, slow, text=text, route=route)

    async def _handled(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        slow: Fault | None,
        *,
        text: str,
        route: str,
    ) -> None:
        """Do the work; then the answer is sent, sent late, or lost."""
        held: list[Message] = []
        did: dict[str, bool] = {}
        scope[DID] = did

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        if slow and slow.settings["done_first"]:
            await asyncio.sleep(slow.number("delay_s"))
        # Only what was done can have its answer lost: a page that asks for a PIN has moved nothing.
        done = bool(did) if route == "capture" else held[0]["status"] < 300
        if done and self._board.bite("answer_lost", text, route):
            _reset(send)
            return
        for message in held:
            await send(message)


def _again(body: bytes) -> Receive:
    """A body that was read already, for who comes next."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    return receive


def _answer(fault: Fault) -> Response:
    """What comes instead of Paystack's own answer."""
    if fault.kind == "rate_limited":
        return envelope.rate_limited(reset_s=int(fault.number("reset_s")))
    if fault.kind == "key_revoked":
        return envelope.PaystackResponse(envelope.INVALID_KEY.body, 401)
    status = int(fault.number("status"))
    if fault.kind == "error":
        body = {"status": False, "message": "An error occurred", "type": "api_error"}
        return envelope.PaystackResponse({**body, "code": "unknown", "meta": {}}, status)
    ray = secrets.token_hex(8)
    title = "Just a moment..." if status == 403 else "Bad gateway"
    headers = {"server": "cloudflare", "cf-ray": f"{ray}-LOS"}
    return HTMLResponse(PAGE.format(status=status, title=title, ray=ray), status, headers)


def _reset(send: Send) -> None:
    """
    Cut the connection with a TCP reset.

    Raises:
        ConnectionResetError: Where there is no connection, as in a test that calls us directly.
    """
    # Uvicorn's cycle, whose method `send` is, holds the transport; ASGI itself has no word for it.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the answer is lost")
    raw = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
