"""The refund resource. In test mode refunds stay pending, unless told to settle."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import INTEGRATION, SELECT, customer_data, transaction_data
from paystack_sandbox.webhooks import Webhooks

SETTLE_LOOK_EVERY_S = 0.2


class Refunds:
    """Handlers of `/refund`, and the task that settles refunds where that is switched on."""

    def __init__(self, store: Store, webhooks: Webhooks, settle_after_s: float | None) -> None:
        self._store = store
        self._webhooks = webhooks
        self._settle_after_s = settle_after_s

    def routes(self) -> list[Route]:
        """The paths of this resource."""
        return [
            Route("/refund", self.create, methods=["POST"]),
            Route("/refund", self.list, methods=["GET"]),
            Route("/refund/{id}", self.fetch, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Queue a refund; not idempotent: asking twice refunds twice, within the total."""
        given = await envelope.params(request)
        paid = self._paid_transaction(str(given.get("transaction") or ""))
        amount = self._refundable(paid, given)
        with self._store.transaction():
            refund_id = self._store.run(
                "INSERT INTO refunds (transaction_id, amount, status, reference, customer_note,"
                " merchant_note, created_at, updated_at) VALUES (?, ?, 'pending', ?, ?, ?, ?, ?)",
                paid["id"],
                amount,
                f"TRF_{secrets.token_hex(6)}",
                given.get("customer_note"),
                given.get("merchant_note"),
                now(),
                now(),
            ).lastrowid
            self._store.run(
                "UPDATE transactions SET status = 'reversal-pending' WHERE id = ?", paid["id"]
            )
            refund = self._row(refund_id)
            self._webhooks.enqueue("refund.pending", paid["id"], _event_data(refund, paid))
        data = _refund_data(refund, paid) | {"transaction": transaction_data(paid)}
        return envelope.success("Refund has been queued for processing", data)

    async def list(self, request: Request) -> Response:
        """Refunds, newest first; the filter takes a transaction's number, not its reference."""
        wanted = request.query_params.get("transaction")
        where, values = ("WHERE transaction_id = ?", [wanted]) if wanted else ("", [])
        rows = self._store.all(f"SELECT * FROM refunds {where} ORDER BY id DESC", *values)
        data = [_refund_data(row, self._transaction(row["transaction_id"])) for row in rows]
        return envelope.success("Refunds retrieved", data, meta={"total": len(data)})

    async def fetch(self, request: Request) -> Response:
        """One refund by its number."""
        row = self._store.one("SELECT * FROM refunds WHERE id = ?", request.path_params["id"])
        if row is None:
            raise ApiError(404, "Refund not found", code="refund_not_found")
        data = _refund_data(row, self._transaction(row["transaction_id"]))
        return envelope.success("Refund retrieved", data)

    async def settle(self) -> None:
        """Let pending refunds be processed after a while; for ever, or not at all."""
        while self._settle_after_s is not None:
            for row in self._store.all(
                "SELECT * FROM refunds WHERE status = 'pending'"
                " AND (julianday('now') - julianday(created_at)) * 86400 >= ?",
                self._settle_after_s,
            ):
                self._process(row)
            await asyncio.sleep(SETTLE_LOOK_EVERY_S)
        await asyncio.Event().wait()

    def _process(self, refund: Row) -> None:
        paid = self._transaction(refund["transaction_id"])
        with self._store.transaction():
            self._store.run(
                "UPDATE refunds SET status = 'processed', updated_at = ? WHERE id = ?",
                now(),
                refund["id"],
            )
            full = self._refunded(paid["id"]) >= paid["captured"]
            self._store.run(
                "UPDATE transactions SET status = ? WHERE id = ?",
                "reversed" if full else "success",
                paid["id"],
            )
            data = _event_data(self._row(refund["id"]), paid)
            self._webhooks.enqueue("refund.processed", paid["id"], data)

    def _paid_transaction(self, wanted: str) -> Row:
        if not wanted:
            raise envelope.missing("Transaction")
        row = self._store.one(f"{SELECT} WHERE t.reference = ? OR t.id = ?", wanted, wanted)
        if row is None:
            raise envelope.TRANSACTION_NOT_FOUND
        if row["captured"] is None:
            raise envelope.invalid("Transaction has not been paid for", "transaction_not_paid")
        return row

    def _refundable(self, paid: Row, given: Data) -> int:
        """The amount asked for; left out, it means the original total, even after a partial."""
        if str(given.get("currency") or paid["currency"]) != paid["currency"]:
            raise envelope.invalid("Transaction currency must match refund currency")
        refunded, captured = self._refunded(paid["id"]), int(paid["captured"])
        if refunded >= captured:
            raise ApiError(
                400,
                "Transaction has been fully reversed",
                code="transaction_reversed",
                kind="api_error",
            )
        raw: Any = given.get("amount") or captured
        if not str(raw).isdigit() or int(raw) <= 0:
            raise envelope.invalid("Invalid Amount Sent", "invalid_amount")
        if refunded + int(raw) > captured:
            raise envelope.invalid("Total refund amount cannot exceed original transaction amount")
        return int(raw)

    def _refunded(self, transaction_id: int) -> int:
        row = self._store.one(
            "SELECT coalesce(sum(amount), 0) AS sum FROM refunds"
            " WHERE transaction_id = ? AND status != 'failed'",
            transaction_id,
        )
        return int(row["sum"]) if row else 0

    def _row(self, refund_id: int | None) -> Row:
        row = self._store.one("SELECT * FROM refunds WHERE id = ?", refund_id)
        assert row is not None
        return row

    def _transaction(self, transaction_id: int) -> Row:
        row = self._store.one(f"{SELECT} WHERE t.id = ?", transaction_id)
        assert row is not None
        return row


def _refund_data(refund: Row, paid: Row) -> Data:
    return {
        "id": refund["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "transaction": paid["id"],
        "transaction_reference": paid["reference"],
        "dispute": None,
        "settlement": None,
        "amount": refund["amount"],
        "deducted_amount": refund["amount"] if refund["status"] == "processed" else 0,
        "currency": paid["currency"],
        "channel": "card",
        "fully_deducted": refund["status"] == "processed",
        "status": refund["status"],
        "refunded_by": paid["email"],
        "refunded_at": refund["updated_at"] if refund["status"] == "processed" else None,
        "expected_at": refund["created_at"],
        "customer_note": refund["customer_note"],
        "merchant_note": refund["merchant_note"],
        "createdAt": refund["created_at"],
        "updatedAt": refund["updated_at"],
    }


def _event_data(refund: Row, paid: Row) -> Data:
    """No id, no reference, and the amount as a string: that is how the real events are."""
    return {
        "status": refund["status"],
        "transaction_reference": paid["reference"],
        "refund_reference": refund["reference"],
        "amount": str(refund["amount"]),
        "currency": paid["currency"],
        "processor": "instant-transfer",
        "customer": customer_data(paid),
        "integration": INTEGRATION,
        "domain": "test",
    }
