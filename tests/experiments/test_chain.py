"""What a chain can keep, and what not."""

import pytest

from drill.incident import (
    ChainSeen,
    PlannedDetection,
)
from experiments.chain import chain_problems, chain_s

ALERT = "PaystackUnreachable"
SLOW = (
    f"{ALERT} within 10s: its chain takes up to 34s "
    "(scrape 1s + evaluation 1s + `for` 2s + group wait 30s)"
)


@pytest.mark.parametrize(
    ("parts", "s"),
    [((1, 1, 2, 0), 4), ((60, 60, 90, 30), 270), ((1, 15, 20, 0), 46), ((1, 1, 0, 0), 2)],
)
def test_the_slowest_chain_is_the_sum_with_for_rounded_up(
    parts: tuple[float, float, float, float], s: float
) -> None:
    """Scrape, evaluation, `for` up to the next evaluation, and the group's wait."""
    assert chain_s(*parts) == s


def chain(**fields: object) -> ChainSeen:
    parts: dict[str, object] = {"scrape_s": 1.0, "evaluation_s": 1.0, "for_s": 2.0}
    return ChainSeen(0.0, ALERT, "prometheus", present=True, **{**parts, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("promise", "seen", "problems"),
    [
        (PlannedDetection(ALERT, "alertmanager", 4.0), chain(), []),
        (
            PlannedDetection(ALERT, "alertmanager", 10.0),
            chain(group_wait_s=30.0),
            [(0, SLOW)],
        ),
        (PlannedDetection(ALERT, "sentry", 1.0), chain(), []),
        (PlannedDetection("Other", "prometheus", 1.0), chain(), []),
        (PlannedDetection(ALERT, "prometheus", 1.0), chain(for_s=None), []),
    ],
)
def test_a_promise_that_its_chain_cannot_keep_is_a_problem(
    promise: PlannedDetection, seen: ChainSeen, problems: list[tuple[int, str]]
) -> None:
    """It is told with its sum; what is not known to be slow is no problem of the plan."""
    assert list(chain_problems([promise], [seen])) == problems
