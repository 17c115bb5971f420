"""
The sandbox's own ledger, in SQLite on a volume.

WAL with synchronous=FULL: what was committed is still there after a SIGKILL or a lost machine.
Calls are short and made from the event loop itself, so that they never interleave.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE NOT NULL, code TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reference TEXT UNIQUE NOT NULL,
    access_code TEXT UNIQUE NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    callback_url TEXT,
    metadata TEXT NOT NULL,
    status TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT 'card',
    card TEXT,
    gateway_response TEXT NOT NULL,
    message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    paid_at TEXT
);
-- The primary key is the promise: a reference is captured once, whatever is asked twice.
CREATE TABLE IF NOT EXISTS captures (
    reference TEXT PRIMARY KEY REFERENCES transactions (reference),
    amount INTEGER NOT NULL, currency TEXT NOT NULL, fees INTEGER NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    amount INTEGER NOT NULL, status TEXT NOT NULL, reference TEXT NOT NULL,
    customer_note TEXT, merchant_note TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL, transaction_id INTEGER NOT NULL, body BLOB NOT NULL,
    status TEXT NOT NULL DEFAULT 'Pending', trials INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS trials (
    event_id INTEGER NOT NULL REFERENCES events (id),
    at TEXT NOT NULL, took_s REAL NOT NULL, response_code INTEGER, response TEXT NOT NULL
);
"""

# Real ids are long; ours start where nobody takes them for a row number.
FIRST_ID = 4_100_000_000
Row = sqlite3.Row


class Store:
    """The tables of the sandbox."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)
        for table in ("transactions", "refunds"):
            self._db.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table, FIRST_ID, table),
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the body or none of it, and durable when the `with` is left."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._db.execute(sql, values)

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row of a query."""
        row: Row | None = self._db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return self._db.execute(sql, values).fetchall()

    def customer_id(self, email: str) -> int:
        """The id of the customer with this e-mail address, made when new."""
        self.run(
            "INSERT INTO customers (email, code) VALUES (?, ?) ON CONFLICT DO NOTHING",
            email,
            f"CUS_{secrets.token_hex(8)[:15]}",
        )
        row = self.one("SELECT id FROM customers WHERE email = ?", email)
        assert row is not None
        return int(row["id"])


def now() -> str:
    """The time as Paystack writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
