"""The reconcile phase on a real stack: canaries, readings, the restart, and nobody else's data."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import anyio
import pytest

from drill.events import Note
from drill.journal import Journal
from drill.payments import Intended, LedgerRead, PaymentsPlanned, Told
from experiments.bookkeeping import opened_reconciler, opened_sights, shop_of
from experiments.environment import Environment, load_environment
from experiments.recorder import Recorder
from experiments.runtime.docker.stack import open_stack
from tests.experiments.fakes import FakeSink
from tests.staging.customer import SUCCESS, Customer
from tests.staging.module import STAGING
from tests.staging.stack import Stack, until

pytestmark = pytest.mark.docker
SETTLES_WITHIN_S = 10.0
LIMIT_S = 150.0
T = TypeVar("T")


@pytest.fixture(name="environment")
def _environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The bundled environment, as it finds this stack, with a short period."""
    for name, value in stack.environment.items():
        if name.startswith(("STAGING_", "PAYSTACK_", "COMPOSE_")):
            monkeypatch.setenv(name, value)
    environment, _ = load_environment(STAGING.parent / "environments" / "bundled.yaml")
    assert environment.shop
    shop = environment.shop.model_copy(update={"period": 3.0})
    return environment.model_copy(update={"shop": shop})


async def reconciled(environment: Environment) -> Journal:
    """Canaries, then the whole phase, on the stack of *environment*."""
    recorder = Recorder(FakeSink(), anyio.current_time())
    with anyio.fail_after(LIMIT_S):
        async with (
            open_stack(environment.compose.project, environment.engine) as lifecycle,
            opened_reconciler(environment, "Run-7", recorder, lifecycle) as reconciler,
        ):
            await reconciler.before()
            await reconciler.reconcile()
    return recorder.journal


def last(journal: Journal, ledger: str) -> LedgerRead:
    """The last reading of a ledger."""
    return [read for read in journal.every(LedgerRead) if read.ledger == ledger][-1]


@pytest.mark.thorough
def test_the_phase_ends_with_two_equal_readings_after_a_restart(
    stack: Stack, environment: Environment
) -> None:
    """Canaries read one capture and three times none; strangers are counted; the shop restarted."""
    with Customer(stack).sign_up() as stranger:
        stranger.purchase()
        until(stranger.has_pass, within_s=SETTLES_WITHIN_S, what="the stranger's pass")
        started = {
            name: stack.container(name).attrs["State"]["StartedAt"]
            for name in ("vauntico-server", "fulfillment-engine", "postgres")
        }

        journal = anyio.run(reconciled, environment)

    planned = next(journal.every(PaymentsPlanned))
    reads = list(journal.every(LedgerRead))
    assert planned.run == "run-7"
    assert {read.ledger for read in reads} == set(planned.sights)
    assert [read for read in reads if not read.complete] == []
    final = max(read.round for read in reads)
    assert {read.after_restart for read in reads if read.round == final} == {True}
    assert {read.after_restart for read in reads if read.round == 1} == {False}
    assert list(journal.every(Note)) == []
    again = {name: stack.container(name).attrs["State"]["StartedAt"] for name in started}
    assert [name for name in started if again[name] != started[name]] == [
        "vauntico-server",
        "fulfillment-engine",
    ]

    emails = {intent.canary: intent.email for intent in journal.every(Intended)}
    statuses = {row.email: row.status for row in last(journal, "paystack.list").transactions}
    assert {kind: statuses[email] for kind, email in emails.items()} == {
        "paid": "success",
        "declined": "abandoned",
        "abandoned": "abandoned",
        "forged": "abandoned",
    }
    assert [one.customer for one in last(journal, "shop.grants").grants] == [emails["paid"]]
    assert [one.customer for one in last(journal, "shop.effects").effects] == [emails["paid"]]
    usable = {one.customer: one.usable for one in last(journal, "shop.session").usable}
    assert usable == {email: kind == "paid" for kind, email in emails.items()}
    states = {one.customer: one.state for one in last(journal, "shop.orders").orders}
    assert states[emails["paid"]] == "fulfilled"
    assert {states[emails[kind]] for kind in emails if kind != "paid"} == {"open"}
    verified = last(journal, "paystack.verify").transactions
    assert {row.email for row in verified} == set(emails.values())
    assert last(journal, "shop.backlog").backlog == 0
    said = [each.said for each in journal.every(Told)]
    assert said == ["paid", "never", "never", "refused", "refused"]

    for name in ("paystack.list", "shop.orders", "shop.grants", "shop.effects"):
        assert last(journal, name).background >= 1
    written = "".join(map(str, journal.events))
    assert stranger.email not in written
    assert stack.secret_key not in written


def test_every_sight_grows_with_a_purchase(stack: Stack, environment: Environment) -> None:
    """What a fault can be held at is seen: order, capture, event, job, grant and receipt."""
    names = ("order", "capture", "event", "job", "grant", "receipt")

    async def watch() -> list[str]:
        async with opened_sights(shop_of(environment)) as sights:
            before = {name: await sights.count(name) for name in names}
            with Customer(stack).sign_up() as customer:
                address = await anyio.to_thread.run_sync(customer.start)
                await anyio.to_thread.run_sync(customer.pay, address, SUCCESS)
                look = partial(until, customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
                await anyio.to_thread.run_sync(look)
            after = {name: await sights.count(name) for name in names}
            assert await sights.count("refund") >= 0
        return [name for name in names if after[name] > before[name]]

    assert anyio.run(watch) == list(names)
