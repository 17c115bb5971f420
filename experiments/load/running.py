"""
The load, on the drill's side: intents into the journal first, then whatever the generator tells.

Nothing here waits for the generator longer than it must, and it is read in small portions, so that
neither the load nor the probes are kept waiting.
"""

import math
from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec

from drill.events import FaultChange
from drill.payments import Begun, LoadEnded, LoadPlanned, LoadSample, RefundAsked, Said, Told
from experiments.load.limit import in_force, judge_limit
from experiments.load.port import Generator
from experiments.load.purchases import Purchase, digest_of, intended
from experiments.load.wire import (
    DRAIN,
    PURCHASE_LIMIT_S,
    STOP,
    Drained,
    Errand,
    Finished,
    Job,
    Message,
    Over,
    Site,
    decode_message,
    encode_job,
    unfinished,
)
from experiments.recorder import Recorder

DRAIN_LIMIT_S = PURCHASE_LIMIT_S + 5.0
FINISH_LIMIT_S = 1800.0
SEND_LIMIT_S, OVER_LIMIT_S = 5.0, 10.0
START_LIMIT_S, SEND_LIMIT_S, OVER_LIMIT_S = 30.0, 5.0, 10.0
"""A generator that is just starting takes its job once its own modules are there."""
PORTION = 50
LONGEST_LINE = 1024 * 1024
SHOWN = 5


class LoadPlan(msgspec.Struct, frozen=True):
    """
    The customers of one drill.

    Attributes:
        domain: Of their addresses; ours, so that nothing is ever mailed to anybody.
    """

    run: str
    seed: int
    customers: int
    workers: int
    purchases: Sequence[Purchase]
    site: Site
    domain: str


class Story(msgspec.Struct):
    """What is known of one intent so far."""

    begun: bool = False
    finished: bool = False
    last: Told | None = None


