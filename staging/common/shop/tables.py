"""The shop's tables, and the unique indexes by which a purchase happens once."""

from __future__ import annotations

from pathlib import Path

from common.database import TOO_NEW

from shop.bugs import Bugs

TABLES = Path(__file__).with_name("schema.sql").read_text()
# name -> what is there once
UNIQUE = {
    # Two tabs are one purchase: the second finds the order of the first.
    "one_live_order_each": "orders (account_id, product)"
    " WHERE once_only AND state IN ('open', 'paid', 'fulfilled', 'refunding')",
    "one_open_order_each": "orders (account_id, product) WHERE state = 'open'",
    "orders_paid_reference_key": "orders (paid_reference)",
    "grants_order_id_key": "grants (order_id)",
    "grants_reference_key": "grants (reference)",
    "one_pass_each": "grants (account_id, product) WHERE once_only AND revoked_at IS NULL",
}


def schema(bugs: Bugs) -> str:
    """
    SQL that makes what is missing; it may run again.

    What is in a planted bug's way goes. What cannot be made again, as a planted bug of former days
    left duplicates behind, is said.
    """
    gone = {name: on for name, on in UNIQUE.items() if name in bugs.dropped}
    kept = {name: on for name, on in UNIQUE.items() if name not in bugs.dropped}
    made = "".join(f"CREATE UNIQUE INDEX IF NOT EXISTS {n} ON {on};\n" for n, on in kept.items())
    restored = f"""
    DO $$ BEGIN
        {made}
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'a planted bug left duplicates: % (staging/bin/down --volumes)', SQLERRM
            USING ERRCODE = '{TOO_NEW}';
    END $$;
    """
    return TABLES + "".join(_drop(name, on) for name, on in gone.items()) + restored


def _drop(name: str, on: str) -> str:
    """Tables of former days have it as a constraint."""
    table = on.split(maxsplit=1)[0]
    return f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}; DROP INDEX IF EXISTS {name};\n"
