"""python3 -m trust_score"""

from __future__ import annotations

from pathlib import Path

from common import settings
from common.cache import Cache
from common.database import Database
from common.serving import run, serve, server

from trust_score.app import build, self_checks
from trust_score.notes import Notes
from trust_score.release import current

PORT = 3001


async def main() -> None:
    """Put the parts together and serve."""
    release = current()
    if release.asks_for:
        settings.text(release.asks_for)
    schema = Path(__file__).with_name("schema.sql").read_text()
    database = Database(settings.text("DATABASE_URL"), schema=schema)
    cache = Cache(settings.text("REDIS_URL"))
    notes = Notes(database, cache, hollow=release.hollow)
    app = build(database, notes)
    checks = [database.self_check("trust-score-backend"), *self_checks(notes)]
    await serve(
        server(app, PORT),
        tasks=(cache.watch, notes.prune, *(check.run for check in checks)),
    )


run(main)
