"""python3 -m paystack_sandbox"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from common import settings
from common.serving import run, serve, server
from common.telemetry import METRICS_ROUTE, Telemetry
from starlette.applications import Starlette
from starlette.routing import Route

from paystack_sandbox.app import health
from paystack_sandbox.biting import Biting
from paystack_sandbox.calls import Counted
from paystack_sandbox.sandbox import Sandbox, Settings
from paystack_sandbox.webhooks import SCHEDULES, Schedule

HTTPS_PORT, HEALTH_PORT, CONTROL_PORT = 443, 8081, 8082
TLS = Path("/ca/paystack")


def chosen() -> Settings:
    """The settings of the container."""
    settle_after = os.environ.get("REFUND_SETTLES_AFTER_S")
    schedule = settings.text("WEBHOOK_SCHEDULE", "live")
    if schedule not in SCHEDULES:
        raise SystemExit(f"WEBHOOK_SCHEDULE must be one of {', '.join(SCHEDULES)}")
    return Settings(
        data=Path(settings.text("PAYSTACK_DATA", "/data")) / "paystack.sqlite",
        webhook_url=settings.text("WEBHOOK_URL"),
        secret_key=settings.paystack_secret_key(),
        time_scale=settings.number("WEBHOOK_TIME_SCALE", 400.0),
        schedule=cast("Schedule", schedule),
        refunds_settle_after_s=float(settle_after) if settle_after else None,
        calls_per_minute=int(settings.number("CALLS_PER_MINUTE", 0)),
        unknown_reference_http=int(settings.number("UNKNOWN_REFERENCE_HTTP", 400)),
    )


async def main() -> None:
    """Put the parts together and serve the three ports."""
    sandbox = Sandbox(chosen())
    # Outside of the metrics: a vendor's failures are not this stack's own.
    counted = Telemetry(sandbox.app, service="paystack", routes=sandbox.app.routes)
    site = Counted(Biting(counted, sandbox.board))
    servers = [
        server(site, HTTPS_PORT, certificate=TLS / "leaf.pem", key=TLS / "leaf.key"),
        server(Starlette(routes=[Route("/health", health), METRICS_ROUTE]), HEALTH_PORT),
    ]
    token = os.environ.get("CONTROL_TOKEN")
    if token:  # Without one nobody could be let through.
        servers.append(server(sandbox.control(token), CONTROL_PORT))
    await serve(*servers, tasks=(sandbox.webhooks.deliver, sandbox.refunds.settle, sandbox.settle))


run(main)
