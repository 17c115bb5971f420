"""Reads the shop's tables in PostgreSQL: all ledgers of one moment, and read-only thrice over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import psycopg
from psycopg.rows import dict_row

from drill.payments import Effect, Grant, Order
from drill.redact import redact
from validators.ledger.readers.base import S, Sight, read_rows, unseen
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import SqlReader

CONNECT_LIMIT_S = 5
CLOSE_LIMIT_S = 2.0
STATEMENT_LIMIT_S = 20
COUNT_LIMIT_S = 2
ROWS_LIMIT = 100_000
NAME = "vauntico-drills"
Connection = psycopg.AsyncConnection[dict[str, object]]


async def connected(spec: SqlReader, statement_s: float) -> Connection:
    """
    A connection that cannot write, whatever its role may do.

    Raises:
        Unread: There is none.
    """
    options = f"-c default_transaction_read_only=on -c statement_timeout={int(statement_s * 1000)}"
    try:
        with anyio.fail_after(CONNECT_LIMIT_S + 1):
            connection = await psycopg.AsyncConnection.connect(
                spec.dsn.get_secret_value(),
                connect_timeout=CONNECT_LIMIT_S,
                options=options,
                application_name=NAME,
                row_factory=dict_row,
            )
    except (psycopg.Error, OSError, TimeoutError) as error:
        raise Unread(f"the database cannot be reached: {_told(error)}") from None
    await connection.set_read_only(True)
    return connection


class SqlShop:
    """
    One SELECT a ledger.

    Each runs inside of another SELECT, which nothing else fits into, in a transaction that is
    REPEATABLE READ and READ ONLY, on a server that is no replica.
    """

    def __init__(self, spec: SqlReader) -> None:
        self._spec = spec
        self._connection: Connection | None = None
        self._trouble = "nothing was opened"
        self._clock = ""
        self._source = f"PostgreSQL at {spec.host}"

    @property
    def sights(self) -> frozenset[Sight]:
        """Orders and grants always; effects and backlog where there is a SELECT for them."""
        seen: set[Sight] = {"orders", "grants", "grant_count"}
        seen |= {"effects"} if self._spec.effects else set()
        seen |= {"backlog"} if self._spec.backlog else set()
        return frozenset(seen)

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        """Open the one transaction; without a database each reading inside says why."""
        try:
            self._connection = await self._opened()
            self._trouble = ""
        except Unread as error:
            self._trouble = str(error)
        try:
            yield
        finally:
            connection, self._connection = self._connection, None
            self._trouble = "nothing was opened"
            if connection:
                with anyio.move_on_after(CLOSE_LIMIT_S, shield=True):
                    await connection.close()

    async def clock(self) -> str:
        """The database's clock at the one moment."""
        return self._clock

    async def orders(self, run: str) -> Reading[Order]:
        """Every order."""
        return await self._reading(self._spec.orders, Order, run)

    async def grants(self, run: str) -> Reading[Grant]:
        """Every grant."""
        return await self._reading(self._spec.grants, Grant, run)

    async def effects(self, run: str) -> Reading[Effect]:
        """Every effect that the shop itself knows of."""
        if not self._spec.effects:
            return unseen(self._source)
        return await self._reading(self._spec.effects, Effect, run)

    async def backlog(self) -> int | None:
        """The number the environment's SELECT gives."""
        if not self._spec.backlog:
            return None
        try:
            rows = await self._rows(self._spec.backlog, "")
        except Unread:
            return None
        return _number(rows)

    async def close(self) -> None:
        """Nothing is held between two readings."""

    async def _opened(self) -> Connection:
        connection = await connected(self._spec, STATEMENT_LIMIT_S)
        try:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            cursor = await connection.execute(
                "SELECT now()::text AS clock, pg_is_in_recovery() AS replica"
            )
            row = await cursor.fetchone()
        except psycopg.Error as error:
            await connection.close()
            raise Unread(f"the database does not answer: {_told(error)}") from None
        if row is None or row["replica"]:
            await connection.close()
            raise Unread("the database is a replica, which may lag behind")
        self._clock = str(row["clock"])
        return connection

    async def _reading(self, select: str, kind: type[S], run: str) -> Reading[S]:
        cells: list[dict[str, object]] = []
        reason = ""
        try:
            cells = await self._rows(select, run)
        except Unread as error:
            reason = str(error)
        rows, bad = read_rows(cells[:ROWS_LIMIT], kind, self._spec.states)
        if len(cells) > ROWS_LIMIT:
            reason = f"more than {ROWS_LIMIT} rows"
        reason = reason or bad
        return Reading(
            rows=rows, complete=not reason, source=self._source, reason=reason, as_of=self._clock
        )

    async def _rows(self, select: str, run: str) -> list[dict[str, object]]:
        if self._connection is None:
            raise Unread(self._trouble)
        text = f"SELECT * FROM ({select}) AS ledger LIMIT {ROWS_LIMIT + 1}"  # noqa: S608 - its owner's
        given = {"run": run} if "%(run)s" in select else None
        try:
            # A savepoint: one SELECT that fails must not take the others along. The server's own
            # limit does nothing where it cannot be reached any more.
            with anyio.fail_after(STATEMENT_LIMIT_S + 1):
                async with self._connection.transaction():
                    cursor = await self._connection.execute(text.encode(), given)
                    return await cursor.fetchall()
        except (psycopg.Error, TimeoutError) as error:
            raise Unread(_told(error)) from None


class SqlCounts:
    """Counts what exists now, on one open connection: quick enough to be asked every 20 ms."""

    def __init__(self, spec: SqlReader) -> None:
        self._spec = spec
        self._connection: Connection | None = None
        self._lock = anyio.Lock()

    async def count(self, name: str) -> int:
        """
        One of the environment's sights.

        Raises:
            Unread: It cannot be counted.
        """
        select = self._spec.sights.get(name)
        if select is None:
            raise Unread(f"no SELECT counts {name}")
        async with self._lock:
            try:
                with anyio.fail_after(COUNT_LIMIT_S + 1):
                    return await self._count(select)
            except (psycopg.Error, TimeoutError) as error:
                # The database may have been killed: the next look opens another connection.
                await self._dropped()
                raise Unread(f"{name}: {_told(error)}") from None

    async def close(self) -> None:
        """Close the connection."""
        await self._dropped()

    async def _count(self, select: str) -> int:
        if self._connection is None:
            self._connection = await connected(self._spec, COUNT_LIMIT_S)
            await self._connection.set_autocommit(True)
        cursor = await self._connection.execute(select.encode(), prepare=True)
        number = _number(await cursor.fetchall())
        if number is None:
            raise Unread("the SELECT gives no number")
        return number

    async def _dropped(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with anyio.move_on_after(CLOSE_LIMIT_S, shield=True):
                await connection.close()


def _number(rows: list[dict[str, object]]) -> int | None:
    """The one number of a result."""
    try:
        (row,) = rows
        (value,) = row.values()
        return msgspec.convert(int(str(value)), int)
    except ValueError:
        return None


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    lines = str(error).strip().splitlines()
    return redact(lines[0] if lines else type(error).__name__)
