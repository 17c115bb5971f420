"""Unmodified client libraries against the sandbox's container, over TLS and by its real name."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypaystack2 import PaystackClient

from tests.staging.customer import SUCCESS, Customer
from tests.staging.sandbox import conformance
from tests.staging.sandbox.conformance import Pay
from tests.staging.stack import Stack

pytestmark = [pytest.mark.docker, pytest.mark.thorough]
NAME = "api.paystack.co"


@pytest.fixture
def url(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Paystack's own name, which leads to the container here, and whose certificate is trusted."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(stack.inside("paystack", "cat", "/ca/public/bundle.pem"))
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(bundle))
    monkeypatch.setenv("NO_PROXY", NAME)
    real = socket.getaddrinfo

    def resolved(host: Any, *given: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in (NAME, NAME.encode()) else host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return f"https://{NAME}:{stack.paystack_port}"


@pytest.fixture
def pay(stack: Stack) -> Pay:
    """Pays on the hosted page, as a browser would."""

    def post(code: str) -> None:
        with Customer(stack) as customer:
            customer.hosted("POST", f"https://checkout.paystack.com/{code}/pay", SUCCESS)

    return post


@pytest.mark.parametrize("through", conformance.THROUGH, ids=lambda one: str(one.__name__))
def test_pypaystack2(
    url: str,
    stack: Stack,
    pay: Pay,
    monkeypatch: pytest.MonkeyPatch,
    through: Callable[[PaystackClient, Pay], None],
) -> None:
    """The typed client on httpx reads every answer of the container with its own models."""
    through(conformance.pypaystack2_at(url, stack.secret_key, monkeypatch), pay)


@pytest.mark.anyio
async def test_pypaystack2_in_async(
    url: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The asynchronous client reads them too."""
    conformance.pypaystack2_at(url, stack.secret_key, monkeypatch)
    await conformance.in_async(stack.secret_key)


def test_paystackapi(url: str, stack: Stack, pay: Pay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The untyped client on requests gets through as well."""
    conformance.untyped(conformance.paystackapi_at(url, stack.secret_key, monkeypatch), pay)
