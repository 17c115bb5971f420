"""The drill's side of the load, in virtual time, with a generator that says what a test wants."""

from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from drill.payments import Begun, Intended, LoadEnded, LoadPlanned, LoadSample, Said, Told
from experiments.load.port import NoLoad
from experiments.load.purchases import plan_purchases
from experiments.load.running import DRAIN_LIMIT_S, PORTION, LoadPlan, LocustLoad
from experiments.load.wire import (
    DRAIN,
    STOP,
    Drained,
    Finished,
    Job,
    Message,
    Over,
    Site,
    encode_message,
)
from experiments.recorder import Recorder
from tests.experiments.fakes import FakeSink

PLAN = LoadPlan(
    run="r1",
    seed=1,
    customers=2,
    workers=1,
    purchases=plan_purchases(1, {"creator-pass": True}, 5),
    site=Site(web="http://127.0.0.1:1"),
    domain="drill.test",
)
INTENTS = [f"i{number}" for number in range(1, 6)]


class FakeGenerator:
    """Says what it is given, keeps what it is told; ends after `stop` unless it is deaf."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.told: list[bytes] = []
        self.deaf = deaf
        self.ended = self.closed = False
        self._say, self._hear = anyio.create_memory_object_stream[bytes](1000)

    def say(self, *messages: Message) -> None:
        self.write(b"".join(map(encode_message, messages)))

    def write(self, data: bytes) -> None:
        self._say.send_nowait(data)

    def die(self) -> None:
        self._say.close()

    async def send(self, line: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.ended:
            raise anyio.BrokenResourceError
        self.told.append(line)
        if line == STOP and not self.deaf:
            self.die()

    async def receive(self) -> bytes:
        return await self._hear.receive()

    async def end(self) -> str:
        await anyio.lowlevel.checkpoint()
        self.ended = True
        self.die()
        return "it was killed" if self.deaf else ""

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True
        self._hear.close()


class Rehearsed:
    """A load in virtual time."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.sink = FakeSink()
        self.deaf = deaf

    def run(self, act: Callable[["Rehearsed"], Coroutine[object, object, None]]) -> None:
        async def main() -> None:
            self.generator = FakeGenerator(deaf=self.deaf)
            self.recorder = Recorder(self.sink, anyio.current_time())
            async with anyio.create_task_group() as group:
                self.load = LocustLoad(PLAN, self.recorder, self.launch, group)
                await act(self)
                group.cancel_scope.cancel()
            self.generator.die()
            await self.generator.close()

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    async def launch(self) -> FakeGenerator:
        await anyio.lowlevel.checkpoint()
        return self.generator

    @property
    def words(self) -> dict[str, list[Said]]:
        """What each customer was told, in order."""
        told = [one for one in self.sink.records if isinstance(one, Told)]
        return {i: [one.said for one in told if one.intent == i] for i in INTENTS}

    @property
    def ended(self) -> LoadEnded:
        (found,) = [one for one in self.sink.records if isinstance(one, LoadEnded)]
        return found


def begun(intent: str) -> Begun:
    return Begun(t=1.0, intent=intent)


def told(intent: str, said: Said) -> Told:
    return Told(t=1.0, intent=intent, said=said, via="page")


def done(intent: str) -> Finished:
    return Finished(t=1.0, intent=intent)


def sample(requests: int = 10) -> LoadSample:
    return LoadSample(
        t=1.0, users=2, requests=requests, failures=0, p50_ms=1, p95_ms=2, behind_s=0, cpu_ratio=0.1
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


def test_what_is_no_message_is_counted_and_stops_nothing() -> None:
    """
    A line that cannot be read is told of, and the next one is read; a stranger's intent is none.
    """
    load = Rehearsed()

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.write(b"oops\n" * 9)
        load.generator.say(begun("x9"), begun("i1"), Finished(t=1.0, intent="i2", error="Boom: x"))
        await load.load.stop()

    load.run(act)

    assert load.ended.begun == 1
    assert "a line that is no message" in load.ended.detail
    assert "more" in load.ended.detail


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


MOVES = st.lists(
    st.tuples(
        st.sampled_from(INTENTS),
        st.lists(st.sampled_from(["paid", "refused", "unknown"]), max_size=3),
        st.booleans(),
    ),
    unique_by=lambda move: move[0],
)


@given(moves=MOVES, orderly=st.booleans(), kept=st.floats(0, 1))
def test_every_intent_has_a_last_word_that_is_never_too_sure(
    moves: Sequence[tuple[str, list[Said], bool]], *, orderly: bool, kept: float
) -> None:
    """
    Whatever was said and wherever it was cut off: each intent is told something, `unsent` only if
    nothing had begun and the generator had said all, and nothing is said after a finished story.
    """
    load = Rehearsed()
    messages: list[Message] = []
    for intent, words, finished in moves:
        messages += [begun(intent), *(told(intent, word) for word in words)]
        messages += [done(intent)] * finished
    cut = messages if orderly else messages[: int(kept * len(messages))]

    async def act(load: Rehearsed) -> None:
        await load.load.start()
        load.generator.say(*cut, *([Over(t=9.0, dropped=0)] * orderly))
        await load.load.stop()

    load.run(act)

    said = {(type(one).__name__, getattr(one, "intent", "")) for one in cut}
    for intent, words in load.words.items():
        finished = ("Finished", intent) in said
        assert words or finished
        assert words[:-1].count("unsent") + words[:-1].count("never") == 0
        if "unsent" in words:
            assert orderly
            assert ("Begun", intent) not in said
        if finished:
            assert "never" not in words
    ended = load.ended
    assert ended.begun == ended.finished + ended.cut
