"""A transaction as the API, the list and the webhook show it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from paystack_sandbox.cards import CARDS
from paystack_sandbox.envelope import Data

SELECT = (
    "SELECT t.*, c.email, c.code AS customer_code, c.first_name, c.last_name, c.phone,"
    " c.metadata AS customer_metadata, p.amount AS captured, p.currency AS moved_in, p.fees,"
    " a.code AS authorization, l.code AS plan_code, l.name AS plan_name,"
    " l.amount AS plan_amount, l.interval AS plan_interval"
    " FROM transactions t JOIN customers c ON c.id = t.customer_id"
    " LEFT JOIN captures p ON p.reference = t.reference"
    " LEFT JOIN authorizations a ON a.customer_id = t.customer_id AND a.card = t.card"
    " LEFT JOIN plans l ON l.id = t.plan_id"
)
INTEGRATION = 100_032
View = Mapping[str, Any]


def unpaid(row: View, status: str) -> View:
    """A paid transaction as it looked before: for who is not to see the payment yet."""
    says = "The transaction was not completed"
    hidden = {"captured": None, "moved_in": None, "fees": None, "paid_at": None}
    return {**dict(row), **hidden, "status": status, "gateway_response": says}


def customer_data(row: View) -> Data:
    """The customer of a transaction."""
    return {
        "id": row["customer_id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "email": row["email"],
        "customer_code": row["customer_code"],
        "phone": row["phone"],
        "metadata": json.loads(row["customer_metadata"] or "null"),
        "risk_action": "default",
        "international_format_phone": None,
    }


def authorization_data(row: View) -> Data:
    """What was used to pay; empty until something was."""
    card = CARDS.get(row["card"] or "")
    if card is None or row["paid_at"] is None:
        return {}
    return card_data(card.number, row["authorization"], row["customer_id"])


def card_data(number: str, code: str, customer_id: int) -> Data:
    """A card as an authorization shows it."""
    card = CARDS[number]
    return {
        "authorization_code": code,
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
        "signature": f"SIG_{card.number[-4:]}{customer_id:016d}",
        "account_name": None,
        "receiver_bank_account_number": None,
        "receiver_bank": None,
    }


def transaction_data(row: View) -> Data:
    """All fields of a transaction, as verify gives them."""
    amount = row["amount"] if row["captured"] is None else row["captured"]
    currency = row["moved_in"] or row["currency"]
    return {
        "id": row["id"],
        "domain": "test",
        "status": row["status"],
        "reference": row["reference"],
        "receipt_number": None,
        "amount": amount,
        "message": row["message"],
        "gateway_response": row["gateway_response"],
        "paid_at": row["paid_at"],
        "created_at": row["created_at"],
        "channel": "card",
        "currency": currency,
        "ip_address": "127.0.0.1",
        "metadata": json.loads(row["metadata"]),
        "log": _log(row),
        "fees": row["fees"],
        "fees_split": None,
        "authorization": authorization_data(row),
        "customer": customer_data(row),
        "plan": row["plan_code"],
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
        "plan_object": plan_data(row),
        "subaccount": {},
    }


def fetched_data(row: View) -> Data:
    """As fetch and the list give it: the plan as an object, and where it came from."""
    source = {
        "type": "api",
        "source": "merchant_api",
        "entry_point": "transaction_initialize",
        "identifier": None,
    }
    changed = {"plan": plan_data(row), "source": source, "helpdesk_link": None}
    return transaction_data(row) | changed


def event_data(row: View) -> Data:
    """As `charge.success` gives it; metadata that nobody sent is 0 there."""
    metadata = json.loads(row["metadata"])
    changed = {"plan": plan_data(row), "metadata": 0 if metadata == "" else metadata}
    left_out = ("plan_object", "receipt_number", "createdAt", "transaction_date", "connect")
    shown = {k: v for k, v in transaction_data(row).items() if k not in left_out}
    return shown | changed


def plan_data(row: View) -> Data:
    """The plan a transaction was made with; empty if with none."""
    if row["plan_id"] is None:
        return {}
    return {
        "id": row["plan_id"],
        "name": row["plan_name"],
        "plan_code": row["plan_code"],
        "description": None,
        "amount": row["plan_amount"],
        "interval": row["plan_interval"],
        "send_invoices": True,
        "send_sms": True,
        "currency": row["currency"],
    }


def _log(row: View) -> Data | None:
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
