"""What the shop does behind the scenes goes on, whatever a broken connection does to it."""

from __future__ import annotations

import asyncio

import pytest

from tests.staging.module import module
from tests.staging.stack import Stack

GOES_ON_WITHIN_S = 10
# Run in a container of the shop, where asyncpg is: its making of a connection ends as cancelled.
BREAKS = """
import asyncio
import asyncpg
from common.database import Database, DatabaseUnavailable

async def breaks(*args, **options):
    raise asyncio.CancelledError

async def ask(database):
    async with database.connection():
        pass

async def main():
    asyncpg.connect = breaks
    try:
        await ask(Database("", schema=""))
    except DatabaseUnavailable as error:
        print("told:", error)
    asyncpg.connect = lambda *args, **options: asyncio.sleep(60)
    asked = asyncio.create_task(ask(Database("", schema="", deadline_s=60)))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait({asked}, timeout=5)
    print("ended:", asked.cancelled())

asyncio.run(main())
"""

# As above: a Redis that is silent, then a PostgreSQL that is silent, asked by the same task.
SILENT = """
import asyncio
from common.cache import TROUBLE, client
from common.database import Database, DatabaseUnavailable

async def main():
    async def say_nothing(reader, writer):
        await reader.read()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    there = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    try:
        await client(f"redis://{there}", 0.1).ping()
    except TROUBLE as error:
        print("told:", error)
    print("cancellations:", asyncio.current_task().cancelling())
    try:
        async with Database(f"postgresql://a@{there}/b", schema="", deadline_s=0.1).connection():
            pass
    except DatabaseUnavailable as error:
        print("told:", error)

asyncio.run(main())
"""


@pytest.mark.anyio
async def test_a_cancellation_that_nobody_asked_for_ends_no_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A library's own cancellation restarts a background task; one that was asked for ends it."""
    serving = module("common.serving")
    monkeypatch.setattr(serving, "TASK_RESTART_S", 0)
    begun = 0
    again = asyncio.Event()

    async def task() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise asyncio.CancelledError
        again.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(serving.keep_running(task))
    await asyncio.wait_for(again.wait(), GOES_ON_WITHIN_S)
    assert not running.done()

    running.cancel()
    await asyncio.wait({running}, timeout=GOES_ON_WITHIN_S)
    assert running.cancelled()
    assert begun == 2


@pytest.mark.docker
def test_a_connection_that_breaks_in_its_making_is_told_as_such(stack: Stack) -> None:
    """It is a database that did not answer: whoever asked goes on, as nobody cancelled it."""
    said = stack.compose("exec", "-T", "vauntico-server", "python3", "-c", BREAKS)

    assert said.splitlines() == ["told: PostgreSQL: the connection broke", "ended: True"]


@pytest.mark.docker
def test_a_silent_redis_leaves_no_cancellation_behind(stack: Stack) -> None:
    """The task that had waited for it in vain is told of a silent PostgreSQL, and goes on."""
    said = stack.compose("exec", "-T", "vauntico-server", "python3", "-c", SILENT)

    redis, count, database = said.splitlines()
    assert redis.startswith("told: Timeout")
    assert count == "cancellations: 0"
    assert database == "told: PostgreSQL did not answer in time"
