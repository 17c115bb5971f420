"""
The versions of the shop's tables.

A migration says which release's tables are the oldest that can still be worked with. A release
that finds the database beyond what it knows, and no longer fit for it, refuses to start.
"""

from __future__ import annotations

import logging

from common.database import TOO_NEW, Database, DatabaseUnavailable, SchemaTooNew
from shop import bugs, tables

from vauntico_server.release import Release

log = logging.getLogger(__name__)

REFUSED = 3  # the exit code
# version -> the oldest version whose releases still run on it, and what it does to the tables
MIGRATIONS = {
    2: (1, "ALTER TABLE accounts ADD COLUMN locale text"),
    # Older releases read and write the column under its old name.
    3: (3, "ALTER TABLE accounts RENAME COLUMN password_hash TO password_scrypt"),
}
VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version integer PRIMARY KEY,
    runs_from integer NOT NULL,
    release text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON schema_versions TO drill_reader;
"""


def schema_of(release: Release) -> str:
    """SQL that brings the database to what the release needs, or refuses; may run again."""
    refuse = f"""
    DO $$ DECLARE needed integer := (SELECT max(runs_from) FROM schema_versions);
    BEGIN
        IF needed > {release.schema} THEN
            RAISE EXCEPTION 'the tables need schema version %, release {release.name} knows %',
                needed, {release.schema} USING ERRCODE = '{TOO_NEW}';
        END IF;
    END $$;
    """
    steps = [
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM schema_versions WHERE version = {version}) THEN
                {change};
                INSERT INTO schema_versions VALUES ({version}, {runs_from}, '{release.name}');
            END IF;
        END $$;
        """
        for version, (runs_from, change) in MIGRATIONS.items()
        if version <= release.schema
    ]
    return "".join((VERSIONS, refuse, tables.schema(bugs.current()), *steps))


async def refuse_newer(database: Database) -> None:
    """
    Look at the tables before serving anybody.

    Raises:
        SystemExit: if they are too new. While PostgreSQL is away there is nothing to say: the
            shop starts without it, and `Database` refuses as soon as it is back.
    """
    try:
        async with database.connection() as connection:
            await connection.execute("SELECT 1")
    except SchemaTooNew as error:
        log.critical("refusing to start: %s", error)
        raise SystemExit(REFUSED) from error
    except DatabaseUnavailable as error:
        log.warning("starting without PostgreSQL: %s", error)
