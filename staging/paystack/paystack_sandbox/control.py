"""
The control port: what a drill breaks here, and the sandbox's own log of captures.

It is for drills and tests. What checks payments never reads it, or it would believe the sandbox
where it has to ask Paystack's API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from common import settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from paystack_sandbox import kinds
from paystack_sandbox.faults import LEASE_S, Board, Ended, Lease
from paystack_sandbox.store import Store

BODY_LIMIT = 10_000


class Token:
    """Lets nobody through without the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Request(scope).headers.get("authorization")
        if settings.same_secret(given, self._wanted):
            await self._app(scope, receive, send)
            return
        answer = JSONResponse({"error": "the control port needs its token"}, 401)
        await answer(scope, receive, send)


class Control:
    """Handlers."""

    def __init__(self, board: Board, store: Store) -> None:
        self._board = board
        self._store = store

    def app(self, token: str) -> ASGIApp:
        routes = [
            Route("/faults", self.list, methods=["GET"]),
            Route("/faults/{name}", self.put, methods=["PUT"]),
            Route("/faults/{name}", self.show, methods=["GET"]),
            Route("/faults/{name}", self.drop, methods=["DELETE"]),
            Route("/captures", self.captures, methods=["GET"]),
        ]
        return Token(Starlette(routes=routes), token)

    async def list(self, _: Request) -> Response:
        """What is in force, and the last of what was."""
        return JSONResponse(
            {
                "lease_s": LEASE_S,
                "faults": [self._told(n, lease) for n, lease in self._board.in_force().items()],
                "ended": [self._told(name, lease) for name, lease in self._board.ended],
            }
        )

    async def put(self, request: Request) -> Response:
        """Bring a fault into force for 3 s, or for 3 s more."""
        body = await request.body()
        try:
            fault = kinds.parse(json.loads(body[:BODY_LIMIT]))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 422)
        name = request.path_params["name"]
        try:
            lease = self._board.put(name, fault)
        except Ended:
            return JSONResponse({"error": f"{name} was ended; choose another name"}, 409)
        return JSONResponse(self._told(name, lease))

    async def show(self, request: Request) -> Response:
        name = request.path_params["name"]
        lease = self._board.in_force().get(name)
        if lease is None:
            return JSONResponse({"error": f"no fault {name} is in force"}, 404)
        return JSONResponse(self._told(name, lease))

    async def drop(self, request: Request) -> Response:
        """End a fault for good, in force or not: a refresh that comes late begins nothing."""
        name = request.path_params["name"]
        lease = self._board.drop(name)
        return JSONResponse({"name": name, "bit": lease.bit if lease else None})

    async def captures(self, _: Request) -> Response:
        """Every capture, oldest first: for a test that compares it with what a checker read."""
        rows = self._store.all("SELECT * FROM captures ORDER BY rowid")
        return JSONResponse({"captures": [dict(row) for row in rows]})

    def _told(self, name: str, lease: Lease) -> Mapping[str, Any]:
        fault, now = lease.fault, self._board.clock()
        return {
            "name": name,
            "kind": fault.kind,
            "share": fault.share,
            "count": fault.count,
            "only": fault.only,
            "routes": list(fault.routes),
            **fault.settings,
            "met": lease.met,
            "bit": lease.bit,
            "bit_since_s": None if lease.first_bit is None else now - lease.first_bit,
            "left_s": max(0.0, lease.until - now),
        }
