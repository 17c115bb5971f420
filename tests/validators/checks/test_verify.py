"""`works_now` fails for what does not work, and not for one slow look."""

import pytest

from drill.events import Observation
from drill.journal import Journal
from drill.verdict import Health, Verdict
from validators.checks.verify import WorksNow

OK, DEGRADED, LIMITED, DOWN = Health


def verdict(*healths: Health, settled: bool = False) -> Verdict:
    journal = Journal()
    for second, health in enumerate(healths):
        journal.add(Observation("shop", second, second, second + 0.01, health, health.word))
    check = WorksNow(check="works_now", probes=("shop",), settled=settled)
    return check.judge(journal).verdict


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ((OK, OK, OK, OK), Verdict.PASS),
        ((OK, DEGRADED, OK, OK), Verdict.PASS),
        ((OK, DEGRADED, DEGRADED, OK), Verdict.FAIL),
        ((OK, OK, OK, DEGRADED), Verdict.FAIL),
        ((OK, DOWN, OK, OK), Verdict.FAIL),
        ((DEGRADED,), Verdict.FAIL),
        ((OK, LIMITED, OK, OK), Verdict.UNKNOWN),
        ((), Verdict.UNKNOWN),
    ],
)
def test_a_few_slow_looks_are_told_and_what_is_down_fails(
    healths: tuple[Health, ...], expected: Verdict
) -> None:
    """
    A quarter of slow looks is borne, one that is down is not, and no look is no evidence.
    """
    assert verdict(*healths) is expected


def test_after_a_recovery_only_its_end_counts() -> None:
    """
    `--since` looks until all is good: what was bad before that is the recovery's own story.
    """
    assert verdict(DOWN, DOWN, OK, OK, settled=True) is Verdict.PASS
    assert verdict(OK, OK, settled=True) is Verdict.PASS
    assert verdict(DOWN, OK, DOWN, OK, settled=True) is Verdict.FAIL
    assert verdict(OK, OK, DOWN, settled=True) is Verdict.FAIL
