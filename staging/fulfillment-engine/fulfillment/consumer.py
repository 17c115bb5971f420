"""Takes jobs from the Redis stream, and those that a dead engine left behind."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

from common.cache import TROUBLE, client
from common.database import DatabaseUnavailable
from redis.exceptions import ResponseError
from shop import bugs
from shop.jobs import GROUP, STREAM
from shop.paystack_api import PaystackUnavailable

from fulfillment.fulfil import Fulfilment

log = logging.getLogger(__name__)

BLOCK_MS = 1_000
SOCKET_TIMEOUT_S = 1.5
BATCH = 20
LEFT_BEHIND_MS = 5_000
PAUSE_S = 0.2


class Consumer:
    """
    At least once: a job is acknowledged after its work is committed.

    What is not acknowledged comes again by XAUTOCLAIM; what Redis forgot is found in PostgreSQL
    by the reconciler.
    """

    def __init__(self, redis_url: str, fulfilment: Fulfilment) -> None:
        self._redis = client(redis_url, SOCKET_TIMEOUT_S)
        self._fulfilment = fulfilment
        self._name = socket.gethostname()

    async def run(self) -> None:
        """Take jobs; for ever, in the background."""
        while True:
            try:
                await self._ensure_group()
                while True:
                    await self._round()
            except TROUBLE as error:
                log.warning("no jobs from Redis: %r", error)
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(PAUSE_S)

    async def _ensure_group(self) -> None:
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _round(self) -> None:
        left = await self._redis.xautoclaim(
            STREAM, GROUP, self._name, LEFT_BEHIND_MS, start_id="0-0", count=BATCH
        )
        fresh = await self._redis.xreadgroup(
            GROUP, self._name, {STREAM: ">"}, count=BATCH, block=BLOCK_MS
        )
        jobs = [*left[1], *(entry for _, entries in fresh for entry in entries)]
        if bugs.planted("job_acknowledged_first") and jobs:
            await self._redis.xack(STREAM, GROUP, *(entry_id for entry_id, _ in jobs))
        # At once, so that a Paystack that is slow to verify one does not hold up the others.
        done = await asyncio.gather(*(self._work(fields) for _, fields in jobs))
        finished = [entry_id for (entry_id, _), well in zip(jobs, done, strict=True) if well]
        if finished:
            await self._redis.xack(STREAM, GROUP, *finished)
        if bugs.planted("effects_on_redo"):
            for _, fields in left[1]:
                await self._fulfilment.effects_again(json.loads(fields["job"]))

    async def _work(self, fields: dict[str, str] | None) -> bool:
        """
        Do one job.

        Returns:
            Whether it may be acknowledged: done, or left to the reconciler, which never forgets.
        """
        try:
            job = json.loads((fields or {})["job"])
            if job["kind"] == "event":
                await self._fulfilment.event(int(job["event_id"]))
            elif job["kind"] == "order":
                await self._fulfilment.order(str(job["order_id"]))
            else:
                log.error("a job of no known kind: %s", job)
        except (KeyError, TypeError, ValueError) as error:
            # No traceback: the job is what is wrong, not we.
            log.warning("a job that cannot be read: %s: %r", fields, error)
        except PaystackUnavailable as error:
            log.warning("left to the reconciler: %s", error)
        except DatabaseUnavailable as error:
            log.warning("left for another try: %s", error)
            await asyncio.sleep(PAUSE_S)
            return False
        return True
