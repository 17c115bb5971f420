"""Every error as Paystack words it: callers decide by message and code, never by the number."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.staging.sandbox.inside import GOOD, Inside, opened

pytestmark = pytest.mark.anyio

INITIALIZE = "/transaction/initialize"
CHARGE = "/transaction/charge_authorization"


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """What tells errors apart."""
    body = answer.json()
    assert body["status"] is False
    assert body["type"] in {"validation_error", "api_error", "processor_error"}
    assert body["meta"]["nextStep"]
    return answer.status_code, body["message"], body["code"]


@pytest.mark.parametrize(
    ("change", "message", "code"),
    [
        ({"email": ""}, "Email Address is required", "missing_params"),
        ({"email": None}, "Email Address is required", "missing_params"),
        ({"email": "nobody"}, "Invalid Email Address Passed", "invalid_email_address"),
        ({"amount": None}, "Amount is required", "missing_params"),
        ({"amount": 100.5}, '"amount" must be an integer', "invalid_amount"),
        ({"amount": "100.50"}, '"amount" must be an integer', "invalid_amount"),
        ({"amount": 0}, "Invalid Amount Sent", "invalid_amount"),
        ({"amount": -100}, "Invalid Amount Sent", "invalid_amount"),
        ({"amount": "many"}, "Invalid Amount Sent", "invalid_amount"),
        ({"amount": 1e300}, "Invalid Amount Sent", "invalid_amount"),
        ({"plan": "PLN_none"}, "Plan not found", "plan_not_found"),
    ],
)
async def test_initialize_refuses(
    inside: Inside, change: dict[str, object], message: str, code: str
) -> None:
    """What is missing or wrong is refused with 400, the text and the code of the real API."""
    answer = await inside.api.post(INITIALIZE, json={**GOOD, **change})

    assert told(answer) == (400, message, code)


@pytest.mark.parametrize("amount", [100, "100", 100.0, 1])
async def test_amounts_that_are_taken(inside: Inside, amount: object) -> None:
    """Integers, texts of integers and 100.0 are taken; test mode knows no least amount."""
    made = await inside.initialize(amount=amount)

    assert (await inside.verify(made["reference"]))["requested_amount"] == int(str(amount)[:3])


async def test_a_form_is_taken_too(inside: Inside) -> None:
    """A body in form encoding is read as the same parameters."""
    answer = await inside.api.post(INITIALIZE, data={"email": "a@b.test", "amount": "500"})

    assert answer.json()["message"] == "Authorization URL created"


async def test_a_reference_is_taken_once(inside: Inside) -> None:
    """A second initialize with the same reference is refused, and the first one is unchanged."""
    await inside.initialize(reference="once", amount=700)

    answer = await inside.api.post(INITIALIZE, json={**GOOD, "reference": "once"})

    assert told(answer) == (400, "Duplicate Transaction Reference", "duplicate_reference")
    assert answer.json()["errorCodeMappingNotFound"] is False
    assert (await inside.verify("once"))["requested_amount"] == 700


@pytest.mark.parametrize("headers", [{"authorization": "Bearer sk_test_wrong"}, {}])
async def test_a_wrong_or_missing_key(inside: Inside, headers: dict[str, str]) -> None:
    """Without our key nothing is answered but 401, in Paystack's own spelling of the code."""
    inside.api.headers.pop("authorization")

    answer = await inside.api.get("/transaction", headers=headers)

    assert told(answer) == (401, "Invalid key", "invalid_Key")


@pytest.mark.parametrize("http", [400, 404])
async def test_an_unknown_reference(tmp_path: Path, http: int) -> None:
    """Verify says `transaction_not_found`, under 400 as observed or 404 as specified."""
    with opened(tmp_path, unknown_reference_http=http) as inside:
        answer = await inside.api.get("/transaction/verify/nobody")

    assert told(answer) == (http, "Transaction reference not found.", "transaction_not_found")


async def test_an_unknown_number(inside: Inside) -> None:
    """Fetch answers 404 for a number that nobody has."""
    answer = await inside.api.get("/transaction/17")

    assert told(answer) == (404, "Transaction not found", "transaction_not_found")


async def test_a_hundred_calls_a_minute_for_everybody(tmp_path: Path) -> None:
    """The 101st call of a minute is 429 on any route, with the headers that say when to go on."""
    with opened(tmp_path, calls_per_minute=100) as inside:
        answers = [await inside.api.get("/transaction") for _ in range(100)]
        refused = await inside.api.get("/refund")
        free = await inside.api.get("/")

    assert {one.status_code for one in answers} == {200}
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert told(refused) == (429, "Rate limit exceeded!", "rate_limited")
    assert refused.headers["x-ratelimit-limit"] == "100"
    assert 0 < int(refused.headers["x-ratelimit-reset"]) <= 60
    assert free.status_code == 200


async def test_a_saved_card(inside: Inside) -> None:
    """A saved card is charged once a reference, and refused in Paystack's words otherwise."""
    paid = await inside.paid(email="ada@drill.test")
    given: dict[str, object] = {
        "email": "ada@drill.test",
        "amount": 9_000,
        "authorization_code": paid["authorization"]["authorization_code"],
        "reference": "saved",
    }

    async def refused(**change: object) -> tuple[int, str]:
        return told(await inside.api.post(CHARGE, json={**given, **change}))[:2]

    charged = await inside.api.post(CHARGE, json=given)

    assert charged.json()["message"] == "Charge attempted"
    assert charged.json()["data"]["status"] == "success"
    assert await refused() == (400, "Duplicate Transaction Reference")
    assert await refused(authorization_code="AUTH_x") == (400, "Authorization code is invalid")
    other = await refused(email="eve@drill.test")
    assert other[1].startswith("Email does not match Authorization code.")
    assert await refused(currency="EUR", reference="x") == (
        400,
        "Currency not supported by merchant",
    )


async def test_refunds_refuse(inside: Inside) -> None:
    """No refund goes beyond what was captured, and each refusal has Paystack's own words."""
    paid = await inside.paid(amount=1_000)
    unpaid = await inside.initialize()

    async def asked(**given: object) -> httpx.Response:
        return await inside.api.post("/refund", json={"transaction": paid["id"], **given})

    assert told(await asked(currency="USD"))[1] == "Transaction currency must match refund currency"
    assert told(await asked(amount=0))[1] == "Invalid Amount Sent"
    assert (await asked(amount=400)).json()["data"]["status"] == "pending"
    too_much = "Total refund amount cannot exceed original transaction amount"
    assert told(await asked())[1] == too_much  # left out means the original total
    assert (await asked(amount=600)).status_code == 200
    assert told(await asked(amount=1)) == (
        400,
        "Transaction has been fully reversed",
        "transaction_reversed",
    )
    answer = await inside.api.post("/refund", json={"transaction": unpaid["reference"]})
    assert answer.status_code == 400
    assert told(await inside.api.get("/refund/1"))[0] == 404


async def test_the_least_refund_in_cedis(inside: Inside) -> None:
    """Below one cedi no refund is taken."""
    paid = await inside.paid(amount=1_000, currency="GHS")

    answer = await inside.api.post("/refund", json={"transaction": paid["reference"], "amount": 99})

    assert told(answer)[1].endswith("at this time is: GHS1.00")
