"""The sandbox's file outlives the sandbox: its restarts, and its releases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.staging.sandbox.inside import opened

pytestmark = pytest.mark.anyio
# As the first sandbox made it, with one paid transaction and its event.
EARLIER = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE NOT NULL, code TEXT NOT NULL
);
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT UNIQUE NOT NULL,
    access_code TEXT UNIQUE NOT NULL, customer_id INTEGER NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, callback_url TEXT, metadata TEXT NOT NULL, status TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT 'card', card TEXT, gateway_response TEXT NOT NULL, message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, paid_at TEXT
);
CREATE TABLE captures (
    reference TEXT PRIMARY KEY, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    fees INTEGER NOT NULL, at TEXT NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, transaction_id INTEGER NOT NULL,
    body BLOB NOT NULL, status TEXT NOT NULL DEFAULT 'Pending', trials INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL, created_at TEXT NOT NULL
);
INSERT INTO customers VALUES (7, 'ada@drill.test', 'CUS_old');
INSERT INTO transactions VALUES (4100000001, 'old', 'access-of-old', 7, 500, 'NGN', NULL, '""',
    'success', 'over', '4084084084084081', 'Successful', NULL, 1, '2026-01-01T00:00:00.000Z',
    '2026-01-01T00:00:01.000Z');
INSERT INTO captures VALUES ('old', 500, 'NGN', 8, '2026-01-01T00:00:01.000Z');
INSERT INTO events VALUES (1, 'charge.success', 4100000001, '{}', 'Delivered', 1, 0,
    '2026-01-01T00:00:01.000Z');
"""


async def test_what_an_earlier_sandbox_wrote_is_read(tmp_path: Path) -> None:
    """A volume of an earlier release keeps its payments, cards and events, and takes new ones."""
    file = sqlite3.connect(tmp_path / "paystack.sqlite")
    file.executescript(EARLIER)
    file.close()

    with opened(tmp_path) as inside:
        old = await inside.verify("old")
        event = await inside.api.get("/integration/webhooks/events/lookup?reference=4100000001")
        fresh = await inside.paid()

    assert (old["status"], old["amount"], old["currency"]) == ("success", 500, "NGN")
    assert old["authorization"]["authorization_code"] == "AUTH_access-of-"
    assert event.json()["data"]["_id"] == "0" * 23 + "1"
    assert fresh["id"] > old["id"]


async def test_it_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    """The file is written through at each commit: WAL with `synchronous=FULL`."""
    with opened(tmp_path) as inside:
        modes = [
            inside.sandbox.store.one(f"PRAGMA {name}")[0]
            for name in ("journal_mode", "synchronous")
        ]
        await inside.paid(reference="kept")
        other = sqlite3.connect(tmp_path / "paystack.sqlite")
        seen = other.execute("SELECT reference FROM captures").fetchall()
        other.close()

    assert modes == ["wal", 2]
    assert seen == [("kept",)]