class LocustLoad:
    """
    Customers, by a generator in another process.

    Args:
        plan: Who they are and what they buy.

        recorder: The one writer.

        launch: Starts the generator.

        group: Where it is listened to.
    """

    def __init__(
        self,
        plan: LoadPlan,
        recorder: Recorder,
        launch: Callable[[], Awaitable[Generator]],
        group: anyio.abc.TaskGroup,
    ) -> None:
        self._plan = plan
        self._recorder = recorder
        self._launch = launch
        self._group = group
        self._generator: Generator | None = None
        self._stories = {purchase.id: Story() for purchase in plan.purchases}
        self._samples: list[LoadSample] = []
        self._drained, self._silent, self._bought = anyio.Event(), anyio.Event(), anyio.Event()
        self._over: Over | None = None
        self._problems: list[str] = []
        self._planned = self._ended = False

    async def start(self) -> None:
        """Every intent is on disk before the generator knows of any."""
        plan, recorder = self._plan, self._recorder
        planned = LoadPlanned(
            t=recorder.t(),
            customers=plan.customers,
            workers=plan.workers,
            intents=len(plan.purchases),
            plan=digest_of(plan.purchases),
        )
        errands = []
        self._planned = True
        last = len(plan.purchases) - 1
        recorder.add(planned, durable=last < 0)
        for index, purchase in enumerate(plan.purchases):
            intent = intended(purchase, plan.run, plan.domain, recorder.t())
            # What was written before is on disk with the last one: one wait for the disk, not 430.
            recorder.add(intent, durable=index == last)
            errands.append(Errand(purchase, intent.email))
            if index % PORTION == 0:
                await anyio.lowlevel.checkpoint()
        self._generator = await self._launch()
        self._group.start_soon(self._listen, self._generator)
        job = Job(
            start=recorder.start,
            run=plan.run,
            seed=plan.seed,
            customers=plan.customers,
            workers=plan.workers,
            site=plan.site,
            errands=errands,
        )
        await self._send(self._generator, encode_job(job), START_LIMIT_S)

    async def finish(self) -> None:
        """Wait until every purchase is at its end, as long as all of them together may take."""
        if self._generator is None or self._ended or not self._stories:
            return
        turns = math.ceil(len(self._stories) / self._plan.customers)
        with anyio.move_on_after(min(turns * PURCHASE_LIMIT_S, FINISH_LIMIT_S)):
            await self._bought.wait()

    async def drain(self) -> None:
        """No new intents; those under way have the rest of their own time."""
        if self._generator is None or self._ended:
            return
        await self._send(self._generator, DRAIN)
        with anyio.move_on_after(DRAIN_LIMIT_S) as scope:
            await self._drained.wait()
        if scope.cancelled_caught:
            self._problems.append(f"not drained after {DRAIN_LIMIT_S:g} s")

    async def stop(self) -> None:
        """Send everybody away, and say of each intent what nobody else can say any more."""
        if self._ended:
            return
        self._ended = True
        with anyio.CancelScope(shield=True):
            if self._generator is not None:
                await self._end(self._generator)
            if self._planned:
                self._conclude()

    async def _end(self, generator: Generator) -> None:
        await self._send(generator, STOP)
        with anyio.move_on_after(OVER_LIMIT_S):
            await self._silent.wait()
        forced = await generator.end()
        if forced:
            self._problems.append(forced)
        with anyio.move_on_after(OVER_LIMIT_S):
            await self._silent.wait()
        await generator.close()

    async def _send(self, generator: Generator, line: bytes, limit_s: float = SEND_LIMIT_S) -> None:
        try:
            with anyio.fail_after(limit_s):
                await generator.send(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, TimeoutError) as error:
            self._problems.append(f"the generator took no order: {type(error).__name__}")

    async def _listen(self, generator: Generator) -> None:
        """Take down what the generator writes, until it ends."""
        rest = b""
        try:
            while len(rest) < LONGEST_LINE:
                *lines, rest = (rest + await generator.receive()).split(b"\n")
                for index, line in enumerate(lines, 1):
                    self._read(line)
                    if index % PORTION == 0:
                        await anyio.lowlevel.checkpoint()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # It has ended: the rest is said below.
        finally:
            if rest:
                self._problems.append("its last line was cut short")
            self._drained.set()
            self._bought.set()
            self._silent.set()
            if self._over is None and not self._ended:
                self._recorder.note("the load ended by itself: see load.log beside the journal")

    def _read(self, line: bytes) -> None:
        try:
            message = decode_message(line)
        except msgspec.MsgspecError as error:
            self._problems.append(f"a line that is no message: {error}")
            return
        self._take(message)

    def _take(self, message: Message) -> None:
        if isinstance(message, Over):
            self._over = message
        elif isinstance(message, Drained):
            self._drained.set()
        elif isinstance(message, LoadSample):
            self._samples.append(message)
            self._recorder.add(message)
        elif story := self._stories.get(message.intent):
            self._follow(story, message)

    def _follow(self, story: Story, message: Begun | Told | RefundAsked | Finished) -> None:
        if isinstance(message, Finished):
            story.finished = True
            if all(each.finished for each in self._stories.values()):
                self._bought.set()
            if message.error:
                self._problems.append(f"{message.intent}: {message.error}")
            return
        story.begun = story.begun or isinstance(message, Begun)
        if isinstance(message, Told):
            story.last = message
        self._recorder.add(message)

    def _conclude(self) -> None:
        """
        Give every intent its last word, and the load its own.

        That no byte left is certain only if the generator has said all that it had to say; where it
        was killed, a purchase that was never heard of may have begun all the same.
        """
        told_all = self._generator is None or (self._over is not None and not self._over.errors)
        for intent, story in self._stories.items():
            if story.finished or not unfinished(story.last):
                continue
            if story.begun:
                self._tell(intent, "never", "the load stopped before the purchase was at its end")
            elif told_all:
                self._tell(intent, "unsent", "nobody began this purchase")
            else:
                self._tell(intent, "never", "the load died; whether this had begun is not known")
        now, journal = self._recorder.t(), self._recorder.journal
        judged = judge_limit(self._samples, in_force(list(journal.every(FaultChange)), now))
        stories = self._stories.values()
        self._recorder.add(
            LoadEnded(
                t=now,
                begun=sum(story.begun for story in stories),
                finished=sum(story.begun and story.finished for story in stories),
                cut=sum(story.begun and not story.finished for story in stories),
                limit=judged.limit,
                detail="; ".join([judged.detail, *self._trouble()]),
            ),
            durable=True,
        )

    def _tell(self, intent: str, said: Said, detail: str) -> None:
        told = Told(t=self._recorder.t(), intent=intent, said=said, via="load", detail=detail)
        self._recorder.add(told)

    def _trouble(self) -> list[str]:
        """What a reader of the figures must know, each kind at most a few times."""
        over = self._over
        dropped = [f"{over.dropped} samples were dropped"] if over and over.dropped else []
        died = [] if over or self._generator is None else ["the generator died"]
        problems = [*(over.errors if over else ()), *self._problems]
        more = len(problems) - SHOWN
        return [*died, *dropped, *problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
