"""
The sandbox as a process of its own, on loopback and without TLS, to be asked and to be killed.

    python serve.py '{"data": ..., "api": PORT, "control": PORT, "webhook_url": URL}'
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.staging.sandbox.inside import KEY, TOKEN, part


def server(app: Any, port: int) -> uvicorn.Server:
    """A server on loopback."""
    config = uvicorn.Config(app, "127.0.0.1", port, log_level="warning", lifespan="off")
    return uvicorn.Server(config)


async def main(told: dict[str, Any]) -> None:
    """Serve until killed."""
    sandbox = part("sandbox").Sandbox(
        part("sandbox").Settings(
            data=Path(told["data"]),
            webhook_url=told["webhook_url"],
            secret_key=KEY,
            time_scale=told.get("time_scale", 1_000.0),
        )
    )
    site = part("biting").Biting(sandbox.app, sandbox.board)
    await asyncio.gather(
        server(site, told["api"]).serve(),
        server(sandbox.control(TOKEN), told["control"]).serve(),
        sandbox.webhooks.deliver(),
        sandbox.settle(),
    )


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
