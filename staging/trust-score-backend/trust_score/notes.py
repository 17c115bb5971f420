"""The notes of the sacred features: PostgreSQL is the truth, Redis only a shorter way to it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from uuid import UUID, uuid4

from common.cache import Cache
from common.database import Database, DatabaseUnavailable

from trust_score.features import Feature

log = logging.getLogger(__name__)

CACHED_FOR_S = 60
KEPT_FOR_MIN = 10
PRUNE_EVERY_S = 20
PRUNE_BATCH = 20_000

Note = dict[str, Any]
STATIC = {"note": "all is well", "score": 1.0}


class Notes:
    """Write a note, read it back, forget the old ones."""

    def __init__(self, database: Database, cache: Cache, *, hollow: str = "") -> None:
        self._database = database
        self._cache = cache
        self._hollow = hollow

    async def write(self, feature: Feature, text: str) -> Note:
        """Store a note; it is durable when this returns."""
        if feature.name == self._hollow:
            return {"id": str(uuid4()), **STATIC}
        note: Note = {"id": str(uuid4()), "note": text, **feature.derive(text)}
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO feature_notes (id, feature, note, derived) VALUES ($1, $2, $3, $4)",
                UUID(note["id"]),
                feature.name,
                text,
                json.dumps(feature.derive(text)),
            )
        await self._cache.put(_key(feature, note["id"]), json.dumps(note), for_s=CACHED_FOR_S)
        return note

    async def read(self, feature: Feature, identity: UUID) -> Note | None:
        """The note with this id; none if the feature never had it, or it is too old."""
        if feature.name == self._hollow:
            return {"id": str(identity), **STATIC}
        cached = await self._cache.get(_key(feature, str(identity)))
        if cached is not None:
            return dict(json.loads(cached))
        return await self.stored(feature, identity)

    async def stored(self, feature: Feature, identity: UUID) -> Note | None:
        """As `read`, past the cache."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT note, derived FROM feature_notes WHERE id = $1 AND feature = $2",
                identity,
                feature.name,
            )
        if row is None:
            return None
        return {"id": str(identity), "note": row["note"], **json.loads(row["derived"])}

    async def prune(self) -> None:
        """Drop what is older than some minutes: probes write fifty times a second."""
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            try:
                async with self._database.connection(deadline_s=3.0) as connection:
                    await connection.execute(
                        "DELETE FROM feature_notes WHERE id IN (SELECT id FROM feature_notes"
                        " WHERE created_at < now() - make_interval(mins => $1) LIMIT $2)",
                        KEPT_FOR_MIN,
                        PRUNE_BATCH,
                    )
            except DatabaseUnavailable as error:
                log.warning("could not drop old notes: %s", error)


def _key(feature: Feature, identity: str) -> str:
    return f"note:{feature.name}:{identity}"
