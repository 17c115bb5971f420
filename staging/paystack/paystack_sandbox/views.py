"""A transaction as the API, the list and the webhook show it."""

from __future__ import annotations

import json
from typing import Any

from paystack_sandbox.cards import CARDS
from paystack_sandbox.envelope import Data
from paystack_sandbox.store import Row

SELECT = (
    "SELECT t.*, c.email, c.code AS customer_code, p.amount AS captured, p.fees"
    " FROM transactions t JOIN customers c ON c.id = t.customer_id"
    " LEFT JOIN captures p ON p.reference = t.reference"
)
INTEGRATION = 100_032


def customer_data(row: Row) -> Data:
    """The customer of a transaction."""
    return {
        "id": row["customer_id"],
        "first_name": None,
        "last_name": None,
        "email": row["email"],
        "customer_code": row["customer_code"],
        "phone": None,
        "metadata": None,
        "risk_action": "default",
        "international_format_phone": None,
    }


def authorization_data(row: Row) -> Data:
    """What was used to pay; empty until something was."""
    card = CARDS.get(row["card"] or "")
    if card is None or row["paid_at"] is None:
        return {}
    return {
        "authorization_code": f"AUTH_{row['access_code'][:10]}",
        "bin": card.number[:6],
        "last4": card.number[-4:],
        "exp_month": "12",
        "exp_year": "2030",
        "channel": "card",
        "card_type": f"{card.brand} ",  # Paystack's own trailing space
        "bank": card.bank,
        "country_code": "NG",
        "brand": card.brand,
        "reusable": True,
        "signature": f"SIG_{card.number[-4:]}{row['customer_id']:016d}",
        "account_name": None,
    }


def transaction_data(row: Row) -> Data:
    """All fields of a transaction, as verify gives them."""
    amount = row["amount"] if row["captured"] is None else row["captured"]
    money: dict[str, Any] = {"amount": amount, "currency": row["currency"], "fees": row["fees"]}
    return {
        "id": row["id"],
        "domain": "test",
        "status": row["status"],
        "reference": row["reference"],
        "receipt_number": None,
        **money,
        "message": row["message"],
        "gateway_response": row["gateway_response"],
        "paid_at": row["paid_at"],
        "created_at": row["created_at"],
        "channel": "card",
        "ip_address": "127.0.0.1",
        "metadata": json.loads(row["metadata"]),
        "log": _log(row),
        "fees_split": None,
        "authorization": authorization_data(row),
        "customer": customer_data(row),
        "plan": None,
        "split": {},
        "order_id": None,
        "paidAt": row["paid_at"],
        "createdAt": row["created_at"],
        "requested_amount": row["amount"],
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
        "connect": None,
        "transaction_date": row["created_at"],
        "plan_object": {},
        "subaccount": {},
    }


def _log(row: Row) -> Data | None:
    if not row["attempts"]:
        return None
    return {
        "start_time": 0,
        "time_spent": 1,
        "attempts": row["attempts"],
        "errors": 0 if row["paid_at"] else row["attempts"],
        "success": row["paid_at"] is not None,
        "mobile": False,
        "input": [],
        "history": [{"type": "action", "message": row["gateway_response"], "time": 1}],
    }
