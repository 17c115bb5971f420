"""Jobs from the shop to the engine: through the outbox, so that none is lost with Redis."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

STREAM = "fulfillment:jobs"
GROUP = "fulfillment-engine"
STREAM_LIMIT = 10_000


async def enqueue(connection: asyncpg.Connection, job: dict[str, Any]) -> None:
    """Put a job into the outbox; inside the transaction that gives rise to it."""
    await connection.execute("INSERT INTO outbox (job) VALUES ($1)", json.dumps(job))
