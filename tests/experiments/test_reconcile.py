"""The reconcile phase in virtual time: how long it reads, when it restarts, when it ends."""

from collections.abc import Callable

import anyio
import anyio.lowlevel
import msgspec
import pytest
import trio.testing

from drill.errors import Unsure
from drill.events import Note
from drill.payments import (
    Begun,
    Intended,
    Ledger,
    LedgerRead,
    PaymentsPlanned,
    Told,
)
from experiments.environment_shop import Price, Shop
from experiments.reconcile import EQUAL_ROUNDS_LIMIT, Reconciler
from experiments.recorder import Recorder
from experiments.runtime.shapes import ContainerState
from tests.experiments.fakes import FakeSink, FakeStack
from tests.experiments.ledger_reads import GRANTED, PROMISES, RECONCILE_S, paid, read_of
from validators.ledger.question import Question

PERIOD_S = 10.0


class FakeLedgers:
    """Gives what a function of the round says; takes two seconds for it."""

    def __init__(self, reads: Callable[[int], list[LedgerRead]]) -> None:
        self.reads = reads
        self.asked: list[Question] = []

    async def sights(self) -> list[Ledger]:
        await anyio.lowlevel.checkpoint()
        return ["paystack.list", "shop.grants"]

    async def read(self, question: Question) -> list[LedgerRead]:
        self.asked.append(question)
        began = anyio.current_time()
        await anyio.sleep(2.0)
        reads = self.reads(len(self.asked))
        return [msgspec.structs.replace(read, t=began) for read in reads]


class SlowStack(FakeStack):
    """Services that are unhealthy for a while after their restart."""

    def __init__(self, *services: str, refuses: str = "") -> None:
        super().__init__(services)
        self.refuses = refuses
        self.looks = 0

    async def restart(self, service: str, grace_s: float) -> None:
        if service == self.refuses:
            raise Unsure("the engine does not answer")
        await super().restart(service, grace_s)

    async def state(self, service: str) -> ContainerState:
        self.looks += 1
        now = await super().state(service)
        return msgspec.structs.replace(now, health="starting" if self.looks < 5 else "healthy")


class Ran:
    """One phase in virtual time, and what it left."""

    def __init__(
        self,
        reads: Callable[[int], list[LedgerRead]],
        *,
        refuses: str = "",
        services: str = "a b",
        canaries: bool = True,
    ) -> None:
        self._canaries = FakeCanaries() if canaries else None
        self.ledgers = FakeLedgers(reads)
        self.stack = SlowStack("a", "b", "postgres", refuses=refuses)
        self.took_s = 0.0
        self.shop = Shop(
            services=tuple(services.split()),
            promises=PROMISES,
            prices={"p": Price(amount=5, currency="NGN", once_only=True)},
            out_of_sight={"I-6": "no log"},
        )
        clock = trio.testing.MockClock(autojump_threshold=0)
        anyio.run(self._run, backend="trio", backend_options={"clock": clock})
        self.stack.close()

    async def _run(self) -> None:
        self.recorder = Recorder(FakeSink(), anyio.current_time())
        reconciler = Reconciler(
            self.shop,
            "run",
            ledgers=self.ledgers,
            recorder=self.recorder,
            lifecycle=self.stack,
            canaries=self._canaries,
        )
        await reconciler.before()
        began = anyio.current_time()
        await reconciler.reconcile()
        self.took_s = anyio.current_time() - began

    @property
    def rounds(self) -> list[tuple[int, bool]]:
        """Rounds in order, each with whether the shop was restarted before it."""
        reads = self.recorder.journal.every(LedgerRead)
        return sorted({(read.round, read.after_restart) for read in reads})

    @property
    def notes(self) -> list[str]:
        """What the journal notes."""
        return [note.text for note in self.recorder.journal.every(Note)]


class FakeCanaries:
    """One canary, told its reference and order."""

    async def make(self, say: Callable[[Intended | Begun | Told], None]) -> None:
        await anyio.lowlevel.checkpoint()
        say(
            Intended(
                t=0.0,
                id="c1",
                ordinal=-1,
                email="c1-run@d.e",
                product="p",
                stratum="directed",
                canary="paid",
            )
        )
        say(Begun(t=0.0, intent="c1"))
        say(Told(t=0.0, intent="c1", said="paid", via="page", reference="r9", order="o9"))


def test_a_settled_shop_is_read_once_before_and_once_after_its_restart() -> None:
    """With nothing open two readings do, a period apart, the second after every restart."""
    ran = Ran(lambda _: GRANTED)

    assert ran.rounds == [(1, False), (2, True)]
    assert sorted(ran.stack.acts) == ["restart a", "restart b"]
    assert ran.notes == []
    assert ran.took_s == pytest.approx(2 + PERIOD_S + 2)
    times = sorted({read.t for read in ran.recorder.journal.every(LedgerRead)})
    assert times == pytest.approx([0.0, 2 + PERIOD_S])


