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
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE NOT NULL, code TEXT NOT NULL,
    first_name TEXT, last_name TEXT, phone TEXT, metadata TEXT, created_at TEXT
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
    paid_at TEXT,
    plan_id INTEGER REFERENCES plans (id),
    -- Epoch seconds: the customer has done everything and the money is on its way.
    settles_at REAL
);
CREATE TABLE IF NOT EXISTS authorizations (
    code TEXT PRIMARY KEY, customer_id INTEGER NOT NULL, card TEXT NOT NULL, at TEXT NOT NULL,
    UNIQUE (customer_id, card)
);
CREATE TABLE IF NOT EXISTS plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE NOT NULL, name TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, interval TEXT NOT NULL, description TEXT,
    invoice_limit INTEGER NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE NOT NULL, token TEXT NOT NULL,
    customer_id INTEGER NOT NULL, plan_id INTEGER NOT NULL, authorization TEXT NOT NULL,
    status TEXT NOT NULL, amount INTEGER NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_by_customer ON transactions (customer_id);
CREATE INDEX IF NOT EXISTS transactions_settling ON transactions (settles_at);
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
    next_at REAL NOT NULL, created_at TEXT NOT NULL, public_id TEXT, updated_at TEXT
);
CREATE INDEX IF NOT EXISTS events_by_status ON events (status, next_at);
CREATE INDEX IF NOT EXISTS events_by_transaction ON events (transaction_id);
CREATE INDEX IF NOT EXISTS refunds_by_transaction ON refunds (transaction_id);
CREATE TABLE IF NOT EXISTS trials (
    event_id INTEGER NOT NULL REFERENCES events (id),
    at TEXT NOT NULL, took_s REAL NOT NULL, response_code INTEGER, response TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trials_by_event ON trials (event_id);
"""
# Columns that a volume made by an earlier sandbox does not have.
ADDED = {
    "customers": (
        "first_name TEXT",
        "last_name TEXT",
        "phone TEXT",
        "metadata TEXT",
        "created_at TEXT",
    ),
    "transactions": ("plan_id INTEGER", "settles_at REAL"),
    "events": ("public_id TEXT", "updated_at TEXT"),
}

# What rows of an earlier sandbox lack.
CARRIED_OVER = """
UPDATE events SET public_id = printf('%024x', id) WHERE public_id IS NULL;
INSERT OR IGNORE INTO authorizations SELECT 'AUTH_' || substr(access_code, 1, 10), customer_id,
    card, paid_at FROM transactions WHERE paid_at IS NOT NULL AND card IS NOT NULL;
"""
# Ids as large as the real ones: a transaction's needs more than 32 bits.
FIRST_IDS = {
    "transactions": 5_600_000_000,
    "refunds": 18_400_000,
    "customers": 312_000_000,
    "plans": 3_100_000,
    "subscriptions": 1_050_000,
}
Row = sqlite3.Row


class Store:
    """The tables of the sandbox."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._add_columns()
        self._db.executescript(SCHEMA)
        self._db.executescript(CARRIED_OVER)
        for table, first in FIRST_IDS.items():
            self._db.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table, first, table),
            )

    def _add_columns(self) -> None:
        for table, columns in ADDED.items():
            known = {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns if known else ():
                if column.split()[0] not in known:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")

    def close(self) -> None:
        """Close the file; everything answered is in it already."""
        self._db.close()

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
            "INSERT INTO customers (email, code, created_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            email,
            f"CUS_{secrets.token_hex(8)[:15]}",
            now(),
        )
        row = self.one("SELECT id FROM customers WHERE email = ?", email)
        assert row is not None
        return int(row["id"])


def now() -> str:
    """The time as Paystack writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
