"""
The sandbox's answers against Paystack's official OpenAPI specification.

The specification is Paystack's and not in this repository: it is read from the path in
PAYSTACK_OPENAPI, or beside the project, and these tests are skipped where it is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.staging.sandbox.inside import Inside

pytestmark = pytest.mark.anyio
BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "paystack-openapi.yaml"
# Null in Paystack's own samples and answers, whatever the specification says of them.
NULL = {"first_name", "last_name", "phone", "metadata", "international_format_phone"}


def specification() -> Path:
    return Path(os.environ.get("PAYSTACK_OPENAPI", BESIDE))


@cache
def document() -> Mapping[str, Any]:
    """The specification; skips where there is none."""
    path = specification()
    if not path.is_file():
        pytest.skip(f"no specification at {path}; PAYSTACK_OPENAPI names one")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(path.read_bytes(), loader))


def problems(schema: str, body: object) -> Iterator[str]:
    """What the specification has against an answer, but for the nulls it forgot."""
    validator = OAS30Validator(
        {
            "components": document()["components"],
            "allOf": [{"$ref": f"#/components/schemas/{schema}"}],
        }
    )
    for error in validator.iter_errors(body):
        path = [str(part) for part in error.absolute_path]
        if not (path and path[-1] in NULL and error.instance is None):
            yield f"{'.'.join(path)}: {error.message}"


async def test_initialize(inside: Inside) -> None:
    """Initialize answers as specified, and refuses as specified."""
    made = await inside.api.post("/transaction/initialize", json={"email": "a@b.test", "amount": 1})
    refused = await inside.api.post("/transaction/initialize", json={"amount": 1})

    assert list(problems("TransactionInitializeResponse", made.json())) == []
    assert list(problems("TransactionInitializeBadRequestModel", refused.json())) == []


@pytest.mark.parametrize("pay", [False, True])
async def test_verify(inside: Inside, pay: bool) -> None:
    """Verify has every field of the specification, paid or not."""
    made = await inside.initialize(metadata={"custom_fields": []})
    if pay:
        await inside.pay(made["access_code"])

    answer = await inside.api.get(f"/transaction/verify/{made['reference']}")

    assert list(problems("VerifyResponse", answer.json())) == []


async def test_fetch_list_and_timeline(inside: Inside) -> None:
    """So have fetch, the list by page, and the timeline of a paid transaction."""
    paid = await inside.paid(metadata={"custom_fields": []})

    fetched = await inside.api.get(f"/transaction/{paid['id']}")
    listed = await inside.api.get("/transaction")
    timeline = await inside.api.get(f"/transaction/timeline/{paid['id']}")

    assert list(problems("TransactionFetchResponse", fetched.json())) == []
    assert list(problems("TransactionListResponse", listed.json())) == []
    assert list(problems("TransactionTimelineResponse", timeline.json())) == []


async def test_a_saved_card(inside: Inside) -> None:
    """Charging a saved card answers as specified."""
    paid = await inside.paid()
    given = {
        "email": "ada@drill.test",
        "amount": 100,
        "authorization_code": paid["authorization"]["authorization_code"],
    }

    answer = await inside.api.post("/transaction/charge_authorization", json=given)

    assert list(problems("ChargeAuthorizationResponse", answer.json())) == []


async def test_refunds(inside: Inside) -> None:
    """Asking for a refund, listing and fetching it answer as specified."""
    paid = await inside.paid()
    asked = await inside.api.post("/refund", json={"transaction": paid["id"], "amount": 100})
    listed = await inside.api.get("/refund")
    fetched = await inside.api.get(f"/refund/{asked.json()['data']['id']}")

    assert list(problems("RefundCreateResponse", asked.json())) == []
    assert list(problems("RefundListResponse", listed.json())) == []
    assert list(problems("RefundFetchResponse", fetched.json())) == []


async def test_customers_plans_and_subscriptions(inside: Inside) -> None:
    """The resources around a subscription answer as specified."""
    given = {"name": "Pass", "amount": 4_000, "interval": "monthly"}
    plan = await inside.api.post("/plan", json=given)
    code = plan.json()["data"]["plan_code"]
    names = {"first_name": "Ada", "last_name": "Obi", "phone": "+234"}
    customer = await inside.api.post("/customer", json={"email": "ada@drill.test", **names})
    await inside.paid(plan=code)
    listed = await inside.api.get("/subscription")
    identity = listed.json()["data"][0]["subscription_code"]
    found = customer.json()["data"]["customer_code"]
    given = {"customer": found, "plan": code}
    begun = await inside.api.post("/subscription", json=given)

    async def get(path: str) -> object:
        return (await inside.api.get(path)).json()

    assert list(problems("PlanCreateResponse", plan.json())) == []
    assert list(problems("PlanFetchResponse", await get(f"/plan/{code}"))) == []
    assert list(problems("PlanListResponse", await get("/plan"))) == []
    assert list(problems("CustomerCreateResponse", customer.json())) == []
    assert list(problems("CustomerFetchResponse", await get(f"/customer/{found}"))) == []
    assert list(problems("CustomerListResponse", await get("/customer"))) == []
    assert list(problems("SubscriptionListResponse", listed.json())) == []
    assert list(problems("SubscriptionCreateResponse", begun.json())) == []
    fetched = await get(f"/subscription/{identity}")
    assert list(problems("SubscriptionFetchResponse", fetched)) == []
