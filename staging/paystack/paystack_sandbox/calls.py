"""How often the API is called, and by whom: what was bitten by a fault counts as well."""

from __future__ import annotations

from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from paystack_sandbox.biting import CHECKOUT_HOST, SCRIPT_HOST

CALLS = Counter("paystack_calls_total", "Calls of the API, by who makes them.", ["caller"])
DRILL = "vauntico-drills"


class Counted:
    """Counts every call but those of `/`, which nobody's limit knows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        for caller in ("drill", "shop"):
            CALLS.labels(caller)  # A count that is not there yet would not be 0, but nothing.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "").partition(":")[0]
            if host not in (CHECKOUT_HOST, SCRIPT_HOST) and scope["path"] != "/":
                drills = headers.get("user-agent", "").startswith(DRILL)
                CALLS.labels("drill" if drills else "shop").inc()
        await self._app(scope, receive, send)
