"""What the engine reads from its journal while it runs."""

import pytest

from drill.events import Observation, PlannedProbe
from drill.journal import Journal
from drill.verdict import Health
from experiments.watch import baseline_missing, down_for

OK, DEGRADED, LIMITED, DOWN = Health
PROBE = PlannedProbe("shop", "http", sacred=False, period_s=1.0, deadline_s=0.8)


def looked(*healths: Health) -> Journal:
    """One look a second from 0 s on."""
    journal = Journal()
    for second, health in enumerate(healths):
        journal.add(Observation("shop", second, second, second + 0.1, health, health.word))
    return journal


@pytest.mark.parametrize(
    ("healths", "missing"),
    [
        ((), "shop: no answer yet"),
        ((OK, OK, DOWN), "shop: down"),
        ((DOWN, OK, OK), "shop: good for 2.0 s of 3 s"),
        ((OK, LIMITED, OK), ""),
        ((LIMITED, LIMITED, LIMITED), "shop: limited"),
    ],
)
def test_a_baseline_is_met_by_good_looks_for_long_enough(
    healths: tuple[Health, ...], missing: str
) -> None:
    """
    A rate limit neither begins nor breaks a good spell, and says nothing alone.
    """
    assert baseline_missing(looked(*healths), [PROBE], 3.0, now=3.0) == missing


@pytest.mark.parametrize(
    ("healths", "down_s"),
    [((), 0.0), ((OK, DOWN, DOWN), 4.0), ((DOWN, DOWN), 5.0), ((DOWN, OK), 0.0)],
)
def test_down_is_counted_without_a_break(healths: tuple[Health, ...], down_s: float) -> None:
    """
    From the first look of the last spell, also where it was down from the beginning.
    """
    assert down_for(looked(*healths).columns("shop"), now=5.0) == down_s
