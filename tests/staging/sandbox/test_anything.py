"""Whatever callers send, they get Paystack's envelope and never an accident of ours."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.staging.sandbox.inside import Inside, opened

NAMES = [
    *("email", "amount", "currency", "reference", "metadata", "plan", "callback_url"),
    *("authorization_code", "transaction", "customer_note", "name", "interval", "description"),
    *("invoice_limit", "customer", "authorization", "code", "token", "ids", "first_name", "phone"),
]
ROUTES = (
    "/transaction/initialize",
    "/transaction/charge_authorization",
    "/refund",
    "/customer",
    "/plan",
    "/subscription",
    "/subscription/disable",
    "/integration/webhooks/events/resend",
)
LISTS = ("/transaction", "/refund", "/customer", "/plan", "/subscription")
QUERIES = [
    *("perPage", "page", "next", "previous", "use_cursor", "status", "customer", "amount", "from"),
    "transaction",
]
HUGE = base64.b64encode(b"undefined:" + b"9" * 40).decode()
KNOWN = st.sampled_from(
    ["ada@drill.test", "paid", "NGN", "monthly", "1", 100, "null", "true", "\u00b2", "9" * 40, HUGE]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | KNOWN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


async def _enveloped(inside: Inside, method: str, url: str, **sent: Any) -> None:
    answer = await inside.api.request(method, url, **sent)
    body = answer.json()
    assert isinstance(body["status"], bool)
    assert body["status"] == answer.is_success
    assert isinstance(body["message"], str)
    assert answer.is_success or body["code"]


@pytest.mark.no_cover
@settings(max_examples=60, deadline=None)
@given(
    posts=st.lists(
        st.tuples(
            st.sampled_from(ROUTES), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
        ),
        max_size=8,
    ),
    query=st.dictionaries(st.sampled_from(QUERIES), st.text(max_size=30) | KNOWN.map(str)),
)
def test_any_parameters_are_answered(
    posts: list[tuple[str, dict[str, object]]], query: dict[str, str]
) -> None:
    """
    Any JSON object on any route, and any query on any list, is taken or refused in Paystack's form.
    """

    async def rehearse() -> None:
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as inside:
            await inside.paid(reference="paid")
            for url, body in posts:
                await _enveloped(inside, "POST", url, content=json.dumps(body))
            for url in LISTS:
                await _enveloped(inside, "GET", url, params=query)

    asyncio.run(rehearse())


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"email": "\\ud800"}', b"[" * 9999])
async def test_what_is_no_object_is_refused(inside: Inside, body: bytes) -> None:
    """A body that is no JSON object is 400, and nothing is made of it."""
    answer = await inside.api.post("/transaction/initialize", content=body)

    assert (answer.status_code, answer.json()["status"]) == (400, False)
    assert (await inside.api.get("/transaction")).json()["data"] == []
