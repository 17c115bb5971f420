"""A clock says what was measured, and nothing where an end is missing."""

from hypothesis import given
from hypothesis import strategies as st

from drill.clocks import clock, playbook_clocks
from drill.events import MomentSet
from drill.incident import IncidentPlanned, PlannedAct
from drill.journal import Journal

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


def test_people_have_their_clocks_where_no_alert_was_promised() -> None:
    """
    A drill of acts alone has no clock for detection: nothing there could have been late.
    """
    acts = [PlannedAct("1", "contain.isolate", "contained", "detected", 0.0, "auto", "lead")]
    journal = Journal()
    journal.add(IncidentPlanned(0.0, "p", 60.0, 900.0, None, {}, {}, acts=acts))
    moments = {"detected": moment(5), "acknowledged": moment(10)}

    clocks = {one.name: one for one in playbook_clocks(journal, moments, until=30.0)}

    assert {name: one.status for name, one in clocks.items()} == {
        "acknowledge": "met",
        "contain": "censored",
    }
    assert (clocks["acknowledge"].limit_s, clocks["acknowledge"].playbook_limit_s) == (15.0, 900.0)
