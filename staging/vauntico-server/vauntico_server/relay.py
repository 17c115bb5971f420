"""Moves jobs from the outbox to Redis; while Redis is away they wait in PostgreSQL."""

from __future__ import annotations

import asyncio
import logging

from common.cache import TROUBLE, client
from common.database import Database, DatabaseUnavailable
from shop.jobs import STREAM, STREAM_LIMIT

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
BATCH = 100
REDIS_TIMEOUT_S = 0.5
BATCH_LIMIT_S = 2.0


class Relay:
    """
    At least once: a job is deleted here after Redis has it.

    A crash in between sends it again, which the engine does not mind.
    """

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis = client(redis_url, REDIS_TIMEOUT_S)

    async def run(self) -> None:
        """Move what is there; for ever, in the background."""
        while True:
            try:
                moved = await self._move()
            except TROUBLE as error:
                log.warning("jobs wait for Redis: %r", error)
                moved = 0
            except DatabaseUnavailable as error:
                log.warning("jobs wait for PostgreSQL: %s", error)
                moved = 0
            if moved < BATCH:
                await asyncio.sleep(LOOK_EVERY_S)

    async def send(self, job: str) -> None:
        """Give one job to Redis."""
        await self._redis.xadd(STREAM, {"job": job}, maxlen=STREAM_LIMIT, approximate=True)

    async def _move(self) -> int:
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT id, job FROM outbox ORDER BY id LIMIT $1", BATCH)
        sent: list[int] = []
        try:
            for row in rows:
                await self.send(row["job"])
                sent.append(row["id"])
        finally:
            if sent:
                async with self._database.connection(BATCH_LIMIT_S) as connection:
                    await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", sent)
        return len(sent)
