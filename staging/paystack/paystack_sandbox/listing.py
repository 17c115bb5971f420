"""
The list of transactions: newest first, and moving while it is read.

By page it shifts: rows that arrive push others to the next page, where they are seen twice. By
cursor it does not. As in the official sample a page of 50 holds 49 rows, so a short page is not
the end; the end is `next` with the text "null".
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import QueryParams
from starlette.responses import Response

from paystack_sandbox import envelope
from paystack_sandbox.envelope import Data
from paystack_sandbox.store import Row, Store
from paystack_sandbox.views import SELECT

END = "null"
PREFIX = "undefined"
"""As the official sample has it."""
COLUMNS = {
    "status": "t.status = ?",
    "customer": "t.customer_id = ?",
    "amount": "t.amount = ?",
    "from": "t.created_at >= ?",
    "to": "t.created_at <= ?",
}
Show = Callable[[Row], Data]


class Listing:
    """Reads pages; *show* makes of a row what the list shows of it now."""

    def __init__(self, store: Store, show: Show) -> None:
        self._store = store
        self._show = show

    def read(self, query: QueryParams) -> Response:
        asked = [name for name in COLUMNS if query.get(name)]
        where = " AND ".join(["1", *(COLUMNS[name] for name in asked)])
        values: list[object] = [query[name] for name in asked]
        if query.get("use_cursor") in ("true", "1") or _given(query, "next", "previous"):
            return self._by_cursor(where, values, query)
        return self._by_page(where, values, query)

    def _by_page(self, where: str, values: list[object], query: QueryParams) -> Response:
        per_page, page = envelope.page_of(query)
        counted = self._store.one(
            f"SELECT count(*) AS n, coalesce(sum(amount), 0) AS volume FROM transactions t"
            f" WHERE {where}",
            *values,
        )
        assert counted is not None
        skipped = (page - 1) * per_page
        rows = self._rows(
            f"{where} ORDER BY t.id DESC LIMIT ? OFFSET ?", *values, per_page, skipped
        )
        meta = envelope.pages(int(counted["n"]), per_page, page)
        return self._listed(rows, meta | {"total_volume": counted["volume"]})

    def _by_cursor(self, where: str, values: list[object], query: QueryParams) -> Response:
        per_page = max(1, envelope.page_of(query)[0] - 1)
        before = _given(query, "previous")
        if before:
            rows = self._rows(
                f"{where} AND t.id > ? ORDER BY t.id LIMIT ?",
                *values,
                envelope.cursor_id(PREFIX, before),
                per_page + 1,
            )
            newer, rows = len(rows) > per_page, rows[:per_page][::-1]
            older = True
        else:
            after = _given(query, "next")
            bound = envelope.cursor_id(PREFIX, after) if after else 2**63 - 1
            rows = self._rows(
                f"{where} AND t.id < ? ORDER BY t.id DESC LIMIT ?", *values, bound, per_page + 1
            )
            older, rows = len(rows) > per_page, rows[:per_page]
            newer = bool(after)
        meta = {
            "next": envelope.cursor(PREFIX, rows[-1]["id"]) if rows and older else END,
            "previous": envelope.cursor(PREFIX, rows[0]["id"]) if rows and newer else END,
            "perPage": per_page,
        }
        return self._listed(rows, meta)

    def _rows(self, rest: str, *values: object) -> list[Row]:
        return self._store.all(f"{SELECT} WHERE {rest}", *values)

    def _listed(self, rows: list[Row], meta: Data) -> Response:
        shown = [self._show(row) for row in rows]
        return envelope.success("Transactions retrieved", shown, meta=meta)


def _given(query: QueryParams, *names: str) -> str:
    """The first cursor that the query holds; "null" is none."""
    return next((query[name] for name in names if query.get(name) not in (None, "", END)), "")
