"""What Paystack answers when all is well, and what is surprising in it."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from tests.staging.sandbox.inside import CARD, KEY, Inside, part, reference_in

pytestmark = pytest.mark.anyio
PIN = {"card_number": "507850785078507812", "card_cvv": "081"}
PIN_OTP = {"card_number": "5060666666666666666", "card_cvv": "123"}
DECLINED = {"card_number": "4084080000005408", "card_cvv": "001"}
NO_FUNDS = {"card_number": "4084080000670037", "card_cvv": "787"}


async def test_unpaid_verifies_as_abandoned_with_status_true(inside: Inside) -> None:
    """The envelope's status says that the call worked; only data.status tells of the payment."""
    made = await inside.initialize()

    body = (await inside.api.get(f"/transaction/verify/{made['reference']}")).json()

    assert (body["status"], body["message"]) == (True, "Verification successful")
    assert body["data"]["status"] == "abandoned"
    assert body["data"]["paid_at"] is None
    assert body["data"]["authorization"] == {}


@pytest.mark.parametrize(
    ("forms", "status", "says"),
    [
        ([CARD], "success", "Successful"),
        ([PIN], "ongoing", "Please enter your card PIN"),
        ([PIN, {"card_pin": "1111"}], "success", "Successful"),
        ([PIN, {"card_pin": "9999"}], "failed", "Incorrect PIN"),
        ([PIN_OTP, {"card_pin": "1234"}, {"card_otp": "123456"}], "success", "Successful"),
        ([PIN_OTP, {"card_pin": "1234"}, {"card_otp": "1"}], "failed", "Incorrect OTP"),
        ([DECLINED], "abandoned", "Declined"),
        ([DECLINED, CARD], "success", "Successful"),
        ([NO_FUNDS], "failed", "Insufficient Funds"),
        ([NO_FUNDS, CARD], "failed", "Insufficient Funds"),
        (
            [{"card_number": "4111111111111111", "card_cvv": "1"}],
            "abandoned",
            "Transaction declined. Please use the test card.",
        ),
    ],
)
async def test_the_hosted_page(
    inside: Inside, forms: list[dict[str, str]], status: str, says: str
) -> None:
    """Each test card ends as Paystack documents it, and only success has captured anything."""
    made = await inside.initialize()
    await inside.pay(made["access_code"], *forms)

    data = await inside.verify(made["reference"])
    captures = (await inside.control.get("/captures")).json()["captures"]

    assert (data["status"], data["gateway_response"]) == (status, says)
    assert len(captures) == (status == "success")


async def test_paid_twice_is_captured_once(inside: Inside) -> None:
    """However often the form is sent, a reference has one success and one event."""
    made = await inside.initialize()
    for _ in range(3):
        await inside.pay(made["access_code"])

    captures = (await inside.control.get("/captures")).json()["captures"]

    assert [one["reference"] for one in captures] == [made["reference"]]
    assert [one["event"] for one in inside.events()] == ["charge.success"]


async def test_the_callback_keeps_its_query(inside: Inside) -> None:
    """The way back holds what the merchant put there, then `trxref` and `reference`."""
    made = await inside.initialize(callback_url="https://shop.test/back?a=1", reference="r-1")

    answer = await inside.pay(made["access_code"])

    assert answer.status_code == 303
    assert reference_in(answer.headers["location"]) == "a=1&trxref=r-1&reference=r-1"


async def test_abandoning_leads_to_the_cancel_action(inside: Inside) -> None:
    """Leaving the page goes where `metadata.cancel_action` says, and stays payable."""
    made = await inside.initialize(metadata={"cancel_action": "https://shop.test/no"})

    left = await inside.page.post(f"/{made['access_code']}/cancel")
    await inside.pay(made["access_code"])

    assert left.headers["location"] == "https://shop.test/no"
    assert (await inside.verify(made["reference"]))["status"] == "success"


async def test_metadata_changes_its_types(inside: Inside) -> None:
    """Numbers of an object come back as texts, those of a JSON text as numbers."""
    plain = await inside.initialize(metadata={"n": 5, "flag": True})
    text = await inside.initialize(metadata='{"n": 5}')
    none = await inside.initialize()

    assert (await inside.verify(plain["reference"]))["metadata"] == {"n": "5", "flag": True}
    assert (await inside.verify(text["reference"]))["metadata"] == {"n": 5}
    assert (await inside.verify(none["reference"]))["metadata"] == ""


async def test_ids_need_more_than_32_bits(inside: Inside) -> None:
    """A transaction's number is as large as the real ones."""
    assert (await inside.paid())["id"] > 2**32


