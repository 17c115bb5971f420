"""The plan resource."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope, parameters, subscriptions
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import INTEGRATION

INTERVALS = ("hourly", "daily", "weekly", "monthly", "quarterly", "biannually", "annually")
NOT_FOUND = ApiError(404, "Plan not found", code="plan_not_found")


class Plans:
    """Handlers of `/plan`; a code or a number names one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [
            Route("/plan", self.create, methods=["POST"]),
            Route("/plan", self.list, methods=["GET"]),
            Route("/plan/{code}", self.fetch, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        given = await envelope.params(request)
        name, interval = str(given.get("name") or ""), str(given.get("interval") or "")
        if not name:
            raise envelope.missing("Plan name")
        if interval not in INTERVALS:
            raise envelope.invalid("Interval must be one of " + ", ".join(INTERVALS))
        with self._store.transaction():
            made = self._store.run(
                "INSERT INTO plans (code, name, amount, currency, interval, description,"
                " invoice_limit, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                f"PLN_{secrets.token_hex(8)[:15]}",
                name,
                parameters.amount(given),
                parameters.currency(given),
                interval,
                envelope.text(given, "description"),
                envelope.whole(str(given.get("invoice_limit") or ""), 0),
                now(),
            )
        row = self._store.one("SELECT * FROM plans WHERE id = ?", made.lastrowid)
        assert row is not None
        return envelope.success("Plan created", _own(row), http=201)

    async def list(self, request: Request) -> Response:
        per_page, page = envelope.page_of(request.query_params)
        rows = self._store.all(
            "SELECT * FROM plans ORDER BY id DESC LIMIT ? OFFSET ?", per_page, (page - 1) * per_page
        )
        counted = self._store.one("SELECT count(*) AS n FROM plans")
        assert counted is not None
        meta = envelope.pages(int(counted["n"]), per_page, page)
        return envelope.success("Plans retrieved", [self._whole(row) for row in rows], meta=meta)

    async def fetch(self, request: Request) -> Response:
        wanted = request.path_params["code"]
        row = self._store.one("SELECT * FROM plans WHERE code = ? OR id = ?", wanted, wanted)
        if row is None:
            raise NOT_FOUND
        return envelope.success("Plan retrieved", self._whole(row))

    def _whole(self, row: Row) -> Data:
        begun = subscriptions.of(self._store, "plan_id", row["id"])
        active = sum(one["status"] == "active" for one in begun)
        return _own(row) | {
            "subscriptions": begun,
            "subscribers": [],
            "pages": [],
            "pages_count": 0,
            "subscribers_count": len({one["customer"] for one in begun}),
            "subscriptions_count": len(begun),
            "total_subscriptions": len(begun),
            "active_subscriptions": active,
            "active_subscriptions_count": active,
            "total_revenue": 0,
            "total_subscriptions_revenue": 0,
            "hosted_page_url": None,
            "hosted_page_summary": None,
            "is_deleted": False,
        }


def _own(row: Row) -> Data:
    return {
        "id": row["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "name": row["name"],
        "plan_code": row["code"],
        "description": row["description"],
        "amount": row["amount"],
        "interval": row["interval"],
        "currency": row["currency"],
        "invoice_limit": row["invoice_limit"],
        "send_invoices": True,
        "send_sms": True,
        "hosted_page": False,
        "migrate": False,
        "is_archived": False,
        "createdAt": row["created_at"],
        "updatedAt": row["created_at"],
    }
