"""Buying, over HTTP, against the whole stack."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.staging.customer import DECLINED, NO_FUNDS, PIN, PIN_OTP, SUCCESS, Customer, outcome
from tests.staging.stack import Stack, until

pytestmark = pytest.mark.docker
SETTLES_WITHIN_S = 10.0


def reference_in(address: str) -> str:
    """The reference Paystack appended to the callback."""
    query = parse_qs(urlsplit(address).query)
    assert query["trxref"] == query["reference"]
    return query["reference"][0]


def post_webhook(stack: Stack, body: bytes, *, key: str | None = None) -> httpx.Response:
    """Post an event to the shop, signed with *key*, or not at all."""
    headers = {"content-type": "application/json"}
    if key is not None:
        signature = hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
        headers["x-paystack-signature"] = signature
    return httpx.post(f"{stack.web_url}/api/paystack/webhook", content=body, headers=headers)


def charge_success(stack: Stack, reference: str) -> bytes:
    """The event Paystack would send, from its own verify."""
    data = stack.paystack("GET", f"/transaction/verify/{reference}").json()["data"]
    return json.dumps({"event": "charge.success", "data": data}, separators=(",", ":")).encode()


def test_a_purchase_ends_with_one_pass_and_one_receipt(stack: Stack) -> None:
    """Who pays has the pass on the dashboard and exactly one receipt in the mail."""
    with Customer(stack).sign_up() as customer:
        page = customer.purchase()

        assert outcome(page) == "paid"
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")
        mails = until(customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
        order = page.url.path.rsplit("/", 1)[-1]
        assert [m["message_id"] for m in mails] == [f"<receipt-{order}@vauntico.test>"]
        assert customer.buy().headers["location"] == f"/orders/{order}"


@pytest.mark.parametrize(
    "forms",
    [
        pytest.param((PIN, {"card_pin": "1111"}), marks=pytest.mark.thorough),
        (PIN_OTP, {"card_pin": "1234"}, {"card_otp": "123456"}),
        (DECLINED, SUCCESS),
    ],
    ids=["pin", "pin and otp", "declined, then another card"],
)
def test_every_way_to_pay_leads_to_the_pass(stack: Stack, forms: tuple[dict[str, str]]) -> None:
    """A PIN, an OTP or a second card lead to the same pass."""
    with Customer(stack).sign_up() as customer:
        page = customer.come_back(customer.pay(customer.start(), *forms))

        assert outcome(page) == "paid"
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")


def test_insufficient_funds_are_told_and_another_try_works(stack: Stack) -> None:
    """A failed payment is called failed, grants nothing, and leaves the order open to try again."""
    with Customer(stack).sign_up() as customer:
        first = customer.start()
        assert "Insufficient Funds" in customer.pay(first, NO_FUNDS).text
        reference = customer.reference()
        page = customer.web.get(
            "/checkout/callback", params={"reference": reference}, follow_redirects=True
        )
        assert outcome(page) == "failed"
        assert not customer.has_pass()

        second = customer.start()
        assert second != first
        assert outcome(customer.come_back(customer.pay(second, SUCCESS))) == "paid"


def test_cancelling_charges_nothing_and_keeps_the_order(stack: Stack) -> None:
    """Who cancels is told so, and finds the same payment page when trying again."""
    with Customer(stack).sign_up() as customer:
        address = customer.start()
        page = customer.come_back(customer.hosted("POST", f"{address}/cancel"))

        assert outcome(page) == "cancelled"
        assert not customer.has_pass()
        assert customer.start() == address


def test_two_tabs_are_one_purchase(stack: Stack) -> None:
    """Buying in four tabs at once leads to one payment page, so nobody pays twice."""
    with Customer(stack).sign_up() as customer, ThreadPoolExecutor(4) as tabs:
        pages = set(tabs.map(lambda _: customer.start(), range(4)))

        assert len(pages) == 1


def test_visiting_the_callback_unpaid_is_not_paying(stack: Stack) -> None:
    """The callback's address, visited without a payment, neither says paid nor grants."""
    with Customer(stack).sign_up() as customer:
        customer.start()
        reference = customer.reference()
        page = customer.web.get(
            "/checkout/callback", params={"reference": reference}, follow_redirects=True
        )

        assert outcome(page) == "pending"
        assert not customer.has_pass()


@pytest.mark.parametrize("key", [None, "sk_test_somebody_else"], ids=["unsigned", "other key"])
def test_a_forged_event_changes_nothing(stack: Stack, key: str | None) -> None:
    """An event without our signature is answered 401 and leaves the order as it was."""
    with Customer(stack).sign_up() as customer:
        customer.start()
        orders = f"SELECT string_agg(id || state, '') FROM orders WHERE email = '{customer.email}'"
        events = "SELECT count(*) FROM webhook_events"
        before = stack.sql(orders), stack.sql(events)
        reference = customer.reference()
        forged = charge_success(stack, reference).replace(b'"abandoned"', b'"success"')

        assert post_webhook(stack, forged, key=key).status_code == 401
        assert (stack.sql(orders), stack.sql(events)) == before


def test_an_unknown_event_is_acknowledged(stack: Stack) -> None:
    """A signed event of a kind the shop does not know is answered 200, so it is not retried."""
    body = b'{"event":"paymentrequest.pending","data":{"id":1}}'

    assert post_webhook(stack, body, key=stack.secret_key).status_code == 200


def test_events_twice_grant_once(stack: Stack) -> None:
    """The same event again, and in other bytes, makes neither a second pass nor a receipt."""
    with Customer(stack).sign_up() as customer:
        answer = customer.pay(customer.start(), SUCCESS)
        reference = reference_in(answer.headers["location"])
        event = charge_success(stack, reference)
        with ThreadPoolExecutor(6) as senders:
            bodies = [event, event, event + b" ", event + b"\n", event, event + b"  "]
            codes = set(
                senders.map(
                    lambda b: post_webhook(stack, b, key=stack.secret_key).status_code, bodies
                )
            )
        assert codes == {200}
        customer.come_back(answer)
        until(customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
        unhandled = (
            "SELECT count(*) = 0 FROM webhook_events"
            f" WHERE reference = '{reference}' AND next_try_at IS NOT NULL"
        )
        until(lambda: stack.sql(unhandled) == "t", within_s=SETTLES_WITHIN_S, what="all handled")

        assert stack.sql(f"SELECT count(*) FROM grants WHERE reference = '{reference}'") == "1"
        assert len(customer.mails()) == 1


def test_a_switched_off_checkout_says_so(stack: Stack) -> None:
    """With the flag off nobody can start a payment, and the page says that it is on purpose."""
    flag = f"{stack.web_url}/api/admin/flags/checkout"
    key = {"x-api-key": stack.api_key}
    assert httpx.put(flag, json={"enabled": False}).status_code == 401
    with Customer(stack).sign_up() as customer:
        httpx.put(flag, json={"enabled": False}, headers=key).raise_for_status()
        try:
            assert 'data-testid="checkout-closed"' in customer.web.get("/plans").text
            answer = customer.buy()
            assert (answer.status_code, outcome(answer)) == (503, "unavailable")
        finally:
            httpx.put(flag, json={"enabled": True}, headers=key).raise_for_status()
        assert customer.start()
