"""The rate limit: so many calls a minute, shared by everybody who has the integration's key."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paystack_sandbox import envelope

WINDOW_S = 60.0


class RateLimit:
    """Counts calls of any endpoint in windows of a minute; a limit of 0 lets everything through."""

    def __init__(
        self, app: ASGIApp, *, calls: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._calls = calls
        self._clock = clock
        self._from = -WINDOW_S
        self._used = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._calls or scope["path"] == "/":
            await self._app(scope, receive, send)
            return
        now = self._clock()
        if now - self._from >= WINDOW_S:
            self._from, self._used = now, 0
        reset_s = max(1, round(self._from + WINDOW_S - now))
        if self._used >= self._calls:
            refusal = envelope.rate_limited(limit=self._calls, reset_s=reset_s)
            await refusal(scope, receive, send)
            return
        self._used += 1
        headers = envelope.rate_headers(self._calls, self._calls - self._used, reset_s)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = [(name.encode(), value.encode()) for name, value in headers.items()]
                message = {**message, "headers": [*message["headers"], *raw]}
            await send(message)

        await self._app(scope, receive, tell)
