"""
The subscription resource. A plan's first payment begins one; renewals are not simulated.

A subscription that is begun by hand charges the customer's newest card on its next day, which
never comes here.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import INTEGRATION, card_data
from paystack_sandbox.webhooks import Webhooks

DAYS = {"hourly": 1, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "biannually": 182}
YEAR_DAYS = 365
NOT_FOUND = ApiError(404, "Subscription not found", code="subscription_not_found")
SELECT = (
    "SELECT s.*, c.email, c.code AS customer_code, c.first_name, c.last_name, c.phone, a.card,"
    " p.code AS plan_code, p.name, p.interval, p.currency, p.invoice_limit"
    " FROM subscriptions s JOIN customers c ON c.id = s.customer_id"
    " JOIN plans p ON p.id = s.plan_id JOIN authorizations a ON a.code = s.authorization"
)


class Subscriptions:
    """Handlers of `/subscription`, and what a plan's first payment begins."""

    def __init__(self, store: Store, webhooks: Webhooks) -> None:
        self._store = store
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        return [
            Route("/subscription", self.create, methods=["POST"]),
            Route("/subscription", self.list, methods=["GET"]),
            Route("/subscription/disable", self.disable, methods=["POST"]),
            Route("/subscription/enable", self.enable, methods=["POST"]),
            Route("/subscription/{code}", self.fetch, methods=["GET"]),
        ]

    def begin(self, paid: Row) -> Data:
        """Begin one for a payment just made, inside its transaction; gives the event's data."""
        row = self._add(paid["customer_id"], paid["plan_id"], paid["authorization"])
        return _event(row)

    async def create(self, request: Request) -> Response:
        given = await envelope.params(request)
        wanted = str(given.get("customer") or "")
        customer = self._store.one(
            "SELECT * FROM customers WHERE code = ? OR email = ?", wanted, wanted
        )
        if customer is None:
            raise envelope.invalid("Customer not found", "customer_not_found")
        plan = self._store.one("SELECT * FROM plans WHERE code = ?", str(given.get("plan") or ""))
        if plan is None:
            raise envelope.invalid("Plan not found", "plan_not_found")
        saved = self._saved(customer["id"], given)
        with self._store.transaction():
            row = self._add(customer["id"], plan["id"], saved["code"])
            self._webhooks.enqueue("subscription.create", row["id"], _event(row))
        return envelope.success("Subscription successfully created", created(row))

    def _saved(self, customer_id: int, given: Data) -> Row:
        """The card named, else the newest."""
        saved = self._store.all(
            "SELECT * FROM authorizations WHERE customer_id = ? ORDER BY at DESC", customer_id
        )
        code = given.get("authorization")
        found = next((one for one in saved if code in (None, "", one["code"])), None)
        if found is None:
            raise envelope.invalid("This customer has no saved cards", "no_authorization")
        return found

    async def list(self, request: Request) -> Response:
        per_page, page = envelope.page_of(request.query_params)
        rows = self._store.all(
            f"{SELECT} ORDER BY s.id DESC LIMIT ? OFFSET ?", per_page, (page - 1) * per_page
        )
        counted = self._store.one("SELECT count(*) AS n FROM subscriptions")
        assert counted is not None
        meta = envelope.pages(int(counted["n"]), per_page, page)
        listed = [_whole(row) for row in rows]
        for one in listed:
            one["authorization"]["reusable"] = 1  # a number where they are listed
        return envelope.success("Subscriptions retrieved", listed, meta=meta)

    async def fetch(self, request: Request) -> Response:
        row = self._find(request.path_params["code"])
        return envelope.success("Subscription retrieved successfully", _whole(row))

    async def disable(self, request: Request) -> Response:
        await self._turn(request, "non-renewing", "subscription.not_renew")
        return envelope.success("Subscription disabled successfully", None)

    async def enable(self, request: Request) -> Response:
        await self._turn(request, "active", "")
        return envelope.success("Subscription enabled successfully", None)

    async def _turn(self, request: Request, status: str, event: str) -> None:
        given = await envelope.params(request)
        row = self._find(str(given.get("code") or ""))
        if given.get("token") != row["token"]:
            raise envelope.invalid("Subscription with code not found or already inactive")
        with self._store.transaction():
            self._store.run("UPDATE subscriptions SET status = ? WHERE id = ?", status, row["id"])
            if event:
                self._webhooks.enqueue(event, row["id"], _event(self._find(row["code"])))

    def _find(self, wanted: str) -> Row:
        row = self._store.one(f"{SELECT} WHERE s.code = ? OR s.id = ?", wanted, wanted)
        if row is None:
            raise NOT_FOUND
        return row

    def _add(self, customer_id: int, plan_id: int, authorization: str) -> Row:
        code = f"SUB_{secrets.token_hex(8)[:15]}"
        self._store.run(
            "INSERT INTO subscriptions (code, token, customer_id, plan_id, authorization, status,"
            " amount, created_at) SELECT ?, ?, ?, id, ?, 'active', amount, ? FROM plans"
            " WHERE id = ?",
            code,
            secrets.token_hex(8)[:15],
            customer_id,
            authorization,
            now(),
            plan_id,
        )
        return self._find(code)


