"""
PostgreSQL, used so that its absence is told quickly and its return is noticed at once.

asyncpg rather than psycopg: a cancelled psycopg query opens a second, blocking connection to ask
the server to stop, which freezes the whole event loop while the server is unreachable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from prometheus_client import Gauge

from common.cancelling import is_asked_to_end
from common.self_check import SelfCheck

log = logging.getLogger(__name__)

CONNECTIONS = 10
# How many may try to connect at once: a frozen server answers all of them when it thaws.
CONNECTORS = 2
RETRY_S = 0.05
# Connection lost, out of resources, stopped by an operator, system error; and: read only, waited
# for too long for a lock, chosen as the victim of a deadlock.
UNFIT_CLASSES = {"08", "53", "57", "58"}
UNFIT = {"25006", "55P03", "40P01"}
SCHEMA_LOCK = 7_001
# Raised by a schema's own first statements when the database is too new for it.
TOO_NEW = "VD001"
LOOK_EVERY_S = 1.0
DATABASE_UP = Gauge("vauntico_database_up", "1 while PostgreSQL answers this service.", ["service"])
# The server must not keep the locks of a client that was cut off in the middle.
SERVER_SETTINGS = {
    "statement_timeout": "3000",
    "idle_in_transaction_session_timeout": "3000",
    "tcp_user_timeout": "5000",
}


class DatabaseUnavailable(Exception):
    """PostgreSQL did not answer in time; nothing is known about what was asked."""


class SchemaTooNew(DatabaseUnavailable):
    """A newer release has changed the tables in a way that this one cannot work with."""


class Database:
    """
    A small pool of connections with one deadline for all of acquire, connect and query.

    A connection that saw an error, a deadline or a cancellation is thrown away, never used again:
    what it still holds back belongs to somebody else's question.
    """

    def __init__(self, dsn: str, *, schema: str, deadline_s: float = 0.5) -> None:
        self._dsn = dsn
        self._schema = schema
        self._deadline_s = deadline_s
        self._idle: list[asyncpg.Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._connectors = asyncio.Semaphore(CONNECTORS)
        self._schema_applied = False

    @asynccontextmanager
    async def connection(
        self, deadline_s: float | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """
        A connection for the body of the `with`, which must end within the deadline.

        Raises:
            DatabaseUnavailable: if the server is away, starting, or too slow.
        """
        try:
            async with asyncio.timeout(deadline_s or self._deadline_s), self._slots:
                connection = await self._take()
                try:
                    yield connection
                except BaseException:
                    connection.terminate()
                    raise
                self._give_back(connection)
        except TimeoutError as error:
            raise DatabaseUnavailable("PostgreSQL did not answer in time") from error
        except asyncio.CancelledError as error:
            # asyncpg cancels its own waiting when a connection breaks in its making. Taken for
            # ours, it would end the task that asked, and nothing would take its place.
            if is_asked_to_end():
                raise
            raise DatabaseUnavailable("PostgreSQL: the connection broke") from error
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # The last is what asyncpg says of a connection that broke while it was being used.
            raise DatabaseUnavailable(f"PostgreSQL: {error!r}") from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == TOO_NEW:
                raise SchemaTooNew(str(error)) from error
            if _server_is_unfit(error):
                raise DatabaseUnavailable(f"PostgreSQL: {error!r}") from error
            raise

    @asynccontextmanager
    async def transaction(
        self, deadline_s: float | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """
        As `connection`, in one transaction: all of the body happens, or none of it.

        Not asyncpg's own transaction: that one answers a passed deadline by asking the silent
        server for a rollback, and waits. Here the connection is dropped, which is a rollback too.
        """
        async with self.connection(deadline_s) as connection:
            await connection.execute("BEGIN")
            yield connection
            await connection.execute("COMMIT")

    def self_check(self, service: str) -> SelfCheck:
        """Asks PostgreSQL once a second, as requests do, and exports whether it answered."""

        async def ask() -> None:
            async with self.connection() as connection:
                await connection.execute("SELECT 1")

        gauge = DATABASE_UP.labels(service)
        return SelfCheck(
            gauge, ask, name="PostgreSQL", every_s=LOOK_EVERY_S, limit_s=2 * self._deadline_s
        )

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        async with self._connectors:
            return await self._connect()

    async def _connect(self) -> asyncpg.Connection:
        """Connect; a server that is just starting is asked again until the deadline."""
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=self._deadline_s, ssl=False, server_settings=SERVER_SETTINGS
                )
                break
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(RETRY_S)
        if not self._schema_applied:
            await self._migrate(connection)
        return connection

    async def _migrate(self, connection: asyncpg.Connection) -> None:
        """Apply the schema once a process; services that start together take turns."""
        lock = f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK});"
        try:
            # Statements sent together, without parameters, are one transaction.
            await connection.execute(lock + self._schema)
        except BaseException:
            connection.terminate()
            raise
        self._schema_applied = True

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if connection.is_in_transaction():
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append(connection)


def _server_is_unfit(error: asyncpg.PostgresError) -> bool:
    """Whether the server cannot serve now, rather than disliking the question."""
    state = str(error.sqlstate or "")
    return state[:2] in UNFIT_CLASSES or state in UNFIT
