"""python3 -m vauntico_server"""

from __future__ import annotations

from common import settings
from common.database import Database
from common.serving import run, serve, server
from shop import SCHEMA

from vauntico_server.app import build
from vauntico_server.relay import Relay

PORT = 3000


async def main() -> None:
    """Put the parts together and serve."""
    secret_key = settings.paystack_secret_key()
    database = Database(settings.text("DATABASE_URL"), schema=SCHEMA)
    relay = Relay(database, settings.text("REDIS_URL"))
    await serve(server(build(database, secret_key), PORT), tasks=(relay.run,))


run(main)
