"""Pages around paying: buy, come back, look at the order."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

import asyncpg
from shop import bugs
from shop.paystack_api import Transaction
from shop.products import PRODUCTS
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vauntico_server.accounts import Accounts
from vauntico_server.baskets import Baskets
from vauntico_server.checkout import Checkout, Start
from vauntico_server.pages import Views, form_of, see_other

# How long the way back waits for the pass, so that the first page mostly shows the receipt.
FULFILMENT_WAIT_S, LOOK_EVERY_S = 0.8, 0.05
# Only then may a page that was cancelled say so of its own reference.
NOT_CHARGED = ("abandoned", "failed")
LOST_ANSWER: Literal["not_charged_on_lost_answer"] = "not_charged_on_lost_answer"


class Paying:
    """Handlers."""

    def __init__(
        self, accounts: Accounts, baskets: Baskets, checkout: Checkout, views: Views
    ) -> None:
        self._accounts = accounts
        self._baskets = baskets
        self._checkout = checkout
        self._views = views

    def routes(self) -> list[Route]:
        """The paths."""
        return [
            Route("/buy", self.buy, methods=["POST"]),
            Route("/checkout/callback", self.callback),
            Route("/checkout/cancelled", self.callback),
            Route("/orders/{id}", self.order),
        ]

    async def buy(self, request: Request) -> Response:
        """To Paystack's page, or a page that says why not."""
        account = await self._accounts.of(request)
        if account is None:
            return see_other("/signin?next=/plans")
        product = PRODUCTS.get((await form_of(request)).get("product", ""))
        if product is None:
            return await self._views.page(request, "lost.html", 404, account=account)
        start = await self._checkout.start(account, product)
        if start.outcome == "redirect":
            return see_other(start.url)
        if start.outcome == "paid":
            return see_other(f"/orders/{start.order_id}")
        return await self._not_now(request, start, product.name)

    async def _not_now(self, request: Request, start: Start, product: str) -> Response:
        """503 with what the customer needs to know: whether money moved, and what to do."""
        outcome = "pending" if start.outcome == "pending" else "unavailable"
        return await self._views.page(
            request,
            "checkout.html",
            503,
            outcome=outcome,
            reason=start.outcome,
            order_id=start.order_id,
            product=product,
        )

    async def callback(self, request: Request) -> Response:
        """Back from Paystack, paid or cancelled: Paystack is asked, nothing else is believed."""
        query = request.query_params
        reference = query.get("reference") or query.get("trxref") or ""
        account = await self._accounts.of(request)
        cancelled = request.url.path.endswith("/cancelled")
        if account and bugs.planted("reference_replayed"):
            await self._baskets.take_over(reference, account)
        order = await self._baskets.order_of(reference)
        if order is None:
            return await self._views.page(request, "lost.html", 404)
        if account and bugs.planted("grant_to_session"):
            await self._baskets.hand_over(order["id"], account)
        if bugs.planted("paid_before_verified") and not cancelled:
            return await self._told(request, order, "paid", "callback")
        paid = await self._paid(reference, order, trusted=not cancelled)
        order = await self._fulfilled_soon(order["id"])
        if cancelled and order["state"] == "open" and paid and paid.status in NOT_CHARGED:
            return await self._told(request, order, "cancelled", "cancelled")
        if paid is None and order["state"] == "open" and bugs.planted(LOST_ANSWER):
            return await self._told(request, order, "unavailable", "callback")
        if account and account.id == order["account_id"]:
            return see_other(f"/orders/{order['id']}")
        # Somebody else's browser: say what happened, show nothing of the order.
        return await self._told(request, order, outcome_of(order), "elsewhere")

    async def _paid(
        self, reference: str, order: asyncpg.Record, *, trusted: bool
    ) -> Transaction | None:
        """What Paystack says; it need not be asked where the webhook was faster."""
        if order["paid_reference"] == reference:
            return None
        if trusted and bugs.planted("redirect_trusted"):
            return await self._checkout.trust(reference, order)
        return await self._checkout.come_back(reference)

    async def _told(
        self, request: Request, order: asyncpg.Record, outcome: str, reason: str
    ) -> Response:
        return await self._views.page(
            request,
            "checkout.html",
            outcome=outcome,
            reason=reason,
            order_id=order["id"],
            product=order["product"],
        )

    async def order(self, request: Request) -> Response:
        """One order of the customer's own."""
        account = await self._accounts.of(request)
        if account is None:
            return see_other(f"/signin?next={request.url.path}")
        order = await self._baskets.order(request.path_params["id"])
        if order is None or order["account_id"] != account.id:
            return await self._views.page(request, "lost.html", 404, account=account)
        return await self._views.page(
            request,
            "order.html",
            account=account,
            order=order,
            product=PRODUCTS[order["product"]],
            outcome=outcome_of(order),
        )

    async def _fulfilled_soon(self, order_id: str) -> asyncpg.Record:
        until = time.monotonic() + FULFILMENT_WAIT_S
        order = await self._baskets.order(order_id)
        while order["state"] == "paid" and time.monotonic() < until:
            await asyncio.sleep(LOOK_EVERY_S)
            order = await self._baskets.order(order_id)
        return order


def outcome_of(order: asyncpg.Record) -> str:
    """
    What the customer is told: "paid" only of money that Paystack has confirmed.

    An order that was given up is not the end of it: a late payment takes it up again.
    """
    if order["state"] in ("paid", "fulfilled"):
        return "paid"
    if order["state"] in ("open", "cancelled"):
        return "failed" if order["attempt"] == "failed" else "pending"
    return "cancelled"
