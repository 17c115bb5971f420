"""Prometheus metrics of a Starlette application, labelled by route, never by raw path."""

from __future__ import annotations

import time

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Counter(
    "http_requests_total", "Requests answered.", ["service", "method", "path", "status"]
)
DURATIONS = Histogram(
    "http_request_duration_seconds",
    "Time to answer a request.",
    ["service", "method", "path"],
    buckets=BUCKETS_S,
)


def route_path(routes: list[BaseRoute], scope: Scope) -> str:
    """The pattern that matches the request, so that ids in paths do not make new series."""
    for route in routes:
        match, child = route.matches(scope)
        if match is Match.NONE:
            continue
        if isinstance(route, Route):
            return route.path
        inner = getattr(route, "routes", None)
        if inner:
            prefix = route.path if isinstance(route, Mount) else ""
            return prefix + route_path(list(inner), {**scope, **child})
    return "unmatched"


class Telemetry:
    """Counts and times every request of the application it wraps."""

    def __init__(self, app: ASGIApp, *, service: str, routes: list[BaseRoute]) -> None:
        self._app = app
        self._service = service
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            path = route_path(self._routes, scope)
            method = scope["method"]
            REQUESTS.labels(self._service, method, path, str(status)).inc()
            DURATIONS.labels(self._service, method, path).observe(time.perf_counter() - started)


async def metrics(_: Request) -> Response:
    """What Prometheus scrapes."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


METRICS_ROUTE = Route("/metrics", metrics)