async def test_a_partial_refund_makes_it_reversal_pending(inside: Inside) -> None:
    """After any refund the transaction is `reversal-pending`, and the refund stays pending."""
    paid = await inside.paid(amount=1_000)

    asked = await inside.api.post("/refund", json={"transaction": paid["id"], "amount": 100})
    refund = asked.json()["data"]
    listed = (await inside.api.get(f"/refund?transaction={paid['id']}")).json()["data"]
    by_reference = await inside.api.get(f"/refund?transaction={paid['reference']}")
    fetched = (await inside.api.get(f"/refund/{refund['id']}")).json()["data"]

    assert asked.json()["message"] == "Refund has been queued for processing"
    assert refund["transaction"]["id"] == paid["id"]
    assert [one["id"] for one in listed] == [refund["id"]]
    assert by_reference.json()["data"] == []
    assert (fetched["status"], fetched["amount"]) == ("pending", 100)
    assert (await inside.verify(paid["reference"]))["status"] == "reversal-pending"


async def test_refund_events_have_neither_id_nor_reference(inside: Inside) -> None:
    """Handlers that look for `data.id` or `data.reference` find none; the amount is a text."""
    paid = await inside.paid()
    await inside.api.post("/refund", json={"transaction": paid["id"], "amount": 100})

    event = json.loads(inside.events()[-1]["body"])

    assert event["event"] == "refund.pending"
    assert not {"id", "reference"} & event["data"].keys()
    assert event["data"]["transaction_reference"] == paid["reference"]
    assert event["data"]["amount"] == "100"


@pytest.mark.parametrize(
    ("card", "cvv", "end", "after"),
    [
        (CARD["card_number"], CARD["card_cvv"], "processed", "reversed"),
        ("4084080000671803", "180", "failed", "success"),
        ("4084080000671902", "190", "needs-attention", "success"),
    ],
)
async def test_refunds_settle_where_that_is_switched_on(
    inside: Inside, card: str, cvv: str, end: str, after: str
) -> None:
    """A refund ends as its test card wants it, and the transaction follows."""
    made = await inside.initialize()
    await inside.pay(made["access_code"], {"card_number": card, "card_cvv": cvv})
    await inside.api.post("/refund", json={"transaction": made["reference"]})

    row = inside.sandbox.store.one("SELECT * FROM refunds")
    inside.sandbox.refunds._process(row)

    event = json.loads(inside.events()[-1]["body"])
    assert event["event"] == f"refund.{end}"
    assert isinstance(event["data"]["amount"], str if end == "processed" else int)
    assert (await inside.verify(made["reference"]))["status"] == after


async def test_a_plan_begins_a_subscription(inside: Inside) -> None:
    """Paying with a plan charges its amount and tells of it in either order."""
    given = {"name": "Pass", "amount": 4_000, "interval": "monthly"}
    plan = (await inside.api.post("/plan", json=given)).json()["data"]
    orders = set()
    for _ in range(2):
        paid = await inside.paid(plan=plan["plan_code"], amount=1)
        assert (paid["amount"], paid["plan"]) == (4_000, plan["plan_code"])
        orders.add(tuple(one["event"] for one in inside.events()[-2:]))

    listed = (await inside.api.get("/subscription")).json()["data"]
    assert orders == {
        ("charge.success", "subscription.create"),
        ("subscription.create", "charge.success"),
    }
    assert [one["plan"]["plan_code"] for one in listed] == [plan["plan_code"]] * 2


async def test_an_event_is_compact_and_signed_over_its_bytes(inside: Inside) -> None:
    """The signature is the HMAC-SHA512 of exactly what is sent, as JavaScript writes it."""
    await inside.paid(metadata={"name": "Ọlá"})
    body = inside.events()[-1]["body"]
    target = part("delivery").Target("http://shop.test", KEY, 1.0)

    assert '"metadata":{"name":"Ọlá"}'.encode() in body
    assert body.startswith(b'{"event":"charge.success","data":{"id":')
    wanted = hmac.new(KEY.encode(), body, hashlib.sha512).hexdigest()
    assert target.signature(body) == wanted


async def test_customers_are_found_by_code_and_address(inside: Inside) -> None:
    """A customer is made once an address, and shows what it paid and by which card."""
    made = (await inside.api.post("/customer", json={"email": "ada@drill.test"})).json()["data"]
    paid = await inside.paid(email="ada@drill.test")

    for name in (made["customer_code"], "ada@drill.test"):
        data = (await inside.api.get(f"/customer/{name}")).json()["data"]
        assert data["id"] == paid["customer"]["id"]
        assert data["total_transaction_value"] == [{"currency": "NGN", "amount": 500_000}]
        assert data["authorizations"][0]["last4"] == "4081"


async def test_the_timeline(inside: Inside) -> None:
    """A transaction's steps are told by its number or its reference."""
    paid = await inside.paid()

    for name in (paid["id"], paid["reference"]):
        answer = await inside.api.get(f"/transaction/timeline/{name}")
        assert answer.json()["message"] == "Timeline retrieved"
        assert answer.json()["data"]["attempts"] == 1
