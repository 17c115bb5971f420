"""
What unmodified client libraries are put through, wherever the sandbox is served.

Only their base URL is set: the attribute that each has for it. What they make of the answers is
asserted by their own types, so that an answer Paystack would not give is found by somebody else's
reading of Paystack.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from pypaystack2 import AsyncPaystackClient, PaystackClient
from pypaystack2.base_clients import AbstractAPIClient
from pypaystack2.enums import Interval, WebhookDeliveryStatus

from tests.staging.stack import until

Pay = Callable[[str], None]
EMAIL = "conformance@drill.test"
WITHIN_S = 15.0


def pypaystack2_at(url: str, key: str, patch: pytest.MonkeyPatch) -> PaystackClient:
    """The typed client, on httpx."""
    patch.setattr(AbstractAPIClient, "_BASE_URL", url)
    return PaystackClient(key)


def paystackapi_at(url: str, key: str, patch: pytest.MonkeyPatch) -> Any:
    """The untyped client, on requests; its state is one for the whole process."""
    package = importlib.import_module("paystackapi")
    patch.setattr(package, "API_URL", f"{url}/")
    patch.setattr(package, "SECRET_KEY", key)
    base = importlib.import_module("paystackapi.base")
    base.PayStackBase._shared_state.clear()
    return importlib.import_module("paystackapi.paystack").Paystack(secret_key=key)


def payments(client: PaystackClient, pay: Pay) -> None:
    """Initialize, pay, verify, fetch, list, timeline and a saved card."""
    reference = uuid4().hex
    made = client.transactions.initialize(500_000, EMAIL, reference=reference)
    twice = client.transactions.initialize(500_000, EMAIL, reference=reference)
    unpaid = client.transactions.verify(reference)
    assert made.data is not None
    pay(made.data.access_code)
    paid = client.transactions.verify(reference)
    assert paid.data is not None
    fetched = client.transactions.get_transaction(paid.data.id)
    listed = client.transactions.get_transactions(pagination=5)
    timeline = client.transactions.get_timeline(reference)

    assert (twice.status_code, twice.code) == (400, "duplicate_reference")
    assert unpaid.data is not None
    assert unpaid.data.status == "abandoned"
    assert (paid.status_code, paid.data.status, paid.data.amount) == (200, "success", 500_000)
    assert fetched.data is not None
    assert fetched.data.reference == reference
    assert listed.data
    assert listed.data[0].id == paid.data.id
    assert listed.meta is not None
    assert timeline.message == "Timeline retrieved"
    code = raw(paid)["authorization"]["authorization_code"]
    charged = client.transactions.charge(1_000, EMAIL, code)
    assert charged.data is not None
    assert (charged.message, charged.data.status) == ("Charge attempted", "success")


def refunds(client: PaystackClient, pay: Pay) -> None:
    """A partial refund, its list and fetch, and what the transaction is afterwards."""
    made = client.transactions.initialize(500_000, EMAIL)
    assert made.data is not None
    pay(made.data.access_code)
    paid = client.transactions.verify(made.data.reference)
    assert paid.data is not None
    asked = client.refunds.create(made.data.reference, amount=100)
    listed = client.refunds.get_refunds(transaction=str(paid.data.id))
    fetched = client.refunds.get_refund(raw(listed)[0]["id"])

    assert asked.data is not None
    assert listed.data
    assert asked.message == "Refund has been queued for processing"
    assert [(one["amount"], one["status"]) for one in raw(listed)] == [(100, "pending")]
    assert fetched.status_code == 200
    after = client.transactions.verify(made.data.reference)
    assert raw(after)["status"] == "reversal-pending"


def plans(client: PaystackClient, pay: Pay) -> None:
    """A customer, a plan, its first payment, and the subscription that begins with it."""
    email = f"{uuid4().hex}@drill.test"
    customer = client.customers.create(email, "Ada", "Obi", "+2348000000000")
    plan = client.plans.create("Creator Pass", 500_000, Interval.MONTHLY)
    assert customer.data is not None
    assert plan.data is not None
    made = client.transactions.initialize(1, email, plan=plan.data.plan_code)
    assert made.data is not None
    pay(made.data.access_code)
    known = client.customers.get_customer(email)
    begun = client.subscriptions.get_subscriptions(pagination=1)

    assert known.data is not None
    assert known.data.customer_code == customer.data.customer_code
    assert raw(begun)[0]["plan"]["plan_code"] == plan.data.plan_code
    assert raw(client.transactions.verify(made.data.reference))["amount"] == 500_000


def deliveries(client: PaystackClient, pay: Pay) -> None:
    """The delivery log: found by the transaction's number, listed, fetched and sent again."""
    made = client.transactions.initialize(500_000, EMAIL)
    assert made.data is not None
    pay(made.data.access_code)
    paid = client.transactions.verify(made.data.reference)
    assert paid.data is not None
    number = paid.data.id

    def delivered() -> bool:
        found = client.webhook_events.lookup(str(number))
        return bool(raw(found)["status"] == WebhookDeliveryStatus.DELIVERED)

    until(delivered, within_s=WITHIN_S, what="the event is delivered")
    event = client.webhook_events.all(category_row_id=number, limit=5).data
    assert event
    one = client.webhook_events.get(event[0].id)
    sent = client.webhook_events.resend([event[0].id])

    assert one.data is not None
    assert raw(one)["event_payload"]["data"]["reference"] == made.data.reference
    assert sent.status_code == 200


async def in_async(key: str) -> None:
    """The asynchronous client's own way through the same."""
    client = AsyncPaystackClient(key)
    made: Any = await client.transactions.initialize(500_000, EMAIL)
    assert made.data is not None
    unpaid: Any = await client.transactions.verify(made.data.reference)

    assert unpaid.data is not None
    assert unpaid.data.status == "abandoned"


def untyped(client: Any, pay: Pay) -> None:
    """paystackapi: plain dictionaries over requests."""
    reference = uuid4().hex
    made = client.transaction.initialize(reference=reference, amount="500000", email=EMAIL)
    pay(made["data"]["access_code"])
    paid = client.transaction.verify(reference=reference)
    listed = client.transaction.list(perPage=3)
    again = client.transaction.initialize(reference=reference, amount=1, email=EMAIL)

    assert paid["data"]["status"] == "success"
    assert client.transaction.get(transaction_id=paid["data"]["id"])["status"] is True
    assert listed["data"][0]["id"] == paid["data"]["id"]
    assert again["code"] == "duplicate_reference"
    assert client.refund.create(transaction=reference, amount=100)["status"] is True


def raw(answer: Any) -> Any:
    """The data as it came, where the client's own models leave fields out."""
    return answer.raw["data"]


THROUGH = (payments, refunds, plans, deliveries)
