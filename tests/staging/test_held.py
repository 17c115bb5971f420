"""The bundled shop, killed between two steps of a purchase: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import anyio
import httpx
import pytest

from drill.events import FaultChange
from experiments.faults.container import ContainerKill
from experiments.holding import Hold
from experiments.injection import Injection
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.docker.stack import open_stack
from experiments.runtime.shapes import RunInfo, Undo
from tests.experiments.fakes import FakeSink
from tests.staging.customer import SUCCESS, Customer, outcome
from tests.staging.ports import free_port
from tests.staging.stack import Stack, until

pytestmark = [pytest.mark.docker, pytest.mark.thorough]

ENGINE = "fulfillment-engine"
SHOP = "vauntico-server"
PAYSTACK = "api.paystack.co"
STORES = ("postgres", "redis")
READ_ONLY = "PGOPTIONS=-c default_transaction_read_only=on"
# Nothing that the engine will ask Paystack about by itself within the next seconds.
QUIET = (
    "SELECT NOT EXISTS (SELECT FROM webhook_events WHERE next_try_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT FROM attempts WHERE next_check_at < now() + interval '5 seconds')"
)
REACHED = ["seen", "intent", "injected", "effective", "let_go", "healed"]
COUNTS = {
    "order": "SELECT count(*) FROM orders;\n",
    "job": "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_id_seq;\n",
    "event": "SELECT count(*) FROM webhook_events;\n",
    "grant": "SELECT count(*) FROM grants;\n",
}
SETTLES_WITHIN_S = 30.0
HELD_WITHIN_S = 10.0


class Psql:
    """Counts on one open psql in the database's container: quick enough for every 20 ms."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lock = anyio.Lock()

    async def count(self, sight: str) -> int:
        async with self._lock:
            return await asyncio.to_thread(self._ask, COUNTS[sight])

    def _ask(self, query: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(query)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def psql(stack: Stack) -> Iterator[Psql]:
    """An open psql; ended with the block."""
    # Ended by its first error, so that a question without an answer is no wait for ever.
    words = ["psql", "-h", "/tmp", "-U", "vauntico", "-d", "vauntico", "-Atqn"]
    words += ["-v", "ON_ERROR_STOP=1"]
    with subprocess.Popen(
        ["docker", "exec", "-i", "-e", READ_ONLY, stack.container_id("postgres"), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Psql(process)
        finally:
            process.kill()


def pending(stack: Stack) -> list[str]:
    """Jobs that were handed out and not acknowledged: id, consumer, idle, deliveries."""
    said = stack.inside(
        "redis", "redis-cli", "--json", "XPENDING", "fulfillment:jobs", ENGINE, "-", "+", "20"
    )
    return [str(row) for row in json.loads(said)]


def grants(stack: Stack, customer: Customer) -> str:
    """How many grants the customer has."""
    return stack.sql(
        "SELECT count(*) FROM grants g JOIN orders o ON o.id = g.order_id"
        f" WHERE o.email = '{customer.email}'"
    )


@dataclass(frozen=True)
class Edge:
    """Where to kill whom, and what the customer does meanwhile."""

    name: str
    source: str
    to: str
    seen: str
    kill: str
    after: str = ""
    doing: str = "pay"

    @property
    def spec(self) -> ContainerKill:
        """As a scenario writes it."""
        held = {"from": self.source, "to": self.to, "after": self.after or None}
        at = {"held": held, "seen": self.seen, "within": f"{HELD_WITHIN_S:g}s"}
        return ContainerKill.model_validate({"target": self.kill, "at": at})


EDGES = [
    Edge("K1", SHOP, PAYSTACK, "order", SHOP, doing="buy"),
    Edge("K4", SHOP, "paystack", "event", SHOP),
    Edge("K5", SHOP, "redis", "event", SHOP),
    Edge("K6", ENGINE, PAYSTACK, "job", ENGINE),
    *(Edge("K7", ENGINE, "postgres", "event", kill, PAYSTACK) for kill in (ENGINE, *STORES)),
    *(Edge("K8", ENGINE, "redis", "grant", kill, PAYSTACK) for kill in (ENGINE, *STORES)),
    Edge("K9", ENGINE, "postgres", "grant", ENGINE, "inbox"),
]


async def killed_at(stack: Stack, folder: Path, edge: Edge, customer: Customer) -> Recorder:
    """Somebody buys or pays and closes the tab while the edge is held; what was recorded."""
    each = ArmedSpec("f1", edge.spec)
    recorder = Recorder(FakeSink(), anyio.current_time())
    run = RunInfo(run="held", scenario="s", project=stack.project, directory=str(folder))
    with psql(stack) as counts:
        async with open_stack(stack.project) as engine:
            await engine.claim(run)
            undo = await each.spec.prepare(engine, "f1")
            held = await engine.state(edge.source)
            undone = Undo(edge.source, held.container, "running", rule="held-f1-hold")
            injection = Injection(each, undo, engine, recorder, lambda *, momentary: None)
            injection.wait_at(Hold(each, undone, stack=engine, recorder=recorder, sights=counts))
            await engine.arm(injection.armed())
            # A hold `after` Paystack begins with whatever the engine asks it.
            await asyncio.to_thread(
                until, lambda: stack.sql(QUIET) == "t", within_s=SETTLES_WITHIN_S, what="quiet"
            )
            address = "" if edge.doing == "buy" else await asyncio.to_thread(customer.start)
            async with anyio.create_task_group() as group:
                group.start_soon(injection.live, anyio.current_time())
                while "held" not in states(recorder):
                    await anyio.sleep(0.01)
                if address:
                    answer = await asyncio.to_thread(customer.pay, address, SUCCESS)
                    assert answer.status_code == 303
                else:
                    with contextlib.suppress(httpx.TransportError):  # The shop is being killed.
                        await asyncio.to_thread(customer.buy)
            assert not await engine.remaining()
            await engine.release()
    return recorder


def states(recorder: Recorder) -> dict[str, str]:
    """The states of the fault, and what proved each."""
    return {one.state: one.proof for one in recorder.journal.every(FaultChange)}


@pytest.fixture(scope="module", name="stack")
def _stack() -> Iterator[Stack]:
    """A stack of its own: after kills of the shop its events come late, and not as jobs first."""
    made = Stack(f"stg-held-{uuid4().hex[:8]}", free_port(), free_port(), free_port())
    try:
        made.script("up")
        yield made
    finally:
        made.script("down", "--volumes")


def test_a_job_whose_acknowledgement_was_held_comes_again(stack: Stack, tmp_path: Path) -> None:
    """K8: the grant is there, its job is not acknowledged, comes again, and changes nothing."""
    edge = Edge("K8", ENGINE, "redis", "grant", ENGINE, PAYSTACK)
    with Customer(stack).sign_up() as customer:
        told = states(asyncio.run(killed_at(stack, tmp_path, edge, customer)))

        assert list(told)[2:] == REACHED, told
        assert len(pending(stack)) == 1
        assert grants(stack, customer) == "1"
        until(lambda: not pending(stack), within_s=SETTLES_WITHIN_S, what="the job, done again")
        mails = until(customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
        assert len({mail["message_id"] for mail in mails}) == 1
        assert grants(stack, customer) == "1"


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.name}-{edge.kill}")
def test_killed_at_an_edge_it_loses_and_repeats_nothing(
    stack: Stack, tmp_path: Path, edge: Edge
) -> None:
    """Killed at the edge, while its data was held: one grant and one receipt come of it."""
    with Customer(stack).sign_up() as customer:
        told = states(asyncio.run(killed_at(stack, tmp_path, edge, customer)))
        assert list(told)[2:] == REACHED, told

        if edge.doing == "buy":
            until(lambda: can_buy(customer), within_s=SETTLES_WITHIN_S, what="the shop is back")
            assert outcome(customer.purchase()) == "paid"
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")
        mails = until(customer.mails, within_s=SETTLES_WITHIN_S, what="the receipt")
        until(lambda: not pending(stack), within_s=SETTLES_WITHIN_S, what="every job is done")
        assert grants(stack, customer) == "1"
        assert len({mail["message_id"] for mail in mails}) == 1


def can_buy(customer: Customer) -> bool:
    """Whether the customer, trying again, is sent to a page to pay on."""
    try:
        return customer.buy().status_code == HTTPStatus.SEE_OTHER
    except httpx.TransportError:
        return False
