"""The readers of the ledgers, at a real shop, a real PostgreSQL and the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import anyio
import pytest
from pydantic import SecretStr

from experiments.environment import Environment, load_environment
from experiments.environment_shop import Shop
from tests.staging.customer import SUCCESS, Customer
from tests.staging.module import STAGING
from tests.staging.stack import Stack, until
from validators.ledger.paystack import Paystack
from validators.ledger.readers.mailbox import MailboxShop
from validators.ledger.readers.session import Sessions
from validators.ledger.readers.sql import SqlCounts, SqlShop
from validators.ledger.reading import Reading, Unread
from validators.ledger.specs import SqlReader
from validators.probes.journeys.ledger import Outside

pytestmark = pytest.mark.docker
SETTLES_WITHIN_S = 10.0
BACK_WITHIN_S = 30.0
T = TypeVar("T")


@pytest.fixture(name="environment")
def _environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The bundled environment, as it finds this stack."""
    for name, value in stack.environment.items():
        if name.startswith(("STAGING_", "PAYSTACK_", "COMPOSE_")):
            monkeypatch.setenv(name, value)
    return load_environment(STAGING.parent / "environments" / "bundled.yaml")[0]


@pytest.fixture(name="shop")
def _shop(environment: Environment) -> Shop:
    assert environment.shop
    return environment.shop


@pytest.fixture(name="sql")
def _sql(shop: Shop) -> SqlReader:
    assert shop.sql
    return shop.sql


@pytest.fixture(name="bought", scope="module")
def _bought(stack: Stack) -> Iterator[Customer]:
    """A customer who has paid, and has the pass and the receipt."""
    with Customer(stack).sign_up() as customer:
        customer.purchase()
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")
        until(customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
        yield customer


def at_once(spec: SqlReader, *asks: Callable[[SqlShop], Awaitable[T]]) -> list[T]:
    """Ask a reader of the shop's tables, all in one transaction."""

    async def read() -> list[T]:
        reader = SqlShop(spec)
        async with reader.at_once():
            return [await ask(reader) for ask in asks]

    return anyio.run(read)


def orders_and_grants(spec: SqlReader) -> list[Reading[Any]]:
    return at_once(spec, lambda shop: shop.orders("run"), lambda shop: shop.grants("run"))


def of(customer: Customer, reading: Reading[T]) -> list[T]:
    """The rows of one customer, out of a reading that is complete."""
    assert reading.complete, reading.reason
    rows: list[Any] = list(reading.rows)
    return [row for row in rows if row.customer == customer.email]


def test_a_purchase_is_in_the_shops_tables(sql: SqlReader, bought: Customer) -> None:
    """The order with its reference and history, and one active grant of it, of the same moment."""
    orders, grants = orders_and_grants(sql)

    (order,), (grant,) = of(bought, orders), of(bought, grants)
    assert (order.product, order.amount, order.currency) == ("creator-pass", 500_000, "NGN")
    assert (order.state, order.history) == ("fulfilled", ["open", "paid", "fulfilled"])
    assert order.references == [bought.reference()]
    assert (grant.order, grant.reference, grant.active) == (order.id, bought.reference(), True)
    assert orders.as_of == grants.as_of != ""


def test_a_purchase_is_in_paystacks_ledger(shop: Shop, bought: Customer) -> None:
    """The list has it under the customer's address, verify under its reference."""
    assert shop.paystack
    client = Paystack(shop.paystack)
    reference = bought.reference()

    async def read() -> tuple[Reading[Any], Reading[Any], Reading[Any]]:
        try:
            listed = await client.transactions()
            verified = await client.verify([reference, "nobody-made-this"])
            return listed, verified, await client.refunds()
        finally:
            await client.close()

    listed, verified, refunds = anyio.run(read)
    assert (listed.complete, verified.complete, refunds.complete) == (True, True, True)
    (row,) = [one for one in listed.rows if one.email == bought.email]
    assert (row.status, row.amount, row.currency) == ("success", 500_000, "NGN")
    assert list(verified.rows) == [row]
    assert row.reference == reference


def test_a_journey_finds_its_own_charge(environment: Environment, bought: Customer) -> None:
    """What a browser's purchase asks of Paystack goes to the stand-in, under the real name."""
    outside = Outside(environment.journeys["paystack-checkout"])

    async def ask() -> tuple[str, str, str]:
        try:
            reference = await outside.charge_of(bought.reference())
            by_address = await outside.charge_to(bought.email)
            return reference, by_address, await outside.charge_to("nobody@drill.test")
        finally:
            await outside.close()

    assert anyio.run(ask) == ("charged", "charged", "not charged")


def test_a_purchase_is_in_the_mailbox(shop: Shop, bought: Customer) -> None:
    """One receipt that names the order, and with it a grant of which nothing more is known."""
    assert shop.mailbox
    reader = MailboxShop(shop.mailbox)

    effects = anyio.run(reader.effects, "run")
    grants = anyio.run(reader.grants, "run")

    (receipt,) = of(bought, effects)
    assert receipt.key == f"<receipt-{receipt.order}@vauntico.test>"
    assert receipt.order in [one.order for one in grants.rows]
    assert not grants.complete


def test_a_purchase_is_in_the_customers_own_session(
    environment: Environment, shop: Shop, stack: Stack, bought: Customer
) -> None:
    """Who bought may use it; who did not, and who has no account, may not."""
    assert shop.session
    with Customer(stack).sign_up() as another:
        sessions = Sessions(shop.session, environment.web)
        wanted = [(who, "creator-pass") for who in (bought.email, another.email, "no@drill.test")]
        seen = anyio.run(sessions.usable, wanted)

    assert seen.complete, seen.reason
    assert [one.usable for one in seen.rows] == [True, False, False]


def test_everything_is_read_of_one_moment(stack: Stack, sql: SqlReader) -> None:
    """What is bought between two readings of one transaction is in neither."""

    async def read() -> list[int]:
        reader = SqlShop(sql)
        async with reader.at_once():
            before = await reader.orders("run")
            with Customer(stack).sign_up() as customer:
                await anyio.to_thread.run_sync(customer.start)
            after = await reader.orders("run")
        async with reader.at_once():
            later = await reader.orders("run")
        return [len(one.rows) for one in (before, after, later)]

    before, after, later = anyio.run(read)
    assert (after, later) == (before, before + 1)


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT 1) AS ledger; DELETE FROM grants; SELECT * FROM (SELECT 1",
        "WITH gone AS (DELETE FROM grants RETURNING id) SELECT id FROM gone",
        "SELECT id, nextval('outbox_id_seq') FROM orders",
        "SELECT password_hash AS id FROM accounts",
    ],
)
def test_nothing_can_be_written_or_spied_out(
    stack: Stack, sql: SqlReader, bought: Customer, attempt: str
) -> None:
    """A SELECT that is none is refused by the database and changes nothing; the next one works."""
    before = stack.sql("SELECT count(*) FROM grants")
    spec = sql.model_copy(update={"grants": attempt})

    orders, broken = orders_and_grants(spec)

    assert (broken.complete, bool(broken.reason)) == (False, True)
    assert orders.complete
    assert stack.sql("SELECT count(*) FROM grants") == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dsn": SecretStr("postgresql://drill_reader:no-such@127.0.0.1:1/x")}, "be reached"),
        ({"orders": "SELECT id FROM orders"}, "missing required field"),
        ({"orders": "SELECT id FROM nothing"}, 'relation "nothing" does not exist'),
    ],
)
def test_a_shop_that_cannot_be_read_says_why(
    sql: SqlReader, bought: Customer, change: dict[str, object], why: str
) -> None:
    """Nothing may be concluded, the reason is plain, and no password is in it."""
    (orders,) = at_once(sql.model_copy(update=change), lambda shop: shop.orders("run"))

    assert not orders.complete
    assert why in orders.reason
    assert "no-such" not in orders.reason


