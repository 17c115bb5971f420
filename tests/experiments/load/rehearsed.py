"""A load in virtual time, with a generator that says what a test wants."""

from collections.abc import Callable, Coroutine

import anyio
import anyio.abc
import anyio.lowlevel
import trio
import trio.testing

from drill.payments import Begun, LoadEnded, LoadSample, Said, Told
from experiments.load.purchases import plan_purchases
from experiments.load.running import LoadPlan, LocustLoad
from experiments.load.wire import (
    STOP,
    Finished,
    Message,
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
        self.ended = True
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
