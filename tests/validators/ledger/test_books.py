"""One reading of all ledgers, and the counts at which a fault is held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
from pydantic import JsonValue

from drill.payments import Effect, Grant, Intended, LedgerRead, Order
from tests.validators.ledger.paystack_double import KEY, Double, row
from validators.ledger.books import Books
from validators.ledger.question import Question
from validators.ledger.readers.base import Sight, unseen
from validators.ledger.reading import Reading, Unread
from validators.ledger.sights import Counter

pytestmark = pytest.mark.anyio
MINE, OTHER = "i1-run@drill.test", "ada@customers.example"
INTENT = Intended(t=0.0, id="i1", ordinal=1, email=MINE, product="p", stratum="plain")
QUESTION = Question(run="run", intents=[INTENT], begun=frozenset({"i1"}))


def order(name: str, customer: str, reference: str) -> Order:
    return Order(
        id=name,
        customer=customer,
        product="p",
        amount=1,
        currency="NGN",
        state="fulfilled",
        references=[reference],
    )


class FakeShop:
    """A reader that sees what it is given; remembers when it was asked for one moment."""

    def __init__(self, *sights: Sight, backlog: int | None = 0, complete: bool = True) -> None:
        self.sights = frozenset(sights)
        self.seen_orders: tuple[Order, ...] = (order("o1", MINE, "r1"), order("o2", OTHER, "r2"))
        self.seen_effects: tuple[Effect, ...] = ()
        self._backlog = backlog
        self._complete = complete
        self.inside = False
        self.closed = False

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[None]:
        self.inside = True
        yield
        self.inside = False

    async def clock(self) -> str:
        await anyio.lowlevel.checkpoint()
        return "noon"

    async def orders(self, run: str) -> Reading[Order]:
        await anyio.lowlevel.checkpoint()
        assert self.inside
        reason = "" if self._complete else "the database cannot be reached"
        return Reading(self.seen_orders, self._complete, "tables", reason)

    async def grants(self, run: str) -> Reading[Grant]:
        await anyio.lowlevel.checkpoint()
        grants = (Grant(id="g1", customer=OTHER, product="p", order="o1"),)
        return Reading(grants, self._complete, "tables")

    async def effects(self, run: str) -> Reading[Effect]:
        await anyio.lowlevel.checkpoint()
        if "effects" not in self.sights:
            return unseen("tables")
        return Reading(self.seen_effects, complete=True, source="tables")

    async def backlog(self) -> int | None:
        await anyio.lowlevel.checkpoint()
        return self._backlog

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True


def double() -> Double:
    """A Paystack with a payment of ours, one of somebody else's, and a log of events."""
    event: JsonValue = {"event_name": "charge.success", "status": "Delivered", "trial_count": 1}
    assert isinstance(event, dict)
    refund: dict[str, JsonValue] = {"amount": 1, "currency": "NGN", "status": "pending"}
    first: dict[str, JsonValue] = {"id": 5, "transaction": 1, "transaction_reference": "r1"}
    return Double(
        rows=[
            row(3, reference="r3", customer={"email": OTHER}),
            row(2, reference="r2", customer={"email": OTHER}),
            row(1, reference="r1", customer={"email": MINE}),
        ],
        refunds=[{**refund, **first}, {**refund, "id": 6, "transaction": 2}],
        events=[
            {**event, "_id": "a", "category_row_id": 1},
            {**event, "_id": "b", "category_row_id": 2},
            {**event, "_id": "c", "event_name": "refund.pending", "category_row_id": 5},
        ],
    )


def by_name(reads: list[LedgerRead]) -> dict[str, LedgerRead]:
    return {read.ledger: read for read in reads}


async def test_only_rows_of_this_run_are_kept_and_others_counted() -> None:
    """Every ledger has a record with our rows, joined through all of them, and counts the rest."""
    paystack = double()
    books = Books(paystack.client(), FakeShop("orders", "grants", "backlog"))

    began = anyio.current_time()
    sights = await books.sights()
    assert sights == [
        "paystack.list",
        "paystack.verify",
        "paystack.refunds",
        "paystack.deliveries",
        "shop.orders",
        "shop.grants",
        "shop.backlog",
    ]
    reads = by_name(await books.read(QUESTION))
    await books.close()

    assert list(reads) == sights
    assert [one.reference for one in reads["paystack.list"].transactions] == ["r1"]
    assert [one.reference for one in reads["paystack.verify"].transactions] == ["r1"]
    assert [one.id for one in reads["paystack.refunds"].refunds] == [5]
    assert [(one.id, one.reference) for one in reads["paystack.deliveries"].deliveries] == [
        ("a", "r1"),
        ("c", "r1"),
    ]
    assert [one.id for one in reads["shop.orders"].orders] == ["o1"]
    (grant,) = reads["shop.grants"].grants
    assert grant.customer.endswith("@masked.invalid")
    counts = {name: read.background for name, read in reads.items() if read.background}
    assert counts == {
        "paystack.list": 2,
        "paystack.refunds": 1,
        "paystack.deliveries": 1,
        "shop.orders": 1,
    }
    assert (reads["shop.backlog"].backlog, reads["shop.backlog"].as_of) == (0, "noon")
    assert OTHER not in str(reads)
    times = [reads[name].t for name in ("paystack.list", "shop.orders", "paystack.verify")]
    moments = [began, *times, anyio.current_time()]
    assert moments == sorted(moments)


