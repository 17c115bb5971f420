"""When messages are due."""

import math
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from drill.incident import PlannedMessages
from experiments.comms.cadence import Due, dues, summary_limit, update_at

SCALES = st.floats(1, 3600)
TIMES = st.floats(0, 1000)


def updates(first_s: float = 0.0, every_s: float = 3600.0) -> PlannedMessages:
    """A promise of updates."""
    return PlannedMessages("slack", "internal", "#x", "lead", 300.0, first_s, every_s)


SUMMARY = PlannedMessages("email", "stakeholders", "", "lead", 300.0, within_s=86400.0)


def test_a_sev_one_at_600_times_the_speed() -> None:
    """At once, then every six seconds, and the final at resolution: hourly, compressed."""
    found = dues(updates(), 600.0, detected=10.0, resolved=25.0, until=100.0)
    assert [(due.kind, due.at) for due in found] == [
        ("first", 10.0),
        ("update", 16.0),
        ("update", 22.0),
        ("final", 25.0),
    ]


@given(
    scale=SCALES,
    every_s=st.floats(60, 7200),
    first_s=st.floats(0, 600),
    detected=TIMES,
    lasts=TIMES,
)
def test_no_two_updates_are_due_closer_than_the_cadence(
    scale: float, every_s: float, first_s: float, detected: float, lasts: float
) -> None:
    """Only the final may follow sooner, as it follows the resolution."""
    found = dues(
        updates(first_s, every_s),
        scale,
        detected=detected,
        resolved=detected + lasts,
        until=detected + lasts + 100,
    )
    before = [due.at for due in found if due.kind != "final"]
    assert all(b - a > every_s / scale - 1e-6 for a, b in pairwise(before))
    assert [due.kind for due in found].count("first") <= 1
    assert all(due.kind == "update" for due in found[1:-1])


@given(scale=SCALES, detected=TIMES, lasts=TIMES, after=TIMES)
def test_the_final_is_the_last_and_there_is_exactly_one(
    scale: float, detected: float, lasts: float, after: float
) -> None:
    """Nothing is due after the resolution, however long one looks."""
    resolved = detected + lasts
    found = dues(updates(), scale, detected=detected, resolved=resolved, until=resolved + after)
    assert found[-1] == Due("final", resolved)
    assert [due.kind for due in found].count("final") == 1
    assert all(due.at < resolved for due in found[:-1])


@given(
    scale=SCALES, every_s=st.floats(60, 7200), first_s=st.floats(0, 600), lasts=st.floats(0.1, 1000)
)
def test_the_count_is_right_at_any_scale(
    scale: float, every_s: float, first_s: float, lasts: float
) -> None:
    """As many updates as whole cadences fit on the playbook's clock, and the first."""
    fits = (lasts * scale - first_s) / every_s
    assume(abs(fits - round(fits)) > 1e-6)  # where one falls on the end itself, either is right
    found = dues(updates(first_s, every_s), scale, detected=5.0, resolved=None, until=5.0 + lasts)
    assert len(found) == min(10_000, max(0, math.floor(fits) + 1))


@given(scale=SCALES, detected=TIMES, index=st.integers(0, 500))
def test_one_by_one_gives_what_all_together_gives(
    scale: float, detected: float, index: int
) -> None:
    """The sender, which knows no end yet, and the list agree."""
    one = update_at(updates(), scale, detected, index)
    found = dues(updates(), scale, detected=detected, resolved=None, until=one.at)
    assert found[-1] == one


def test_nothing_is_due_of_a_summary_before_the_resolution() -> None:
    """A summary is due from the resolution on, within its limit on the playbook's clock."""
    assert dues(SUMMARY, 600.0, detected=1.0, resolved=None, until=1e6) == []
    found = dues(SUMMARY, 600.0, detected=1.0, resolved=9.0, until=1e6)
    assert [(due.kind, due.at) for due in found] == [("summary", 9.0)]
    assert summary_limit(SUMMARY, 600.0, 9.0) == 9.0 + 144.0


def test_an_incident_over_before_its_first_message_has_only_a_final() -> None:
    """A first message that waits is not sent after the resolution."""
    found = dues(updates(600.0), 1.0, detected=0.0, resolved=300.0, until=1e4)
    assert [due.kind for due in found] == ["final"]