def test_a_wrong_password_is_said_and_not_shown(sql: SqlReader) -> None:
    """The database's own words, without the password."""
    wrong = SecretStr(sql.dsn.get_secret_value().replace("staging-only", "not-the-word"))

    (orders,) = at_once(sql.model_copy(update={"dsn": wrong}), lambda shop: shop.orders("run"))

    assert "password authentication failed" in orders.reason
    assert "not-the-word" not in orders.reason


def test_the_backlog_is_what_the_shops_own_tables_say(
    stack: Stack, sql: SqlReader, bought: Customer
) -> None:
    """What is accepted and not finished is counted, whatever other tests have left."""
    told = sql.backlog or ""
    until(lambda: at_once(sql, SqlShop.backlog) == [int(stack.sql(told))], within_s=9, what="equal")


def test_a_database_that_is_frozen_is_given_up_on(
    stack: Stack, sql: SqlReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer the reading and the count end within their limits and say so."""
    monkeypatch.setattr("validators.ledger.readers.sql.STATEMENT_LIMIT_S", 1)
    monkeypatch.setattr("validators.ledger.readers.sql.COUNT_LIMIT_S", 1)

    async def read() -> Reading[Any]:
        reader, counts = SqlShop(sql), SqlCounts(sql)
        container = stack.container("postgres")
        assert await counts.count("order") >= 0
        async with reader.at_once():
            await anyio.to_thread.run_sync(container.pause)
            try:
                with anyio.fail_after(BACK_WITHIN_S):
                    seen = await reader.orders("run")
                    with pytest.raises(Unread, match="no answer in time"):
                        await counts.count("order")
            finally:
                await anyio.to_thread.run_sync(container.unpause)
        await counts.close()
        return seen

    seen = anyio.run(read)
    assert (seen.complete, seen.reason) == (False, "no answer in time")


def test_counts_follow_a_purchase_and_survive_the_database(stack: Stack, sql: SqlReader) -> None:
    """Each sight grows with a purchase; a database that was killed is an error and then is back."""

    async def counted(counts: SqlCounts) -> dict[str, int]:
        return {name: await counts.count(name) for name in sql.sights}

    async def watch() -> None:
        counts = SqlCounts(sql)
        before = await counted(counts)
        with Customer(stack).sign_up() as customer:
            address = await anyio.to_thread.run_sync(customer.start)
            await anyio.to_thread.run_sync(customer.pay, address, SUCCESS)
            await anyio.to_thread.run_sync(
                lambda: until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")
            )
            after = await counted(counts)
            assert {name for name in after if after[name] > before[name]} == set(sql.sights)
            began = anyio.current_time()
            for _ in range(50):
                await counts.count("grant")
            assert anyio.current_time() - began < 50 * 0.02
            container = stack.container("postgres")
            await anyio.to_thread.run_sync(container.restart)
            with pytest.raises(Unread):
                await counts.count("grant")
            with anyio.fail_after(BACK_WITHIN_S):
                while True:
                    try:
                        assert await counts.count("grant") >= after["grant"]
                        break
                    except Unread:
                        await anyio.sleep(0.1)
        await counts.close()

    anyio.run(watch)
