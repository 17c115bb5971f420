"""python3 -m trust_score"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from common import settings
from common.cache import Cache
from common.database import Database
from common.serving import run, serve, server

from trust_score.app import build, watch_features
from trust_score.notes import Notes

PORT = 3001


async def main() -> None:
    """Put the parts together and serve."""
    schema = Path(__file__).with_name("schema.sql")
    database = Database(settings.text("DATABASE_URL"), schema=schema)
    cache = Cache(settings.text("REDIS_URL"))
    notes = Notes(database, cache)
    app = build(database, notes)
    await serve(server(app, PORT), tasks=(cache.watch, notes.prune, partial(watch_features, notes)))


run(main)
