"""A service's look at itself: repeated, bounded, and told to Prometheus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

log = logging.getLogger(__name__)

# A look that is this much later than it may be counts as a bad one.
LATE_S = 1.0


class SelfCheck:
    """
    Sets a gauge to 1 while its check succeeds, to 0 as soon as it does not.

    The gauge never keeps an old 1: if no look has succeeded for longer than one may take, it says
    0 by itself. Reading it waits for nothing, so that /metrics answers whatever hangs.
    """

    def __init__(
        self,
        gauge: Gauge,
        check: Callable[[], Awaitable[object]],
        *,
        name: str,
        every_s: float,
        limit_s: float,
    ) -> None:
        self._check, self._name = check, name
        self._every_s, self._limit_s = every_s, limit_s
        self._good_at = float("-inf")
        self._error: str | None = None
        gauge.set_function(self._value)

    async def run(self) -> None:
        """Look; for ever, in the background."""
        while True:
            began = time.monotonic()
            error = await self._look()
            if error is None:
                self._good_at = time.monotonic()
            if error != self._error:
                log.warning("self check of %s: %s", self._name, error or "good again")
            self._error = error
            await asyncio.sleep(max(0.0, began + self._every_s - time.monotonic()))

    async def _look(self) -> str | None:
        """What is wrong, if anything. What takes too long is left behind, not waited for."""
        look = asyncio.ensure_future(self._check())
        look.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait({look}, timeout=self._limit_s)
        finally:
            look.cancel()
        if not look.done():
            return f"no answer within {self._limit_s} s"
        if look.cancelled():
            # A connection that broke in its making may end so; it must not end the checks with it.
            return "cancelled by what it asked"
        return repr(look.exception()) if look.exception() else None

    def _value(self) -> float:
        if self._error is not None:
            return 0.0
        late_s = time.monotonic() - self._good_at - self._every_s - self._limit_s
        return 1.0 if late_s < LATE_S else 0.0
