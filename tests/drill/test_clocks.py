"""A clock says what was measured, and nothing where an end is missing."""

from hypothesis import given
from hypothesis import strategies as st

from drill.clocks import clock
from drill.events import MomentSet

TIMES = st.floats(0, 1e6)


def moment(t: float, spread: float = 0.0) -> MomentSet:
    return MomentSet(t=t, name="x", earliest=t - spread, latest=t + spread, source="test")


def test_a_clock_without_its_start_is_missing() -> None:
    """
    Nothing was detected, so nothing can have been in time; the measure is none, not zero.
    """
    judged = clock("acknowledge", 900.0, None, moment(5), until=9)

    assert (judged.status, judged.measured_s) == ("missing", None)


def test_a_clock_still_running_is_censored_until_its_limit() -> None:
    """
    Before the limit nobody knows; past the limit it has been missed.
    """
    assert clock("resolve", 10.0, moment(0), None, until=9).status == "censored"
    assert clock("resolve", 10.0, moment(0), None, until=11).status == "missed"


@given(TIMES, TIMES, st.floats(0, 10), st.floats(0, 10), st.floats(0, 1e6))
def test_the_measure_lies_between_its_bounds(
    start: float, took: float, loose: float, late: float, limit: float
) -> None:
    """
    Whatever the bounds of both ends, the measure is inside, and never negative.
    """
    judged = clock("x", limit, moment(start, loose), moment(start + took, late), until=2e6)

    assert judged.measured_s is not None
    assert judged.earliest_s is not None
    assert judged.latest_s is not None
    assert 0 <= judged.earliest_s <= judged.measured_s + 1e-9
    assert judged.measured_s <= judged.latest_s + 1e-9
