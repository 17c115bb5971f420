"""The Paystack sandbox in this process: its application asked directly, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.staging.module import module

KEY = "sk_test_inside"  # pragma: allowlist secret
TOKEN = "inside"  # pragma: allowlist secret
CARD = {"card_number": "4084084084084081", "card_expiry": "12/30", "card_cvv": "408"}
GOOD: dict[str, object] = {"email": "ada@drill.test", "amount": 500_000}


def part(name: str) -> Any:
    """A module of the sandbox."""
    return module(f"paystack_sandbox.{name}")


@dataclass
class Clock:
    """Time that passes only when a test says so."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Inside:
    """The sandbox with a client of each of its sites."""

    sandbox: Any
    clock: Clock
    api: httpx.AsyncClient
    page: httpx.AsyncClient
    control: httpx.AsyncClient

    async def initialize(self, **given: object) -> dict[str, Any]:
        """The data of a proper initialize."""
        answer = await self.api.post("/transaction/initialize", json={**GOOD, **given})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def pay(self, code: str, *forms: dict[str, str]) -> httpx.Response:
        """Post the forms of the hosted page one after the other."""
        answer = await self.page.get(f"/{code}")
        for form in forms or (CARD,):
            answer = await self.page.post(f"/{code}/pay", data=form)
        return answer

    async def paid(self, **given: object) -> dict[str, Any]:
        """A transaction that was paid, as verify shows it."""
        made = await self.initialize(**given)
        await self.pay(made["access_code"])
        return await self.verify(made["reference"])

    async def verify(self, reference: str) -> dict[str, Any]:
        answer = await self.api.get(f"/transaction/verify/{reference}")
        return dict(answer.json()["data"])

    async def put(self, kind: str, name: str = "", **settings: object) -> httpx.Response:
        """Bring a fault into force by the control port."""
        url = f"/faults/{name or uuid4().hex}"
        return await self.control.put(url, json={"kind": kind, **settings})

    def events(self) -> list[dict[str, Any]]:
        """The stored events, oldest first."""
        return [dict(row) for row in self.sandbox.store.all("SELECT * FROM events ORDER BY id")]


def site(app: Any, host: str, **headers: str) -> httpx.AsyncClient:
    """A client that calls the application of *host* directly."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"https://{host}", headers=headers
    )


def reference_in(location: str) -> str:
    """What the callback is told."""
    return urlsplit(location).query


@contextmanager
def opened(folder: Path, **chosen: Any) -> Iterator[Inside]:
    """A sandbox whose files are in *folder*; opened again there, it is the same one."""
    clock = Clock()
    settings = part("sandbox").Settings(
        data=folder / "paystack.sqlite",
        webhook_url=chosen.pop("webhook_url", "http://shop.test/webhook"),
        secret_key=KEY,
        **chosen,
    )
    board = part("faults").Board(clock)
    sandbox = part("sandbox").Sandbox(settings, board)
    app = part("biting").Biting(sandbox.app, board)
    try:
        yield Inside(
            sandbox=sandbox,
            clock=clock,
            api=site(app, "api.paystack.co", authorization=f"Bearer {KEY}"),
            page=site(app, "checkout.paystack.com"),
            control=site(sandbox.control(TOKEN), "control.test", authorization=f"Bearer {TOKEN}"),
        )
    finally:
        sandbox.store.close()