async def test_every_reference_of_ours_is_verified_and_no_other() -> None:
    """Those of orders, of the list and of what customers were shown; a stranger's are not ours."""
    paystack = double()
    shop = FakeShop("orders", "grants")
    shop.seen_orders = (order("o1", MINE, "attempt-2"),)
    books = Books(paystack.client(), shop)

    await books.read(Question(run="run", intents=[INTENT], references=["shown"]))

    verified = [path.rsplit("/", 1)[1] for path in paystack.asked if "/verify/" in path]
    assert sorted(verified) == ["attempt-2", "r1", "shown"]


async def test_without_a_log_of_events_there_is_no_such_ledger() -> None:
    """What Paystack does not keep is neither promised as a sight nor read."""
    paystack = double()
    paystack.events = None
    books = Books(paystack.client())

    assert "paystack.deliveries" not in await books.sights()
    assert "paystack.deliveries" not in by_name(await books.read(QUESTION))


async def test_what_cannot_be_read_is_a_record_with_its_reason() -> None:
    """A shop that is away leaves records that are not complete, each with why."""
    shop = FakeShop("orders", "grants", "backlog", complete=False, backlog=None)

    reads = by_name(await Books(shop=shop).read(QUESTION))

    assert reads["shop.orders"].reason == "the database cannot be reached"
    assert {read.complete for read in reads.values()} == {False}
    assert "could not be counted" in reads["shop.backlog"].reason


async def test_a_servers_words_are_kept_without_keys_and_addresses() -> None:
    """A reason may quote a row or a header: neither a stranger's address nor a key stays in it."""

    class Loud(FakeShop):
        async def orders(self, run: str) -> Reading[Order]:
            await anyio.lowlevel.checkpoint()
            said = f"bad value\n'{OTHER}' for key {KEY}"
            return Reading((), complete=False, source="tables", reason=said)

    reads = by_name(await Books(shop=Loud("orders", "grants")).read(QUESTION))

    assert reads["shop.orders"].reason == "bad value '[redacted]' for key [redacted]"


async def test_effects_of_two_readers_are_told_once() -> None:
    """A receipt that both know is one; what only one knows is there as well."""
    receipt = Effect(kind="receipt", key="<a>", customer=MINE, order="o1")
    stock = Effect(kind="stock", key="s1", customer=MINE, order="o1")
    shop, mailbox = FakeShop("orders", "grants", "effects"), FakeShop("effects", "grants")
    shop.seen_effects, mailbox.seen_effects = (receipt, stock), (receipt,)

    reads = by_name(await Books(shop=shop, mailbox=mailbox).read(QUESTION))

    assert [one.key for one in reads["shop.effects"].effects] == ["<a>", "s1"]
    assert reads["shop.effects"].complete
    assert [one.id for one in reads["shop.grants"].grants] == ["g1"]


async def test_a_mailbox_alone_gives_a_lower_bound_of_grants() -> None:
    """Where nothing else reads the shop, what receipts prove has to do."""
    mailbox = FakeShop("effects", "grants")
    books = Books(mailbox=mailbox)

    assert await books.sights() == ["shop.grants", "shop.effects"]
    assert list(by_name(await books.read(QUESTION))) == ["shop.grants", "shop.effects"]
    await books.close()
    assert mailbox.closed


class FakeCounts:
    """Counts as it is told."""

    async def count(self, name: str = "receipt") -> int:
        await anyio.lowlevel.checkpoint()
        return {"order": 3, "receipt": 7}[name]

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()


async def test_each_sight_is_counted_where_it_is_kept() -> None:
    """Captures and refunds at Paystack, receipts in the mailbox, the rest in the tables."""
    paystack = double()
    counter = Counter(paystack.client(), FakeCounts(), FakeCounts())

    seen = [await counter.count(name) for name in ("order", "receipt", "capture", "refund")]
    paystack.rows = [row(9, status="abandoned"), row(8, status="reversal-pending")]
    grown = await counter.count("capture")
    await counter.close()

    assert seen == [3, 7, 3, 2]
    assert grown == 4


@pytest.mark.parametrize("sight", ["capture", "order", "receipt"])
async def test_what_nothing_counts_is_said(sight: str) -> None:
    """A sight that this environment cannot count is no number."""
    counter = Counter()

    with pytest.raises(Unread, match=f"nothing here counts {sight}"):
        await counter.count(sight)
    await counter.close()
