"""SIGKILL at any moment: what was answered is still there, and nothing is there twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.staging.sandbox.inside import CARD, GOOD, KEY
from tests.staging.sandbox.served import Merchant, Served
from tests.staging.stack import until

pytestmark = pytest.mark.slow
ROUNDS, CUSTOMERS = 3, 4
LONGEST_S = 0.6
WITHIN_S = 15.0


class Answered:
    """What customers and shop were told by the time of the kill."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.paid: list[str] = []
        self.refunded: list[str] = []


@pytest.fixture
def mortal(tmp_path: Path, shop: Merchant) -> Iterator[Served]:
    sandbox = Served(tmp_path, shop.url)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.close()


def buy(url: str, told: Answered, over: threading.Event) -> None:
    """Buy and refund a little, again and again, noting only what was answered."""
    headers = {"authorization": f"Bearer {KEY}"}
    page = {"host": "checkout.paystack.com"}
    with httpx.Client(base_url=url, timeout=5) as client, suppress(httpx.TransportError):
        while not over.is_set():
            reference = uuid4().hex
            given = {**GOOD, "reference": reference}
            made = client.post("/transaction/initialize", json=given, headers=headers).json()
            told.begun.append(reference)
            code = made["data"]["access_code"]
            client.post(f"/{code}/pay", data=CARD, headers=page).raise_for_status()
            told.paid.append(reference)
            asked = {"transaction": reference, "amount": 100}
            client.post("/refund", json=asked, headers=headers).raise_for_status()
            told.refunded.append(reference)


def killed_while_busy(sandbox: Served, after_s: float) -> Answered:
    """Customers at work, and then a SIGKILL in the middle of it."""
    told, over = Answered(), threading.Event()
    threads = [
        threading.Thread(target=buy, args=(sandbox.url, told, over)) for _ in range(CUSTOMERS)
    ]
    for thread in threads:
        thread.start()
    until(lambda: told.refunded, within_s=WITHIN_S, what="a first purchase")
    time.sleep(after_s)  # The moment of the kill is what is varied here.
    sandbox.kill()
    over.set()
    for thread in threads:
        thread.join(WITHIN_S)
    return told


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_kill_loses_nothing_that_was_answered(mortal: Served, shop: Merchant, seed: int) -> None:
    """
    Every reference, capture and refund that was answered is there after a SIGKILL, each capture
    once, and the event of each payment arrives at last.
    """
    told = killed_while_busy(mortal, random.Random(seed).uniform(0, LONGEST_S))
    mortal.start()

    captured = [one["reference"] for one in mortal.control.get("/captures").json()["captures"]]
    assert set(told.paid) <= set(captured)
    assert len(captured) == len(set(captured))
    for reference in told.begun:
        assert mortal.verify(reference)["reference"] == reference
    for reference in told.refunded:
        number = mortal.verify(reference)["id"]
        listed = mortal.api.get(f"/refund?transaction={number}").json()["data"]
        assert [one["amount"] for one in listed] == [100]
    until(
        lambda: all(shop.of(reference) for reference in captured),
        within_s=WITHIN_S,
        what="every event",
    )
