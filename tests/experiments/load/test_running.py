"""The drill's side of the load, in virtual time, with a generator that says what a test wants."""

from itertools import pairwise

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec
import pytest

from drill.payments import Intended, LoadPlanned
from experiments.load.port import NoLoad
from experiments.load.running import DRAIN_LIMIT_S, PORTION
from experiments.load.wire import (
    DRAIN,
    Drained,
    Job,
    Message,
    Over,
    encode_message,
)
from tests.experiments.load.rehearsed import (
    FakeGenerator,
    Rehearsed,
    begun,
    done,
    sample,
    told,
)


def test_every_intent_is_durable_before_the_generator_knows_of_any() -> None:
    """
    When the job leaves, all intents have been written, and the last of them waited for the disk.
    """
    load = Rehearsed()
    written: list[int] = []

    async def act(load: Rehearsed) -> None:
        before = load.launch

        async def launch() -> FakeGenerator:
            written.append(sum(isinstance(one, Intended) for one in load.sink.durable))
            written.append(sum(isinstance(one, Intended) for one in load.sink.records))
            return await before()

        load.load._launch = launch
        await load.load.start()

    load.run(act)

    assert written == [1, 5]
    assert load.sink.records.index(load.sink.durable[0]) == 5
    assert isinstance(load.sink.records[0], LoadPlanned)
    job = msgspec.json.decode(load.generator.told[0], type=Job)
    emails = [one.email for one in load.sink.records if isinstance(one, Intended)]
    assert [errand.email for errand in job.errands] == emails


def test_what_customers_are_told_is_written_as_it_comes() -> None:
    """
    Records arrive in the journal unchanged and in order, however the pipe has cut them.
    """
    load = Rehearsed()
    messages: list[Message] = [
        begun("i1"),
        told("i1", "unknown"),
        sample(),
        told("i1", "paid"),
        done("i1"),
    ]

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        data = b"".join(map(encode_message, messages))
        for at in range(0, len(data), 7):
            load.generator.write(data[at : at + 7])
        await anyio.sleep(1)

    load.run(act)

    assert load.sink.records[6:10] == messages[:-1]


def test_the_drain_waits_for_purchases_under_way() -> None:
    """
    `drain` is told at once and returns when the generator says that nobody is under way.
    """
    load = Rehearsed()
    took: list[float] = []

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        began = anyio.current_time()

        async def finish() -> None:
            await anyio.sleep(42)
            load.generator.say(Drained(t=42.0))

        async with anyio.create_task_group() as group:
            group.start_soon(finish)
            await load.load.drain()
            took.append(anyio.current_time() - began)

    load.run(act)

    assert load.generator.told[1] == DRAIN
    assert took == [pytest.approx(42)]


def test_the_drain_has_a_limit() -> None:
    """
    Purchases have their own 60 s and no more: then they are cut off and `never`.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.say(begun("i1"), Over(t=1.0, dropped=0))
        began = anyio.current_time()
        await load.load.drain()
        assert anyio.current_time() - began == pytest.approx(DRAIN_LIMIT_S)
        await load.load.stop()

    load.run(act)

    assert load.words["i1"] == ["never"]
    assert "not drained" in load.ended.detail


def test_never_begun_is_unsent_where_the_generator_said_all_it_knew() -> None:
    """
    After an orderly end a purchase that nobody began left no byte, and one cut off is `never`.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.say(begun("i1"), told("i1", "paid"), done("i1"), begun("i2"))
        load.generator.say(begun("i3"), told("i3", "refused"), begun("i4"), told("i4", "unknown"))
        load.generator.say(Over(t=2.0, dropped=3))
        await load.load.stop()
        await load.load.stop()

    load.run(act)

    assert load.words == {
        "i1": ["paid"],
        "i2": ["never"],
        "i3": ["refused"],
        "i4": ["unknown", "never"],
        "i5": ["unsent"],
    }
    assert (load.ended.begun, load.ended.finished, load.ended.cut) == (4, 1, 3)
    assert "3 samples were dropped" in load.ended.detail
    assert load.ended.limit == "unknown"


def test_a_generator_that_dies_makes_nothing_certain_and_is_told_of() -> None:
    """
    Without its last line nobody knows what had begun: `never`, and a note at once.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.write(encode_message(begun("i1")) + b'{"k":"begun","t":1')
        load.generator.die()
        await anyio.sleep(1)
        await load.load.drain()
        await load.load.stop()

    load.run(act)

    assert set(map(tuple, load.words.values())) == {("never",)}
    assert any("ended by itself" in getattr(one, "text", "") for one in load.sink.records)
    assert "the generator died" in load.ended.detail
    assert "cut short" in load.ended.detail


def test_a_generator_that_does_not_obey_is_ended() -> None:
    """
    A deaf generator is killed after a bounded time, and the load's own end says so.
    """
    load = Rehearsed(deaf=True)

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        began = anyio.current_time()
        await load.load.stop()
        assert anyio.current_time() - began < 30

    load.run(act)

    assert load.generator.ended
    assert load.generator.closed
    assert "it was killed" in load.ended.detail


def test_a_load_that_never_started_says_nothing() -> None:
    """
    A drill that ends before its load leaves no trace of one.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.drain()
        await load.load.stop()
        await NoLoad().start()
        await NoLoad().drain()
        await NoLoad().stop()

    load.run(act)

    assert load.sink.records == []


def test_a_cancelled_drill_still_stops_its_load() -> None:
    """
    `stop` is shielded: a drill that is being cancelled waits for its customers to leave.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        with anyio.CancelScope() as scope:
            try:
                scope.cancel()
                await anyio.sleep(10)
            finally:
                await load.load.stop()

    load.run(act)

    assert load.generator.closed
    assert load.ended.cut == 0


def test_reading_leaves_room_for_probes() -> None:
    """
    A flood of records is taken in small portions: others run in between.
    """
    load = Rehearsed()
    turns: list[int] = []

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.say(*[told("i1", "unknown")] * 1000)

        async def others() -> None:
            while len(load.sink.records) < 1006:
                turns.append(len(load.sink.records))
                await anyio.lowlevel.checkpoint()

        await others()

    load.run(act)

    # Two portions: of those who are ready trio takes no fixed one first.
    assert max(after - before for before, after in pairwise(turns)) <= 2 * PORTION
