"""Threads for a synchronous SDK: looks may be left behind, acts queue up one behind another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from experiments.runtime.docker.engine import told

T = TypeVar("T")
LOOKERS = 16


class Lanes:
    """
    One worker queue a target for acts, and a pool for looks.

    A cancelled caller leaves its running act to end by itself; whatever is asked of the same target
    next waits for it. An act that had not begun is dropped.
    """

    def __init__(self) -> None:
        self._acts: dict[str, ThreadPoolExecutor] = {}
        self._looks = ThreadPoolExecutor(LOOKERS, "look")

    async def look(self, work: Callable[[], T]) -> T:
        """Read something; may be abandoned."""
        return await asyncio.wrap_future(self._looks.submit(_telling, work))

    async def act(self, target: str, work: Callable[[], T]) -> T:
        """Change something, behind every earlier act on *target*."""
        lane = self._acts.get(target)
        if lane is None:
            lane = self._acts[target] = ThreadPoolExecutor(1, f"act-{target}")
        return await asyncio.wrap_future(lane.submit(_telling, work))

    def close(self) -> None:
        """End the threads; acts under way are waited for."""
        self._looks.shutdown(wait=False, cancel_futures=True)
        for lane in self._acts.values():
            lane.shutdown(wait=True)


def _telling(work: Callable[[], T]) -> T:
    with told():
        return work()


async def all_ended(work: Sequence[Awaitable[object]]) -> None:
    """Run side by side; every one ends before the first error is raised."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
