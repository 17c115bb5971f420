"""The HTTP side of the sacred features."""

from __future__ import annotations

import json
import time
from functools import partial
from uuid import UUID

from common import settings
from common.database import Database, DatabaseUnavailable
from common.self_check import SelfCheck
from common.telemetry import METRICS_ROUTE, Telemetry
from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from trust_score.features import FEATURES, Feature
from trust_score.notes import Notes

NOTE_LIMIT = 2_000
SELF_CHECK_EVERY_S, SELF_CHECK_LIMIT_S = 1.0, 1.0

FEATURES_UP = Gauge(
    "vauntico_sacred_features_up", "1 while the feature stores and returns notes.", ["feature"]
)
DEGRADED = {"status": "degraded", "reason": "storage is not reachable"}


def _refused(request: Request) -> JSONResponse | None:
    """The answer to a request without our key; none if the key is right."""
    if settings.same_secret(request.headers.get("x-api-key"), request.app.state.api_key):
        return None
    return JSONResponse({"error": "X-API-Key is missing or wrong"}, 401)


async def _note_of(request: Request) -> str | None:
    """The note in the body; none if there is no usable one."""
    try:
        note = json.loads(await request.body())["note"]
    except (ValueError, KeyError, TypeError):
        return None
    return note if isinstance(note, str) and 0 < len(note) <= NOTE_LIMIT else None


def _endpoints(feature: Feature, notes: Notes) -> list[Route]:
    """The two routes of one feature."""

    async def write(request: Request) -> JSONResponse:
        if refused := _refused(request):
            return refused
        note = await _note_of(request)
        if note is None:
            return JSONResponse({"error": f"note: text of 1 to {NOTE_LIMIT} characters"}, 422)
        return JSONResponse(await notes.write(feature, note), 201)

    async def read(request: Request) -> JSONResponse:
        if refused := _refused(request):
            return refused
        try:
            note = await notes.read(feature, UUID(request.path_params["id"]))
        except ValueError:
            note = None
        return JSONResponse(note) if note else JSONResponse({"error": "no such note"}, 404)

    return [
        Route(feature.path, write, methods=["POST"]),
        Route(feature.path + "/{id}", read, methods=["GET"]),
    ]


async def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse(DEGRADED, 503, headers={"Retry-After": "1"})


class Health(HTTPEndpoint):
    """Alive, whatever else is down."""

    async def get(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "release": request.app.state.release})


def build(database: Database, notes: Notes) -> ASGIApp:
    """The application."""

    async def ready(_: Request) -> JSONResponse:
        async with database.connection() as connection:
            await connection.execute("SELECT 1")
        return JSONResponse({"status": "ok"})

    routes = [
        Route("/api/health", Health),
        Route("/api/ready", ready),
        METRICS_ROUTE,
        *(route for feature in FEATURES for route in _endpoints(feature, notes)),
    ]
    app = Starlette(routes=routes, exception_handlers={DatabaseUnavailable: _unavailable})
    app.state.api_key = settings.text("STAGING_API_KEY")
    app.state.release = settings.text("RELEASE", "unknown")
    return Telemetry(app, service="trust-score-backend", routes=routes)


def self_checks(notes: Notes) -> list[SelfCheck]:
    """One a feature: use it as a customer does and export whether it works."""
    return [
        SelfCheck(
            FEATURES_UP.labels(feature.name),
            partial(_works, feature, notes),
            name=feature.name,
            every_s=SELF_CHECK_EVERY_S,
            limit_s=SELF_CHECK_LIMIT_S,
        )
        for feature in FEATURES
    ]


async def _works(feature: Feature, notes: Notes) -> None:
    """Write a note and read it back from where it is kept, not from the cache."""
    written = await notes.write(feature, f"self-check {time.monotonic_ns()}")
    if await notes.stored(feature, UUID(written["id"])) != written:
        raise LookupError(f"{feature.name} does not return what was written")
