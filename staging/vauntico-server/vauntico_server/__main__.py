"""python3 -m vauntico_server"""

from __future__ import annotations

from common import settings
from common.database import Database
from common.serving import run, serve, server
from shop import bugs

from vauntico_server import release
from vauntico_server.app import build
from vauntico_server.relay import Relay
from vauntico_server.schema import refuse_newer, schema_of

PORT = 3000


async def main() -> None:
    """Put the parts together and serve."""
    bugs.announce()
    secret_key = settings.paystack_secret_key()
    database = Database(settings.text("DATABASE_URL"), schema=schema_of(release.current()))
    await refuse_newer(database)
    relay = Relay(database, settings.text("REDIS_URL"))
    app, checks = build(database, secret_key, relay)
    await serve(server(app, PORT), tasks=(relay.run, *(check.run for check in checks)))


run(main)
