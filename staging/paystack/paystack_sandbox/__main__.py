"""python3 -m paystack_sandbox"""

from __future__ import annotations

import os
from pathlib import Path

from common import settings
from common.serving import run, serve, server

from paystack_sandbox.app import build, build_health
from paystack_sandbox.hosted import HostedPage
from paystack_sandbox.refunds import Refunds
from paystack_sandbox.store import Store
from paystack_sandbox.transactions import Transactions
from paystack_sandbox.webhooks import Target, Webhooks

HTTPS_PORT, HEALTH_PORT = 443, 8081
TLS = Path("/ca/paystack")


async def main() -> None:
    """Put the parts together and serve both ports."""
    secret_key = settings.paystack_secret_key()
    store = Store(Path(settings.text("PAYSTACK_DATA", "/data")) / "paystack.sqlite")
    target = Target(
        url=settings.text("WEBHOOK_URL"),
        secret_key=secret_key,
        time_scale=settings.number("WEBHOOK_TIME_SCALE", 180.0),
    )
    webhooks = Webhooks(store, target)
    settle_after = os.environ.get("REFUND_SETTLES_AFTER_S")
    refunds = Refunds(store, webhooks, float(settle_after) if settle_after else None)
    app = build(
        transactions=Transactions(store),
        refunds=refunds,
        hosted=HostedPage(store, webhooks),
        secret_key=secret_key,
    )
    await serve(
        server(app, HTTPS_PORT, certificate=TLS / "leaf.pem", key=TLS / "leaf.key"),
        server(build_health(), HEALTH_PORT),
        tasks=(webhooks.deliver, refunds.settle),
    )


run(main)