def test_before_says_by_what_is_judged_and_makes_canaries_durably() -> None:
    """Prices, promises and sights are in the journal first; what canaries meant is on disk."""
    ran = Ran(lambda _: GRANTED)

    planned = next(ran.recorder.journal.every(PaymentsPlanned))
    assert (planned.webhook_s, planned.reconcile_s, planned.refund_s) == (5, 60, 300)
    assert planned.sights == ["paystack.list", "shop.grants"]
    assert planned.out_of_sight == {"I-6": "no log"}
    assert [(one.product, one.amount, one.once_only) for one in planned.prices] == [("p", 5, True)]
    sink = ran.recorder._sink
    assert isinstance(sink, FakeSink)
    assert [type(each) for each in sink.durable] == [PaymentsPlanned, Intended, Begun, Told]
    question = ran.ledgers.asked[0]
    assert (question.references, question.orders) == (["r9"], ["o9"])
    assert question.begun == {"c1"}


def test_money_without_a_grant_is_waited_for_as_long_as_promised() -> None:
    """A payment that brings nothing is read again until the promise has run out, and noted."""
    ran = Ran(lambda _: [GRANTED[0], read_of("shop.grants")])

    assert RECONCILE_S <= ran.took_s <= RECONCILE_S + PERIOD_S + 8
    assert ran.rounds[-1][1]
    assert "payment r1 has brought nothing yet" in ran.notes[0]


def test_a_grant_that_comes_late_ends_the_waiting() -> None:
    """As soon as nothing is open the shop is restarted."""
    ran = Ran(lambda n: GRANTED if n > 2 else [GRANTED[0], read_of("shop.grants")])

    assert ran.rounds == [(1, False), (2, False), (3, False), (4, True)]
    assert ran.notes == []


def test_what_changes_after_the_restart_is_read_until_it_stands_still() -> None:
    """Two equal readings in a row end the phase, not the first after the restart."""
    backlog = {1: 0, 2: 3, 3: 2}
    ran = Ran(lambda n: [*GRANTED, read_of("shop.backlog", backlog=backlog.get(n, 0))])

    assert ran.rounds == [(1, False), (2, True), (3, True), (4, True), (5, True)]


def test_a_shop_that_never_stands_still_is_left_in_the_end() -> None:
    """The phase is bounded and says that no two readings were equal."""
    ran = Ran(lambda n: [read_of("paystack.list", transactions=[paid(n, "abandoned")])])

    assert len(ran.rounds) == 1 + EQUAL_ROUNDS_LIMIT
    assert "no two in a row were equal" in ran.notes[-1]


def test_equal_is_what_holds_the_same_rows_in_whatever_order() -> None:
    """Order, clock and reason of a reading make no difference."""
    both = [paid(1, "abandoned"), paid(2, "abandoned")]
    ran = Ran(
        lambda n: [
            read_of("paystack.list", transactions=both[:: 1 if n % 2 else -1], as_of=f"{n} o'clock")
        ]
    )

    assert ran.rounds == [(1, False), (2, True)]


def test_a_ledger_that_is_never_read_delays_only_a_little() -> None:
    """An unread ledger is tried again for a while, not for as long as the longest promise."""
    ran = Ran(lambda _: [read_of("paystack.list", complete=False, reason="no answer")])

    assert 30 <= ran.took_s <= 30 + PERIOD_S + 8
    assert "paystack.list is not read: no answer" in ran.notes[0]


def test_a_service_that_cannot_be_restarted_leaves_the_reading_before() -> None:
    """Nothing then claims to be after the restart, and the reason is noted."""
    ran = Ran(lambda _: GRANTED, refuses="b")

    assert {after for _, after in ran.rounds} == {False}
    assert "b: the engine does not answer" in ran.notes[0]


def test_without_canaries_it_is_said_that_nothing_shows_what_readers_see() -> None:
    """Where nobody can make any the journal says so, and the phase goes on."""
    ran = Ran(lambda _: GRANTED, canaries=False)

    assert "nobody can make canaries here" in ran.notes[0]
    assert ran.rounds == [(1, False), (2, True)]


def test_a_reading_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round has a limit; what it did not bring is noted, and the phase ends all the same."""
    monkeypatch.setattr("experiments.reconcile.READ_LIMIT_S", 1.0)
    ran = Ran(lambda _: GRANTED)

    assert ran.rounds == []
    assert ran.notes == ["round 1 was not read within 1 s", "round 2 was not read within 1 s"]


def test_a_service_that_stays_ill_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After its limit the reading is made all the same, and the illness is noted."""
    monkeypatch.setattr("experiments.reconcile.READY_LIMIT_S", 0.1)
    ran = Ran(lambda _: GRANTED)

    assert ran.rounds[-1] == (2, True)
    assert "was not healthy within 0.1 s of its restart" in ran.notes[0]


def test_without_named_services_nothing_was_restarted() -> None:
    """An environment that names no services gets no final reading."""
    ran = Ran(lambda _: GRANTED, services="")

    assert {after for _, after in ran.rounds} == {False}
    assert "names no services" in ran.notes[0]
