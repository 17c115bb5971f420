"""The Paystack sandbox: envelopes, texts and codes as the real API gives them."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.staging.customer import SUCCESS, Customer
from tests.staging.stack import Stack, until

pytestmark = pytest.mark.docker
GOOD: dict[str, object] = {"email": "a@drill.test", "amount": 500_000, "currency": "NGN"}
WEBHOOK_WITHIN_S = 10.0


def test_initialize_gives_the_hosted_page(stack: Stack) -> None:
    """A proper initialize is answered with the address, its code and the reference."""
    reference = uuid4().hex
    answer = stack.paystack("POST", "/transaction/initialize", {**GOOD, "reference": reference})

    data = answer.json()["data"]
    assert answer.json()["message"] == "Authorization URL created"
    assert data["authorization_url"] == f"https://checkout.paystack.com/{data['access_code']}"
    assert data["reference"] == reference


@pytest.mark.parametrize(
    ("change", "http", "message", "code"),
    [
        ({"email": ""}, 400, "Email Address is required", "missing_params"),
        ({"email": "nobody"}, 400, "Invalid Email Address Passed", "invalid_email_address"),
        ({"amount": 100.5}, 400, '"amount" must be an integer', "invalid_amount"),
        ({"amount": "100.50"}, 400, '"amount" must be an integer', "invalid_amount"),
        ({"amount": -100}, 400, "Invalid Amount Sent", "invalid_amount"),
    ],
)
def test_initialize_refuses_in_paystacks_words(
    stack: Stack, change: dict[str, object], http: int, message: str, code: str
) -> None:
    """What is missing or wrong is refused with the text and the code of the real API."""
    answer = stack.paystack("POST", "/transaction/initialize", {**GOOD, **change})

    body = answer.json()
    assert (answer.status_code, body["message"], body["code"]) == (http, message, code)
    assert body["status"] is False
    assert body["type"] == "validation_error"
    assert "nextStep" in body["meta"]


def test_a_reference_is_taken_once(stack: Stack) -> None:
    """The second initialize with the same reference is refused as a duplicate."""
    given = {**GOOD, "reference": uuid4().hex}
    stack.paystack("POST", "/transaction/initialize", given)

    body = stack.paystack("POST", "/transaction/initialize", given).json()

    assert (body["message"], body["code"]) == (
        "Duplicate Transaction Reference",
        "duplicate_reference",
    )


def test_a_wrong_key_is_refused(stack: Stack) -> None:
    """Another key is answered 401, with Paystack's own spelling of the code."""
    answer = stack.paystack("GET", "/transaction", key="sk_test_wrong")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_Key")


def test_an_unknown_reference_is_not_found(stack: Stack) -> None:
    """Verify answers 400 with the text, dot included, for a reference nobody made."""
    answer = stack.paystack("GET", "/transaction/verify/nobody-made-this")

    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "Transaction reference not found.",
    )


def test_unpaid_verifies_as_abandoned_with_status_true(stack: Stack) -> None:
    """The envelope's status says that the call worked; only data.status tells of the payment."""
    reference = uuid4().hex
    stack.paystack("POST", "/transaction/initialize", {**GOOD, "reference": reference})

    body = stack.paystack("GET", f"/transaction/verify/{reference}").json()

    assert body["status"] is True
    assert body["data"]["status"] == "abandoned"
    assert body["data"]["paid_at"] is None
    assert body["data"]["authorization"] == {}


def test_the_list_is_newest_first_and_its_cursor_ends(stack: Stack) -> None:
    """Following the cursor gives every transaction once, newest first, and then ends."""
    for _ in range(3):
        stack.paystack("POST", "/transaction/initialize", GOOD)
    ids: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = stack.paystack("GET", f"/transaction?perPage=2&use_cursor=true&next={cursor}").json()
        ids += [row["id"] for row in page["data"]]
        cursor = page["meta"]["next"]

    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) >= 3


def test_a_capture_survives_a_kill(stack: Stack) -> None:
    """What the hosted page called paid is still paid after the sandbox was killed."""
    with Customer(stack).sign_up() as customer:
        address, reference = customer.start(), customer.reference()
        assert customer.pay(address, SUCCESS).status_code == 303
        container = stack.container("paystack")
        container.kill()
        container.wait()
        container.start()

        def status() -> str:
            try:
                answer = stack.paystack("GET", f"/transaction/verify/{reference}")
            except httpx.TransportError:
                return "not up yet"
            return str(answer.json()["data"]["status"])

        until(lambda: status() == "success", within_s=WEBHOOK_WITHIN_S, what="success")
        until(customer.has_pass, within_s=WEBHOOK_WITHIN_S, what="the pass, by webhook")


def test_names_outside_the_stack_do_not_exist_in_it(stack: Stack) -> None:
    """With the sandbox stopped its name is unknown, so that nothing ever asks the real Paystack."""
    container = stack.container("paystack")
    container.stop(timeout=3)
    try:
        for service in ("vauntico-server", "fulfillment-engine"):
            looked = stack.container(service).exec_run(["getent", "hosts", "api.paystack.co"])
            assert (looked.exit_code, looked.output) == (2, b"")
    finally:
        container.start()
