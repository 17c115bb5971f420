"""The transaction resource: initialize, verify, fetch, list, timeline."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope, parameters
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.faults import Board
from paystack_sandbox.listing import Listing
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import SELECT, View, fetched_data, transaction_data, unpaid
from paystack_sandbox.webhooks import Webhooks

CHECKOUT = "https://checkout.paystack.com"
NOT_COMPLETED = "The transaction was not completed"


class Transactions:
    """
    Handlers of `/transaction`.

    *unknown_http* is what verify answers for a reference that nobody made: test mode was seen to
    answer 400, the specification says 404.
    """

    def __init__(
        self, store: Store, webhooks: Webhooks, board: Board, *, unknown_http: int = 400
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._board = board
        self._unknown_http = unknown_http
        self._listing = Listing(store, lambda row: fetched_data(self._as_seen(row, "list")))

    def routes(self) -> list[Route]:
        """Fixed paths first, as `/transaction/{id}` matches them all."""
        return [
            Route("/transaction/initialize", self.initialize, methods=["POST"]),
            Route("/transaction/verify/{reference:path}", self.verify),
            Route("/transaction/timeline/{id}", self.timeline),
            Route("/transaction", self.list),
            Route("/transaction/{id}", self.fetch),
        ]

    async def initialize(self, request: Request) -> Response:
        """Take the reference and give the address of the hosted page."""
        given = await envelope.params(request)
        plan = self._plan(given)
        if plan is not None:  # Its amount counts, whatever is sent.
            given = {**given, "amount": plan["amount"], "currency": plan["currency"]}
        row = create(self._store, given, plan_id=plan["id"] if plan else None)
        self._webhooks.make_up(row)
        data = {
            "authorization_url": f"{CHECKOUT}/{row['access_code']}",
            "access_code": row["access_code"],
            "reference": row["reference"],
        }
        return envelope.success("Authorization URL created", data)

    def _plan(self, given: Data) -> Row | None:
        code = given.get("plan")
        if not code:
            return None
        plan = self._store.one("SELECT * FROM plans WHERE code = ?", str(code))
        if plan is None:
            raise envelope.invalid("Plan not found", "plan_not_found")
        return plan

    async def verify(self, request: Request) -> Response:
        """What became of a reference: 200 and `status` true also when it was not paid."""
        reference = request.path_params["reference"]
        row = self._store.one(f"{SELECT} WHERE t.reference = ?", reference)
        if row is None:
            known = envelope.REFERENCE_NOT_FOUND
            raise ApiError(self._unknown_http, str(known), **known.told)
        shown = transaction_data(self._as_seen(row, "verify"))
        return envelope.success("Verification successful", shown)

    async def fetch(self, request: Request) -> Response:
        """One transaction by its number."""
        row = self._store.one(f"{SELECT} WHERE t.id = ?", request.path_params["id"])
        if row is None:
            raise envelope.TRANSACTION_NOT_FOUND
        return envelope.success("Transaction retrieved", fetched_data(self._as_seen(row, "fetch")))

    async def timeline(self, request: Request) -> Response:
        """The steps of a transaction, by its number or reference."""
        wanted = request.path_params["id"]
        row = self._store.one(f"{SELECT} WHERE t.id = ? OR t.reference = ?", wanted, wanted)
        if row is None:
            raise envelope.TRANSACTION_NOT_FOUND
        log = transaction_data(row)["log"] or {"attempts": 0, "history": []}
        return envelope.success("Timeline retrieved", log | {"channel": "card"})

    async def list(self, request: Request) -> Response:
        """Newest first; by page, or by cursor with `use_cursor=true`."""
        return self._listing.read(request.query_params)

    def _as_seen(self, row: Row, route: str) -> View:
        """The transaction, or what it was before its payment while that is not to be seen yet."""
        if row["captured"] is None or not self._board.has("verify_lag"):
            return row
        age_s = (datetime.now(UTC) - datetime.fromisoformat(row["paid_at"])).total_seconds()
        for lease in self._board.in_force().values():
            fault = lease.fault
            young = fault.kind == "verify_lag" and age_s < fault.number("lag_s")
            text = f"{row['reference']} {row['email']}"
            if young and fault.meets(text, route) and lease.meet(self._board.clock()):
                return unpaid(row, fault.text("status"))
        return row


def create(store: Store, given: Data, *, plan_id: int | None = None, http: int = 403) -> Row:
    """
    A new transaction, durable when this returns; its reference is taken from now on.

    Raises:
        ApiError: Something given is missing, wrong or taken.
    """
    email, amount = parameters.email(given), parameters.amount(given)
    currency, reference = parameters.currency(given, http=http), parameters.reference(given)
    callback: Any = given.get("callback_url")
    with store.transaction():
        taken = store.run(
            "INSERT INTO transactions (reference, access_code, customer_id, amount, currency,"
            " callback_url, metadata, status, gateway_response, created_at, plan_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'abandoned', ?, ?, ?) ON CONFLICT DO NOTHING",
            reference,
            secrets.token_hex(8)[:15],
            store.customer_id(email),
            amount,
            currency,
            str(callback) if callback else None,
            parameters.metadata(given),
            NOT_COMPLETED,
            now(),
            plan_id,
        )
    row = store.one(f"{SELECT} WHERE t.reference = ?", reference)
    if not taken.rowcount or row is None:
        raise envelope.DUPLICATE_REFERENCE
    return row
