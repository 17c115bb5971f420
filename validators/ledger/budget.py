"""A budget of calls: Paystack counts the shop's and ours together, and we must not starve it."""

from collections import deque

import anyio

WINDOW_S = 60.0


class Budget:
    """
    At most so many calls in any minute; who asks for one more waits.

    Args:
        calls: How many.
    """

    def __init__(self, calls: int) -> None:
        self._taken: deque[float] = deque(maxlen=calls)
        self._calls = calls
        self._lock = anyio.Lock()

    async def take(self) -> None:
        """Wait until a call may be made, and count it."""
        async with self._lock:
            if len(self._taken) == self._calls:
                await anyio.sleep_until(self._taken[0] + WINDOW_S)
            self._taken.append(anyio.current_time())
