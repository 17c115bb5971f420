"""The customer resource."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope, parameters, subscriptions
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store
from paystack_sandbox.views import INTEGRATION, SELECT, card_data, fetched_data

NOT_FOUND = ApiError(404, "Customer not found", code="customer_not_found")
NAMES = ("first_name", "last_name", "phone")


class Customers:
    """Handlers of `/customer`; a code or an e-mail address names one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [
            Route("/customer", self.create, methods=["POST"]),
            Route("/customer", self.list, methods=["GET"]),
            Route("/customer/{code}", self.fetch, methods=["GET"]),
            Route("/customer/{code}", self.update, methods=["PUT"]),
        ]

    async def create(self, request: Request) -> Response:
        """Make a customer; an address that is known keeps its customer."""
        given = await envelope.params(request)
        email = parameters.email(given)
        with self._store.transaction():
            identity = self._store.customer_id(email)
            self._change(identity, given)
        return envelope.success("Customer created", self._whole(identity))

    async def update(self, request: Request) -> Response:
        row = self._find(request.path_params["code"])
        given = await envelope.params(request)
        with self._store.transaction():
            self._change(row["id"], given)
        return envelope.success("Customer updated", self._whole(row["id"]))

    async def fetch(self, request: Request) -> Response:
        row = self._find(request.path_params["code"])
        return envelope.success("Customer retrieved", self._whole(row["id"]))

    async def list(self, request: Request) -> Response:
        per_page, page = envelope.page_of(request.query_params)
        rows = self._store.all(
            "SELECT * FROM customers ORDER BY id DESC LIMIT ? OFFSET ?",
            per_page,
            (page - 1) * per_page,
        )
        counted = self._store.one("SELECT count(*) AS n FROM customers")
        assert counted is not None
        meta = envelope.pages(int(counted["n"]), per_page, page)
        return envelope.success("Customers retrieved", [_own(row) for row in rows], meta=meta)

    def _find(self, wanted: str) -> Row:
        row = self._store.one("SELECT * FROM customers WHERE code = ? OR email = ?", wanted, wanted)
        if row is None:
            raise NOT_FOUND
        return row

    def _change(self, identity: int, given: Data) -> None:
        for name in NAMES:
            if given.get(name) is not None:
                self._store.run(
                    f"UPDATE customers SET {name} = ? WHERE id = ?", str(given[name]), identity
                )
        if given.get("metadata"):
            metadata = parameters.metadata(given)
            self._store.run("UPDATE customers SET metadata = ? WHERE id = ?", metadata, identity)

    def _whole(self, identity: int) -> Data:
        """A customer with everything of it."""
        row = self._store.one("SELECT * FROM customers WHERE id = ?", identity)
        assert row is not None
        made = self._store.all(f"{SELECT} WHERE t.customer_id = ? ORDER BY t.id DESC", identity)
        saved = self._store.all("SELECT * FROM authorizations WHERE customer_id = ?", identity)
        paid = [one for one in made if one["captured"] is not None]
        value: dict[str, int] = {}
        for one in paid:
            value[one["moved_in"]] = value.get(one["moved_in"], 0) + one["captured"]
        return _own(row) | {
            "transactions": [fetched_data(one) for one in made[: envelope.PER_PAGE]],
            "subscriptions": subscriptions.of(self._store, "customer_id", identity),
            "authorizations": [card_data(one["card"], one["code"], identity) for one in saved],
            "total_transactions": len(paid),
            "total_transaction_value": [{"currency": k, "amount": v} for k, v in value.items()],
            "dedicated_account": None,
            "dedicated_accounts": [],
            "identified": False,
            "identifications": None,
        }


def _own(row: Row) -> Data:
    made = row["created_at"] or "2026-01-01T00:00:00.000Z"  # By a sandbox that kept no time.
    return {
        "id": row["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "phone": row["phone"],
        "metadata": json.loads(row["metadata"] or "null"),
        "customer_code": row["code"],
        "risk_action": "default",
        "createdAt": made,
        "updatedAt": made,
        "created_at": made,
        "updated_at": made,
    }
