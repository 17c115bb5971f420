"""How often probes look around a heal."""

import anyio
import trio
import trio.testing

from drill.events import Observation
from drill.journal import Journal
from drill.verdict import Health
from experiments.pace import WATCHFUL_S, Pace

FAST_S, CALM_S = 0.02, 1.0


class Paced:
    """Remembers its periods."""

    def __init__(self, in_flight: int = 0) -> None:
        self.in_flight = in_flight
        self.periods: list[float] = []

    def set_period(self, period_s: float) -> None:
        """Remember it."""
        self.periods.append(period_s)


def pace_of(probe: Paced, *healths: Health) -> Pace:
    """A pace over one probe whose last looks saw *healths* at second 0."""
    journal = Journal()
    for health in healths:
        journal.add(Observation("p", 0.0, 0.0, 0.01, health))
    return Pace(journal, {"p": probe}, fast={"p": FAST_S}, calm={"p": CALM_S})


async def hurried(probe: Paced, *healths: Health, everyone: bool) -> None:
    """One heal call at second 1, watched for two seconds."""
    start = anyio.current_time()
    pace = pace_of(probe, *healths)
    async with anyio.create_task_group() as group:
        group.start_soon(pace.follow, start)
        await anyio.sleep(1)
        pace.hurry(everyone=everyone)
        await anyio.sleep(2)
        pace.calm_down()
        group.cancel_scope.cancel()


def periods(
    probe: Paced, health: Health, *, then: Health | None = None, everyone: bool = False
) -> list[float]:
    """The periods that the probe was told, in virtual time."""
    clock = trio.testing.MockClock(autojump_threshold=0)

    healths = [health] if then is None else [health, then]

    async def main() -> None:
        await hurried(probe, *healths, everyone=everyone)

    trio.run(main, clock=clock)
    return probe.periods


def test_a_good_probe_keeps_its_period() -> None:
    """
    Looking at staging does not become the load that keeps it down.
    """
    assert periods(Paced(), Health.OK) == [CALM_S]


def test_a_bad_probe_is_looked_at_fast() -> None:
    """
    What is bad at the heal call is looked at fast, as long as it is bad.
    """
    assert periods(Paced(), Health.DOWN) == [FAST_S, CALM_S]


def test_a_look_that_was_turned_away_tells_nothing() -> None:
    """
    A rate limit is neither bad nor good: what was seen before it counts, and alone it is no news.
    """
    assert periods(Paced(), Health.LIMITED) == [CALM_S]
    assert periods(Paced(), Health.DOWN, then=Health.LIMITED) == [FAST_S, CALM_S]


def test_a_probe_that_nobody_has_looked_at_yet_is_watched_from_its_begin() -> None:
    """
    Good since its very first look is as settled as good for long.
    """
    clock = trio.testing.MockClock(autojump_threshold=0)
    probe = Paced()

    async def main() -> None:
        start = anyio.current_time()
        journal = Journal()
        pace = Pace(journal, {"p": probe}, fast={"p": FAST_S}, calm={"p": CALM_S})
        async with anyio.create_task_group() as group:
            group.start_soon(pace.follow, start)
            pace.hurry(everyone=True)
            await anyio.sleep(0.5)
            journal.add(Observation("p", 0.0, 0.4, 0.5, Health.OK))
            await anyio.sleep(5)
            assert pace.settled
            group.cancel_scope.cancel()

    trio.run(main, clock=clock)
    assert probe.periods == [FAST_S, WATCHFUL_S]


def test_a_hanging_look_is_bad_news() -> None:
    """
    A probe whose look is unanswered at the heal call is looked at fast, then watched.
    """
    assert periods(Paced(in_flight=1), Health.OK) == [FAST_S, WATCHFUL_S, CALM_S]


def test_before_a_momentary_fault_everyone_hurries() -> None:
    """
    What a crash will hurt is not known yet, so every probe that a check names looks fast.
    """
    assert periods(Paced(), Health.OK, everyone=True) == [FAST_S, WATCHFUL_S, CALM_S]
