"""The schedule on a virtual clock."""

import math
from collections.abc import Awaitable, Callable, Coroutine
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from drill.events import Observation
from drill.verdict import Health
from validators.probes.schedule import JourneyRunner, ProbeRunner, Seen

OK = Seen(Health.OK)


class Fake:
    """A look that takes as long as it is told, by the number of the look."""

    def __init__(self, takes_s: Callable[[int], float]) -> None:
        self.takes_s = takes_s
        self.sent = 0
        self.at_once = 0
        self.most_at_once = 0
        self.closed = False

    async def look(self) -> Seen:
        number, self.sent = self.sent, self.sent + 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await anyio.sleep(self.takes_s(number))
        finally:
            self.at_once -= 1
        return OK

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True


def on_clock(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run *scenario* on a clock that jumps to whatever happens next."""
    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))


def watch(
    look: Fake,
    *,
    for_s: float,
    period_s: float = 1.0,
    deadline_s: float = 0.8,
    at_most: int = 100,
    meanwhile: Callable[[ProbeRunner], Coroutine[object, object, None]] | None = None,
    journey: bool = False,
) -> list[Observation]:
    """Run a probe for a while and give its observations in the order they came."""
    seen: list[Observation] = []

    async def scenario() -> None:
        start = anyio.current_time()
        runner: ProbeRunner
        if journey:
            runner = JourneyRunner("j", look, period_s, deadline_s, seen.append, start)
        else:
            runner = ProbeRunner("p", look, period_s, deadline_s, at_most, seen.append, start)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runner.run)
            if meanwhile:
                tasks.start_soon(meanwhile, runner)
            await anyio.sleep(for_s)
            runner.stop()

    on_clock(scenario)
    assert look.closed
    return seen


def test_slow_looks_do_not_slow_the_schedule() -> None:
    """A look of 0.7 s every 20 ms is launched every 20 ms all the same."""
    seen = watch(Fake(lambda _: 0.7), for_s=1.99, period_s=0.02)
    assert [round(o.due, 6) for o in seen] == [round(k * 0.02, 6) for k in range(100)]
    assert all(o.sent == pytest.approx(o.due) for o in seen)
    assert all(o.got - o.sent == pytest.approx(0.7) for o in seen)


def test_a_look_without_an_answer_is_down_at_its_deadline() -> None:
    """The deadline is the whole look's, and the observation says how long it waited."""
    seen = watch(Fake(lambda _: math.inf), for_s=0.5, deadline_s=0.8)
    assert [(o.health, o.detail) for o in seen] == [(Health.DOWN, "no answer within 0.8 s")]
    assert seen[0].got - seen[0].sent == pytest.approx(0.8)


def test_a_launch_beyond_the_bound_is_recorded_and_not_sent() -> None:
    """With two looks in flight allowed, the third launch is limited and says why."""
    look = Fake(lambda _: 0.5)
    seen = watch(look, for_s=0.35, period_s=0.1, at_most=2)
    assert look.most_at_once == 2
    skipped = [o for o in seen if o.health is Health.LIMITED]
    assert [round(o.due, 3) for o in skipped] == [0.2, 0.3]
    assert {o.detail for o in skipped} == {"not sent: 2 looks still unanswered"}


def test_a_look_that_raises_is_down_without_its_text() -> None:
    """The kind of an unforeseen error is told, its text never."""

    class Broken(Fake):
        async def look(self) -> Seen:
            await anyio.lowlevel.checkpoint()
            raise RuntimeError("secret")

    seen = watch(Broken(lambda _: 0), for_s=0.5)
    assert [(o.health, o.detail) for o in seen] == [(Health.DOWN, "the look failed: RuntimeError")]


def test_observations_come_in_the_order_of_completion() -> None:
    """A look that is overtaken is emitted after the one that overtook it."""
    seen = watch(Fake(lambda number: 0.7 if number == 0 else 0.1), for_s=0.25, period_s=0.2)
    assert [round(o.due, 3) for o in seen] == [0.2, 0.0]


def test_a_new_period_takes_effect_at_once() -> None:
    """From 1 s to 20 ms in the middle of a second, and back."""

    async def faster(runner: ProbeRunner) -> None:
        await anyio.sleep(1.5)
        runner.set_period(0.02)
        await anyio.sleep(0.095)
        runner.set_period(1.0)

    seen = watch(Fake(lambda _: 0.001), for_s=3.0, meanwhile=faster)
    due = [round(o.due, 3) for o in seen]
    assert due == [0.0, 1.0, 1.5, 1.52, 1.54, 1.56, 1.58, 2.58]


def test_drain_waits_for_what_is_in_flight_and_no_longer() -> None:
    """Looks launched after the call are not waited for, or it would never return."""
    drained: list[float] = []

    async def drain(runner: ProbeRunner) -> None:
        await anyio.sleep(0.05)
        await runner.drain()
        drained.append(anyio.current_time())
        assert runner.in_flight > 0

    begun: list[float] = []

    class Timed(Fake):
        async def look(self) -> Seen:
            begun.append(anyio.current_time())
            return await super().look()

    watch(Timed(lambda _: 0.3), for_s=1.0, period_s=0.02, meanwhile=drain)
    assert drained[0] - begun[0] == pytest.approx(0.34)


def test_no_look_starts_while_held() -> None:
    """Hold lets a running look finish, resume starts the next at once."""

    async def hold(runner: ProbeRunner) -> None:
        await anyio.sleep(5.5)
        runner.hold()
        await anyio.sleep(10)
        runner.resume()
        runner.resume()

    look = Fake(lambda _: 3.0)
    seen = watch(look, for_s=17, period_s=5.0, deadline_s=25, journey=True, meanwhile=hold)
    assert [(round(o.sent, 3), round(o.got, 3)) for o in seen] == [(0, 3), (5, 8), (15.5, 18.5)]


def test_journeys_never_overlap_and_show_how_late_they_were() -> None:
    """A journey longer than its period is followed by the next one as soon as it is done."""
    look = Fake(lambda _: 7.0)
    seen = watch(look, for_s=20, period_s=5.0, deadline_s=25, journey=True)
    assert look.most_at_once == 1
    assert [(round(o.due, 3), round(o.sent, 3)) for o in seen] == [(0, 0), (5, 7), (10, 14)]


def test_a_stopped_runner_holds_nothing() -> None:
    """Stop during a hold ends the run, and what was in flight is emitted."""

    async def hold(runner: ProbeRunner) -> None:
        await anyio.sleep(0.1)
        runner.hold()

    seen = watch(Fake(lambda _: 0.5), for_s=0.2, meanwhile=hold)
    assert len(seen) == 1


def test_the_look_says_when_it_saw() -> None:
    """A look that tidies up afterwards reports the time of what it saw."""

    class Tidy(Fake):
        async def look(self) -> Seen:
            at = anyio.current_time()
            await super().look()
            return Seen(Health.OK, "", at)

    seen = watch(Tidy(lambda _: 0.5), for_s=0.2)
    assert seen[0].got == pytest.approx(0.0)


def test_a_cancelled_runner_still_closes_its_look() -> None:
    """An aborted drill leaves no client open."""
    look = Fake(lambda _: math.inf)

    async def scenario() -> None:
        with anyio.move_on_after(0.5):
            await ProbeRunner("p", look, 1.0, 9.0, 5, lambda _: None, 0.0).run()

    on_clock(scenario)
    assert look.closed


@given(
    takes_ms=st.lists(st.integers(0, 1500), min_size=1, max_size=30),
    period_ms=st.integers(10, 300),
    at_most=st.integers(1, 20),
)
def test_every_launch_of_the_schedule_is_accounted_for(
    takes_ms: list[int], period_ms: int, at_most: int
) -> None:
    """Whatever the looks take: one observation a slot, bounded, none beyond the deadline."""
    look = Fake(lambda number: takes_ms[number % len(takes_ms)] / 1000)
    period_s = period_ms / 1000
    seen = watch(look, for_s=period_s * 19.5, period_s=period_s, at_most=at_most)
    slots = sorted(round(o.due / period_s) for o in seen)
    assert slots == list(range(20))
    assert look.most_at_once <= at_most
    assert all(o.got - o.sent <= 0.8 + 1e-6 for o in seen)
    assert all(a.got <= b.got + 1e-6 for a, b in pairwise(seen))
