"""The webhook events API: Paystack's own log of what it delivered, and how to have it again."""

from __future__ import annotations

import json

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store
from paystack_sandbox.webhooks import Webhooks

LIMIT = 50
CATEGORIES = {"charge": "transactions", "refund": "refunds", "subscription": "subscriptions"}
NOT_FOUND = ApiError(404, "Webhook event not found", code="webhook_event_not_found")
FILTERS = {
    "event_type": "e.event = ?",
    "status": "e.status = ?",
    "category_row_id": "e.transaction_id = ?",
    "from": "e.created_at >= ?",
    "to": "e.created_at <= ?",
}
LAST = "(SELECT {} FROM trials WHERE event_id = e.id ORDER BY rowid DESC LIMIT 1)"
SELECT = (
    f"SELECT e.*, {LAST.format('response_code')} AS code, {LAST.format('response')} AS says"
    " FROM events e"
)


class WebhookEvents:
    """Handlers of `/integration/webhooks/events`."""

    def __init__(self, store: Store, webhooks: Webhooks, url: str) -> None:
        self._store = store
        self._webhooks = webhooks
        self._url = url

    def routes(self) -> list[Route]:
        base = "/integration/webhooks/events"
        return [
            Route(base, self.list, methods=["GET"]),
            Route(f"{base}/lookup", self.lookup, methods=["GET"]),
            Route(f"{base}/resend", self.resend, methods=["POST"]),
            Route(f"{base}/resend-matching", self.resend_matching, methods=["POST"]),
            Route(f"{base}/{{id}}", self.fetch, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        """Newest first, by cursor, at most 50 at once."""
        query = request.query_params
        where, values = _where(query)
        limit = min(LIMIT, max(1, envelope.whole(query.get("limit"), LIMIT)))
        after = query.get("next")
        if after and after != "null":
            where, values = f"{where} AND e.id < ?", [*values, envelope.cursor_id("event", after)]
        rows = self._store.all(
            f"{SELECT} WHERE {where} ORDER BY e.id DESC LIMIT ?", *values, limit + 1
        )
        more, rows = len(rows) > limit, rows[:limit]
        meta = {
            "next": envelope.cursor("event", rows[-1]["id"]) if more else None,
            "previous": None,
            "limit": limit,
        }
        data = [self._short(row) for row in rows]
        return envelope.success("Webhook events retrieved", data, meta=meta)

    async def lookup(self, request: Request) -> Response:
        """By an event's id, or by a TRANSACTION'S NUMBER: never by a payment's reference."""
        wanted = request.query_params.get("reference", "")
        row = self._store.one(
            f"{SELECT} WHERE e.public_id = ? OR e.transaction_id = ? ORDER BY e.id DESC LIMIT 1",
            wanted,
            wanted,
        )
        if row is None:
            raise NOT_FOUND
        return envelope.success("Webhook event retrieved", self._short(row))

    async def fetch(self, request: Request) -> Response:
        """One event with its payload and every trial."""
        row = self._store.one(f"{SELECT} WHERE e.public_id = ?", request.path_params["id"])
        if row is None:
            raise NOT_FOUND
        trials = self._store.all(
            "SELECT * FROM trials WHERE event_id = ? ORDER BY rowid", row["id"]
        )
        data = self._short(row) | {
            "webhook_url": self._url,
            "webhook_url_code": None,
            "event_payload": json.loads(bytes(row["body"])),
            "merchant_response_body": row["says"],
            "trials": [
                {
                    "created_at": trial["at"],
                    "response_code": trial["response_code"] or 0,
                    "response_time": round(trial["took_s"] * 1000),
                    "merchant_response_body": trial["response"],
                }
                for trial in trials
            ],
        }
        return envelope.success("Webhook event retrieved", data)

    async def resend(self, request: Request) -> Response:
        """Deliver events again; not idempotent."""
        ids = (await envelope.params(request)).get("ids")
        if not isinstance(ids, list) or not ids or len(ids) > LIMIT:
            raise envelope.missing("ids")
        rows = [self._store.one("SELECT id FROM events WHERE public_id = ?", str(i)) for i in ids]
        found = [row["id"] for row in rows if row is not None]
        if len(found) < len(ids):
            raise NOT_FOUND
        self._webhooks.send_again(found)
        return envelope.success("Webhook events queued for resend", {"count": len(found)})

    async def resend_matching(self, request: Request) -> Response:
        """Deliver again all that match; with `preview=true` only counts them."""
        where, values = _where(request.query_params)
        found = self._store.all(f"SELECT e.id FROM events e WHERE {where}", *values)
        preview = request.query_params.get("preview", "").lower() == "true"
        if not preview:
            self._webhooks.send_again([row["id"] for row in found])
        text = "Webhook events matched" if preview else "Webhook events queued for resend"
        return envelope.success(text, {"count": len(found)})

    def _short(self, row: Row) -> Data:
        return {
            "_id": row["public_id"] or f"{row['id']:024x}",
            "domain": "test",
            "category": CATEGORIES.get(row["event"].partition(".")[0], "transactions"),
            "event_name": row["event"],
            "category_row_id": row["transaction_id"],
            "status": row["status"],
            "status_detail": _detail(row),
            "response_code": row["code"] or 0,
            "trial_count": row["trials"],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"] or row["created_at"],
        }


def _where(query: QueryParams) -> tuple[str, list[object]]:
    asked = [name for name in FILTERS if query.get(name)]
    where, values = ["1", *(FILTERS[name] for name in asked)], [query[name] for name in asked]
    category = query.get("category")
    if category:
        prefix = next((one for one, name in CATEGORIES.items() if name == category), "no such")
        where, values = [*where, "e.event LIKE ?"], [*values, f"{prefix}.%"]
    return " AND ".join(where), list(values)


def _detail(row: Row) -> str:
    if row["status"] == "Delivered":
        return "Webhook was delivered"
    return "Waiting for a trial" if not row["trials"] else "Webhook was not acknowledged"
