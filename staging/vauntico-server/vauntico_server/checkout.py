"""
The way to Paystack and back.

One order, one reference an attempt, and never a new attempt before the old one was verified:
that is what keeps a customer from paying twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

import asyncpg
from prometheus_client import Counter
from shop import bugs
from shop.paystack_api import (
    PaystackApi,
    PaystackRefused,
    PaystackUnavailable,
    ReferenceUnknown,
    Transaction,
)
from shop.products import PRODUCTS, Product
from shop.settlement import DOMAIN

from vauntico_server.accounts import Account
from vauntico_server.baskets import Attempt, Basket, Baskets
from vauntico_server.release import Release

log = logging.getLogger(__name__)

# Both calls together stay below what a customer waits for.
VERIFY_LIMIT_S, START_LIMIT_S, CALLBACK_LIMIT_S = 1.0, 2.3, 2.0
# An initialize that is older than this is over, whatever became of it.
STARTING_LIMIT_S = 3.0
OTHER_TAB_LIMIT_S, LOOK_EVERY_S = 1.5, 0.05
# A payment under way at the bank: not to be started once more.
UNDER_WAY = ("pending", "processing", "queued")

Outcome = Literal["redirect", "unavailable", "pending", "paid", "closed"]
STARTS = Counter("vauntico_checkout_starts_total", "How starts of a payment ended.", ["outcome"])
for _outcome in (*get_args(Outcome), "error"):
    STARTS.labels(_outcome)  # from 0, or Prometheus would not see the first as an increase


@dataclass(frozen=True)
class Start:
    """What to tell a customer who wants to pay."""

    outcome: Outcome
    order_id: str = ""
    url: str = ""


class Checkout:
    """Starts payments, and takes customers back."""

    def __init__(
        self, baskets: Baskets, paystack: PaystackApi, *, public_url: str, release: Release
    ) -> None:
        self._baskets = baskets
        self._paystack = paystack
        self._public_url = public_url
        self._release = release

    async def start(self, account: Account, product: Product) -> Start:
        """Bring the customer to Paystack's page, or say why not; within three seconds."""
        try:
            start = await self._start(account, product)
        except Exception:
            STARTS.labels("error").inc()
            raise
        STARTS.labels(start.outcome).inc()
        return await self._honest(start)

    async def _honest(self, start: Start) -> Start:
        """That nothing was charged is said only where no page to pay on was ever shown."""
        if start.outcome not in ("unavailable", "closed"):
            return start
        if bugs.planted("not_charged_on_lost_answer"):
            return start
        shown = await self._baskets.was_shown(start.order_id)
        return Start("pending", start.order_id) if shown else start

    def rehearse(self) -> None:
        """Make the request for every product, and send none; whatever is wrong is raised."""
        for product in PRODUCTS.values():
            self._payment("nobody@vauntico.test", product)

    async def _start(self, account: Account, product: Product) -> Start:
        began = time.monotonic()
        # First of all: what cannot be asked for leaves no order behind.
        payment = self._payment(account.email, product)
        basket = await self._baskets.open_order(account, product)
        if basket is None:
            return Start("closed")
        if basket.state != "open":
            return Start("paid", basket.order_id)
        if basket.closed:
            return Start("closed", basket.order_id)
        if basket.last:
            known = await self._look_at(basket, basket.last)
            if known:
                return known
        reference = await self._baskets.new_attempt(basket.order_id)
        if reference is None:
            return await self._follow_other_tab(basket.order_id)
        given = payment | self._references(basket.order_id, reference)
        return await self._initialize(
            basket.order_id, given, START_LIMIT_S - (time.monotonic() - began)
        )

    async def _look_at(self, basket: Basket, last: Attempt) -> Start | None:
        """What the last attempt means for a new one; none if it is in nobody's way."""
        age_s = (datetime.now(UTC) - last.created_at).total_seconds()
        if last.state == "starting" and age_s < STARTING_LIMIT_S:
            return await self._follow_other_tab(basket.order_id)
        try:
            paid = await self._paystack.verify(last.reference, deadline_s=VERIFY_LIMIT_S)
        except ReferenceUnknown:
            if last.url and last.state == "open":
                # Its page was shown, so Paystack knows it, whatever it says at the moment.
                return Start("redirect", basket.order_id, last.url)
            await self._baskets.lost(last.reference)
            return None
        except (PaystackUnavailable, PaystackRefused) as error:
            log.warning("order %s: cannot verify: %s", basket.order_id, error)
            if bugs.planted("new_reference_on_timeout"):
                await self._baskets.lost(last.reference)
                return None
            return Start("unavailable", basket.order_id)
        return await self._decide(basket, last, paid)

    async def _decide(self, basket: Basket, last: Attempt, paid: Transaction) -> Start | None:
        settled = await self._baskets.settle(last.reference, paid)
        if settled and settled.state != "open":
            return Start("paid", basket.order_id)
        if paid.status in UNDER_WAY:
            return Start("pending", basket.order_id)
        if paid.status in ("failed", "reversed") or last.state == "failed":
            return None
        if last.url and last.state == "open":
            # The same page again: its reference can be captured only once.
            return Start("redirect", basket.order_id, last.url)
        await self._baskets.lost(last.reference)
        return None

    async def _initialize(
        self, order_id: str, given: dict[str, object], deadline_s: float
    ) -> Start:
        reference = str(given["reference"])
        try:
            url = await self._paystack.initialize(given, deadline_s=deadline_s)
        except (PaystackUnavailable, PaystackRefused) as error:
            log.warning("order %s: cannot start a payment: %s", order_id, error)
            await self._baskets.lost(reference)
            return Start("unavailable", order_id)
        if not await self._baskets.opened(reference, url):
            return Start("unavailable", order_id)
        return Start("redirect", order_id, url)

    def _payment(self, email: str, product: Product) -> dict[str, object]:
        shown = self._release.reads_shown_price
        return {
            "email": email,
            "amount": int(product.price) if shown else product.charged,
            "currency": product.currency,
            "callback_url": f"{self._public_url}/checkout/callback",
        }

    def _references(self, order_id: str, reference: str) -> dict[str, object]:
        cancelled = f"{self._public_url}/checkout/cancelled?reference={reference}"
        return {
            "reference": reference,
            "metadata": {"order_id": order_id, "cancel_action": cancelled},
        }

    async def _follow_other_tab(self, order_id: str) -> Start:
        """Another tab has just asked Paystack: wait a little for its answer and use it."""
        until = time.monotonic() + OTHER_TAB_LIMIT_S
        while time.monotonic() < until:
            last = await self._baskets.last_attempt(order_id)
            if last and last.url and last.state == "open":
                return Start("redirect", order_id, last.url)
            await asyncio.sleep(LOOK_EVERY_S)
        return Start("unavailable", order_id)

    async def trust(self, reference: str, order: asyncpg.Record) -> Transaction:
        """The bug `redirect_trusted`: who comes back has paid."""
        price, currency = order["amount"], order["currency"]
        paid = Transaction(0, reference, DOMAIN, "success", price, price, 0, currency)
        await self._baskets.settle(reference, paid)
        return paid

    async def come_back(self, reference: str) -> Transaction | None:
        """
        Verify a reference that somebody came back with; the address bar proves nothing.

        Returns:
            What Paystack says, applied to the order; none if Paystack cannot be asked now.
        """
        try:
            paid = await self._paystack.verify(reference, deadline_s=CALLBACK_LIMIT_S)
        except (PaystackUnavailable, PaystackRefused) as error:
            log.warning("reference %s: cannot verify: %s", reference, error)
            return None
        if bugs.planted("envelope_trusted"):
            paid = replace(paid, status="success")
        await self._baskets.settle(reference, paid)
        return paid
