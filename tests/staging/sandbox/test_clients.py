"""Unmodified client libraries against the served sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pypaystack2 import PaystackClient

from tests.staging.sandbox import conformance
from tests.staging.sandbox.conformance import Pay
from tests.staging.sandbox.inside import CARD, KEY
from tests.staging.sandbox.served import Served


@pytest.fixture
def pay(served: Served, monkeypatch: pytest.MonkeyPatch) -> Pay:
    """Pays on the hosted page, as a browser would."""
    monkeypatch.setenv("NO_PROXY", "*")

    def post(code: str) -> None:
        served.page.post(f"/{code}/pay", data=CARD)

    return post


@pytest.mark.parametrize("through", conformance.THROUGH, ids=lambda one: str(one.__name__))
def test_pypaystack2(
    served: Served,
    pay: Pay,
    monkeypatch: pytest.MonkeyPatch,
    through: Callable[[PaystackClient, Pay], None],
) -> None:
    """The typed client reads every answer of the sandbox with its own models."""
    through(conformance.pypaystack2_at(served.url, KEY, monkeypatch), pay)


@pytest.mark.anyio
async def test_pypaystack2_in_async(
    served: Served, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The asynchronous client reads them too."""
    conformance.pypaystack2_at(served.url, KEY, monkeypatch)
    await conformance.in_async(KEY)


def test_paystackapi(served: Served, pay: Pay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The untyped client on requests gets through as well."""
    conformance.untyped(conformance.paystackapi_at(served.url, KEY, monkeypatch), pay)
