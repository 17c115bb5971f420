"""The refund resource. In test mode refunds stay pending, unless told to settle."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope
from paystack_sandbox.cards import CARDS
from paystack_sandbox.envelope import ApiError, Data
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import INTEGRATION, SELECT, customer_data, fetched_data
from paystack_sandbox.webhooks import Webhooks

SETTLE_LOOK_EVERY_S = 0.2
# What one refund may be at the least, where that was seen.
LEAST = {"GHS": 100}
BACK = ("failed", "needs-attention")
NOT_FOUND = ApiError(404, "Refund not found", code="refund_not_found")
FULLY_REVERSED = ApiError(
    400, "Transaction has been fully reversed", code="transaction_reversed", kind="api_error"
)


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
                envelope.text(given, "customer_note"),
                envelope.text(given, "merchant_note"),
                now(),
                now(),
            ).lastrowid
            self._store.run(
                "UPDATE transactions SET status = 'reversal-pending' WHERE id = ?", paid["id"]
            )
            refund = self._row(refund_id)
            self._webhooks.enqueue("refund.pending", paid["id"], _event_data(refund, paid))
        whole = fetched_data(paid) | {"subaccount": {"currency": None}}
        data = _refund_data(refund, paid) | {"transaction": whole}
        data["fully_deducted"] = False  # a number where refunds are listed
        return envelope.success("Refund has been queued for processing", data)

    async def list(self, request: Request) -> Response:
        """
        Refunds, newest first, by page.

        The filter takes a transaction's number; a reference gives an empty list.
        """
        query = request.query_params
        wanted, (per_page, page) = query.get("transaction"), envelope.page_of(query)
        where, values = ("WHERE transaction_id = ?", [wanted]) if wanted else ("", [])
        rows = self._store.all(
            f"SELECT * FROM refunds {where} ORDER BY id DESC LIMIT ? OFFSET ?",
            *values,
            per_page,
            (page - 1) * per_page,
        )
        counted = self._store.one(
            "SELECT count(*) AS n, coalesce(sum(status = 'failed'), 0) AS failed"
            f" FROM refunds {where}",
            *values,
        )
        assert counted is not None
        meta = envelope.pages(int(counted["n"]), per_page, page)
        meta |= {"perPage": str(per_page), "failedRefundCount": counted["failed"]}
        data = [_refund_data(row, self._transaction(row["transaction_id"])) for row in rows]
        return envelope.success("Refunds retrieved", data, meta=meta)

    async def fetch(self, request: Request) -> Response:
        """One refund by its number."""
        row = self._store.one("SELECT * FROM refunds WHERE id = ?", request.path_params["id"])
        if row is None:
            raise NOT_FOUND
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
        """End a refund as its card wants it: processed, failed, or in need of attention."""
        paid = self._transaction(refund["transaction_id"])
        end = CARDS[paid["card"]].refund
        with self._store.transaction():
            self._store.run(
                "UPDATE refunds SET status = ?, updated_at = ? WHERE id = ?",
                end,
                now(),
                refund["id"],
            )
            self._store.run(
                "UPDATE transactions SET status = ? WHERE id = ?",
                self._status_after(paid),
                paid["id"],
            )
            data = _event_data(self._row(refund["id"]), paid)
            self._webhooks.enqueue(f"refund.{end}", paid["id"], data)

    def _status_after(self, paid: Row) -> str:
        rows = self._store.all("SELECT * FROM refunds WHERE transaction_id = ?", paid["id"])
        if any(row["status"] == "pending" for row in rows):
            return "reversal-pending"
        back = sum(row["amount"] for row in rows if row["status"] == "processed")
        return "reversed" if back >= paid["captured"] else "success"

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
        if str(given.get("currency") or paid["moved_in"]) != paid["moved_in"]:
            raise envelope.invalid("Transaction currency must match refund currency")
        refunded, captured = self._refunded(paid["id"]), int(paid["captured"])
        if refunded >= captured:
            raise FULLY_REVERSED
        raw: Any = given.get("amount")
        raw = captured if raw in (None, "") else raw
        if not str(raw).isascii() or not str(raw).isdigit() or int(raw) <= 0:
            raise envelope.invalid("Invalid Amount Sent", "invalid_amount")
        if refunded + int(raw) > captured:
            raise envelope.invalid("Total refund amount cannot exceed original transaction amount")
        currency = paid["moved_in"]
        if int(raw) < LEAST.get(currency, 0):
            least = f"{currency}{LEAST[currency] / 100:.2f}"
            raise envelope.invalid(
                f"The minimum amount you may send in a single refund at this time is: {least}"
            )
        return int(raw)

    def _refunded(self, transaction_id: int) -> int:
        row = self._store.one(
            "SELECT coalesce(sum(amount), 0) AS sum FROM refunds"
            " WHERE transaction_id = ? AND status NOT IN ('failed', 'needs-attention')",
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
    done = refund["status"] == "processed"
    note = f"Refund for transaction {paid['reference']}"
    return {
        "id": refund["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "transaction": paid["id"],
        "transaction_reference": paid["reference"],
        "transaction_amount": paid["captured"],
        "dispute": None,
        "settlement": None,
        "amount": refund["amount"],
        "deducted_amount": refund["amount"] if done else 0,
        "fully_deducted": int(done),
        "currency": paid["moved_in"],
        "channel": "card",
        "status": refund["status"],
        "refunded_by": "merchant@sandbox.test",
        "initiated_by": "merchant@sandbox.test",
        "refunded_at": refund["updated_at"] if done else None,
        "expected_at": refund["created_at"],
        "customer_note": refund["customer_note"] or note,
        "merchant_note": refund["merchant_note"] or note,
        "customer": customer_data(paid),
        "bank_reference": None,
        "reason": "",
        "refund_type": "full" if refund["amount"] == paid["captured"] else "partial",
        "refund_channel": "card",
        "session_id": None,
        "collect_account_number": False,
        "createdAt": refund["created_at"],
        "updatedAt": refund["updated_at"],
    }


def _event_data(refund: Row, paid: Row) -> Data:
    """No id, no reference, and the amount a text but for failures: so are the real events."""
    failed = refund["status"] in BACK
    return {
        "status": refund["status"],
        "transaction_reference": paid["reference"],
        "refund_reference": None if failed else refund["reference"],
        "amount": refund["amount"] if failed else str(refund["amount"]),
        "currency": paid["moved_in"],
        "processor": "instant-transfer",
        "customer": customer_data(paid),
        "integration": INTEGRATION,
        "domain": "test",
    }
