"""The parts of the sandbox, put together once for the container and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from paystack_sandbox.app import Integration, build
from paystack_sandbox.captures import Captures
from paystack_sandbox.cards import CARDS
from paystack_sandbox.charging import Charging
from paystack_sandbox.control import Control
from paystack_sandbox.customers import Customers
from paystack_sandbox.delivery import Delivery, Target
from paystack_sandbox.faults import Board
from paystack_sandbox.hosted import HostedPage
from paystack_sandbox.plans import Plans
from paystack_sandbox.refunds import Refunds
from paystack_sandbox.store import Store
from paystack_sandbox.subscriptions import Subscriptions
from paystack_sandbox.transactions import Transactions
from paystack_sandbox.webhook_events import WebhookEvents
from paystack_sandbox.webhooks import Schedule, Webhooks


@dataclass(frozen=True)
class Settings:
    """What can be switched."""

    data: Path
    webhook_url: str
    secret_key: str
    time_scale: float = 1.0
    schedule: Schedule = "live"
    refunds_settle_after_s: float | None = None
    calls_per_minute: int = 0
    unknown_reference_http: int = 400


class Sandbox:
    """Everything but the sockets."""

    def __init__(self, chosen: Settings, board: Board | None = None) -> None:
        self.board = board or Board()
        self.store = store = Store(chosen.data)
        target = Target(chosen.webhook_url, chosen.secret_key, chosen.time_scale)
        delivery = Delivery(target, self.board, store)
        self.webhooks = webhooks = Webhooks(store, delivery, self.board, chosen.schedule)
        subscriptions = Subscriptions(store, webhooks)
        self.captures = captures = Captures(store, webhooks, self.board, subscriptions)
        self.refunds = Refunds(store, webhooks, chosen.refunds_settle_after_s)
        transactions = Transactions(
            store, webhooks, self.board, unknown_http=chosen.unknown_reference_http
        )
        resources = (
            Charging(store, captures),
            transactions,
            self.refunds,
            Customers(store),
            Plans(store),
            subscriptions,
            WebhookEvents(store, webhooks, chosen.webhook_url),
        )
        self.app: Starlette = build(
            [route for resource in resources for route in resource.routes()],
            HostedPage(store, captures).routes(),
            Integration(chosen.secret_key, chosen.calls_per_minute),
        )

    def control(self, token: str) -> ASGIApp:
        """What listens on the control port."""
        return Control(self.board, self.store).app(token)

    async def settle(self) -> None:
        """Capture what is on its way; a task for the background."""
        await self.captures.settle(CARDS)
