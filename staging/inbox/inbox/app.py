"""The HTTP side of the inbox: Slack's two ways in, and what was caught."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from common.telemetry import METRICS_ROUTE, Telemetry
from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from inbox.alerts import Alerts
from inbox.store import Store, now

SHOWN = 100
TEXT_LIMIT = 20_000


async def _payload(request: Request) -> dict[str, Any]:
    """What was posted: JSON, or a form as Slack also takes it (`payload=` or plain fields)."""
    body = (await request.body()).decode("utf-8", "replace")
    if not request.headers.get("content-type", "").startswith("application/json"):
        form = dict(parse_qsl(body))
        if form and "payload" not in form:
            return dict(form)
        body = form.get("payload", body)
    try:
        payload = json.loads(body)
    except ValueError:
        return {"text": body}
    return payload if isinstance(payload, dict) else {"text": body}


def _support_routes(store: Store) -> list[Route]:
    """The support mailbox."""

    async def write(request: Request) -> Response:
        given = await _payload(request)
        sender, text = str(given.get("from") or ""), str(given.get("text") or "")
        if "@" not in sender or not 0 < len(text) <= TEXT_LIMIT:
            error = f"from: an address; text: 1 to {TEXT_LIMIT} characters"
            return JSONResponse({"error": error}, 422)
        subject = str(given.get("subject") or "")
        message = store.add_support(sender, subject, text, via="http", received_at=now())
        return JSONResponse(message.as_json(), 201)

    async def read(_: Request) -> Response:
        return JSONResponse([message.as_json() for message in store.support()])

    return [Route("/api/support", write, methods=["POST"]), Route("/api/support", read)]


def _alert_routes() -> list[Route]:
    """Where Alertmanager delivers, and what has been delivered."""
    alerts = Alerts()

    async def deliver(request: Request) -> Response:
        try:
            alerts.add(await _payload(request))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"status": "ok"})

    async def read(_: Request) -> Response:
        return JSONResponse(alerts.newest_first())

    return [Route("/alertmanager", deliver, methods=["POST"]), Route("/api/alerts", read)]


def build(store: Store) -> ASGIApp:
    """The application."""
    page = Environment(loader=PackageLoader("inbox"), autoescape=True).get_template("inbox.html")

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def index(_: Request) -> Response:
        return HTMLResponse(page.render(mails=store.mails()[:SHOWN], slack=store.slack()[:SHOWN]))

    async def messages(request: Request) -> Response:
        found = store.mails(request.query_params.get("to"))
        return JSONResponse([mail.as_json() for mail in found])

    async def slack(_: Request) -> Response:
        return JSONResponse([asdict(message) for message in store.slack()])

    async def hook(request: Request) -> Response:
        store.add_slack(f"hook {request.path_params['hook']}", await _payload(request))
        return PlainTextResponse("ok")

    async def post_message(request: Request) -> Response:
        payload = await _payload(request)
        store.add_slack("chat.postMessage", payload)
        stamp = f"{time.time():.6f}"  # Slack's own names for messages look like this
        return JSONResponse(
            {"ok": True, "channel": payload.get("channel", ""), "ts": stamp, "message": payload}
        )

    routes = [
        Route("/", index),
        Route("/health", health),
        Route("/api/messages", messages),
        Route("/api/slack", slack),
        Route("/slack/{hook:path}", hook, methods=["POST"]),
        Route("/api/chat.postMessage", post_message, methods=["POST"]),
        *_support_routes(store),
        *_alert_routes(),
        METRICS_ROUTE,
    ]
    return Telemetry(Starlette(routes=routes), service="inbox", routes=routes)
