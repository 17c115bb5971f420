"""Whose cancellation it is: libraries let out one of their own when a connection breaks."""

from __future__ import annotations

import asyncio


def is_asked_to_end() -> bool:
    """Whether this task itself was cancelled, rather than something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