def _next_payment(row: Row) -> str:
    days = timedelta(days=DAYS.get(row["interval"], YEAR_DAYS))
    due = datetime.fromisoformat(row["created_at"]).astimezone(UTC) + days
    return due.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _own(row: Row) -> Data:
    return {
        "id": row["id"],
        "domain": "test",
        "status": row["status"],
        "subscription_code": row["code"],
        "email_token": row["token"],
        "amount": row["amount"],
        "cron_expression": "0 0 1 * *",
        "next_payment_date": _next_payment(row),
        "open_invoice": None,
        "createdAt": row["created_at"],
        "invoice_limit": row["invoice_limit"],
        "split_code": None,
        "metadata": None,
    }


def of(store: Store, column: str, identity: int) -> list[Data]:
    """The subscriptions of a customer or a plan, as their own resources show them."""
    rows = store.all(f"{SELECT} WHERE s.{column} = ? ORDER BY s.id DESC", identity)
    return [created(row) for row in rows]


def created(row: Row) -> Data:
    """As creating one answers: numbers for what else is an object."""
    return _own(row) | {
        "customer": row["customer_id"],
        "plan": row["plan_id"],
        "authorization": row["customer_id"],
        "integration": INTEGRATION,
        "start": int(datetime.fromisoformat(row["created_at"]).timestamp()),
        "quantity": 1,
        "cancelledAt": None,
        "updatedAt": row["created_at"],
        "easy_cron_id": None,
    }


def _whole(row: Row) -> Data:
    return created(row) | {
        "plan": _plan(row),
        "authorization": card_data(row["card"], row["authorization"], row["customer_id"]),
        "customer": _customer(row),
        "invoices": [],
        "invoices_history": [],
        "payments_count": 1,
        "most_recent_invoice": None,
    }


def _event(row: Row) -> Data:
    """No `id` and no reference here either: the code is the name."""
    data = _own(row) | {
        "plan": _plan(row),
        "authorization": card_data(row["card"], row["authorization"], row["customer_id"]),
        "customer": _customer(row),
    }
    return {name: value for name, value in data.items() if name != "id"}


def _plan(row: Row) -> Data:
    return {
        "id": row["plan_id"],
        "domain": "test",
        "integration": INTEGRATION,
        "name": row["name"],
        "plan_code": row["plan_code"],
        "description": None,
        "amount": row["amount"],
        "interval": row["interval"],
        "send_invoices": True,
        "send_sms": True,
        "currency": row["currency"],
        "createdAt": row["created_at"],
        "updatedAt": row["created_at"],
    }


def _customer(row: Row) -> Data:
    return {
        "id": row["customer_id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "email": row["email"],
        "customer_code": row["customer_code"],
        "phone": row["phone"],
        "metadata": None,
        "risk_action": "default",
        "international_format_phone": None,
    }
