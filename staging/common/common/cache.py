"""
Redis as a cache: a help while it is there, never a reason to fail or to be slow.

While the circuit is open nobody waits for Redis; a background task asks it twice a second and
closes the circuit at its first answer.
"""

from __future__ import annotations

import asyncio
import logging

from redis import asyncio as redis
from redis.asyncio import connection
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Debian's async-timeout 4.0.2 leaves a task looking cancelled after each deadline that has passed:
# the next one of asyncio's own, PostgreSQL's, would then end the task and not be told. asyncio's
# deadlines are made in the same way and take their cancellation back.
connection.async_timeout = asyncio

TIMEOUT_S = 0.05
ASK_AGAIN_S = 0.5
# What Redis, its connections and the lookup of its name raise.
TROUBLE = (RedisError, OSError, TimeoutError)


def client(url: str, timeout_s: float) -> redis.Redis:
    """
    A client whose every wait is bounded by redis-py itself.

    Not by cancelling it from outside: a cancelled command of this version leaves its answer in a
    connection that is used again, and the next reader would get somebody else's value.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        max_connections=64,
    )


class Cache:
    """Get and put with a circuit breaker; both say nothing when Redis is away."""

    def __init__(self, url: str) -> None:
        self._redis = client(url, TIMEOUT_S)
        self._closed = False  # the circuit is open until Redis has answered once

    async def get(self, key: str) -> str | None:
        """The value of *key* if Redis is there and has it."""
        if not self._closed:
            return None
        try:
            return await self._redis.get(key)
        except TROUBLE as error:
            self._open(error)
            return None

    async def put(self, key: str, value: str, *, for_s: int) -> None:
        """Keep *value* for a while if Redis is there."""
        if not self._closed:
            return
        try:
            await self._redis.set(key, value, ex=for_s)
        except TROUBLE as error:
            self._open(error)

    async def watch(self) -> None:
        """Close the circuit when Redis is back; runs for ever in the background."""
        while True:
            if not self._closed:
                try:
                    self._closed = bool(await self._redis.ping())
                except TROUBLE:
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(ASK_AGAIN_S)

    def _open(self, error: BaseException) -> None:
        if self._closed:
            log.warning("Redis is away, going on without it: %r", error)
        self._closed = False
