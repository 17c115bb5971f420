"""A recovery check says since when, and no more than it saw."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.errors import BadInput
from drill.events import Observation, Planned, PlannedProbe
from drill.journal import Journal
from drill.verdict import Health, Verdict
from experiments.since import back_since, moments_since, parse_limit, parse_since, past_saving
from validators.checks.since import RecoveredInTime

OK, DEGRADED, LIMITED, DOWN = Health
NOW = 1_790_000_000.0
LOOKS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(list(Health))), max_size=20)


def journal(**looks: list[tuple[float, Health]]) -> Journal:
    """Looks of 10 ms each, as (sent, health), by probe."""
    made = Journal()
    for name, each in looks.items():
        for sent, health in each:
            made.add(Observation(name, sent, sent, sent + 0.01, health))
    return made


def judged(made: Journal, probes: list[str], since: float, within: float | None) -> Verdict:
    probed = [PlannedProbe(name, "http", False, 1.0, 1.0) for name in probes]
    made.add(Planned(t=0, faults=[], probes=probed, checks=[], baseline_s=0))
    for moment in moments_since(back_since(made, probes, since), since):
        made.add(moment)
    check = RecoveredInTime.model_construct(check="recovered_in_time", within=within)
    return check.judge(made).verdict


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m", 600.0),
        ("1h30m", 5400.0),
        (dt.datetime.fromtimestamp(NOW - 90, dt.UTC).isoformat(), 90.0),
    ],
)
def test_a_moment_is_a_duration_ago_or_a_time_with_its_zone(text: str, ago: float) -> None:
    """
    Both ways give the same seconds.
    """
    assert NOW - parse_since(text, NOW) == pytest.approx(ago)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "this is no moment"),
        ("10", "this is no moment"),
        ("2026-09-21T13:33:20", "time zone is missing"),
        ("2030-01-01T00:00:00Z", "from now"),
        ("2020-01-01T00:00:00Z", "more than a week ago"),
    ],
)
def test_a_moment_that_is_none_is_refused_with_the_way_out(text: str, reason: str) -> None:
    """
    What cannot be measured from is refused before anything is looked at.
    """
    with pytest.raises(BadInput, match=reason):
        parse_since(text, NOW)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_bad_input(text: str) -> None:
    """
    Never anything but seconds of the last week, or a BadInput.
    """
    try:
        moment = parse_since(text, NOW)
    except BadInput:
        return
    assert NOW - 7 * 24 * 3600 <= moment <= NOW


def test_a_limit_needs_a_moment() -> None:
    """
    `--within` alone counts from nothing.
    """
    with pytest.raises(BadInput, match="needs --since"):
        parse_limit("1h", None)


def test_a_limit_is_a_duration_or_bad_input() -> None:
    """
    None where nobody asked for one, seconds where somebody did, and a reason for anything else.
    """
    assert parse_limit(None, "10m") is None
    assert parse_limit("90s", "10m") == 90.0
    with pytest.raises(BadInput, match="--within soon: 'soon' is no duration"):
        parse_limit("soon", "10m")


def test_what_was_good_at_the_first_look_is_an_interval() -> None:
    """
    Nobody looked before, so it came back between the given moment and our first answer.
    """
    back = back_since(journal(shop=[(1.0, OK)]), ["shop"], -60.0)

    assert back is not None
    assert (back[0].earliest, back[0].latest) == (-60.0, 1.01)


def test_a_limit_inside_the_interval_is_unknown() -> None:
    """
    Good at the first look, 61 s after the moment: within 30 s nobody can say.
    """
    good = [(1.0, OK), (2.0, OK)]

    assert judged(journal(shop=good), ["shop"], -60.0, 30.0) is Verdict.UNKNOWN
    assert judged(journal(shop=good), ["shop"], -60.0, 90.0) is Verdict.PASS
    assert judged(journal(shop=good), ["shop"], -60.0, None) is Verdict.PASS


def test_a_recovery_seen_too_late_fails() -> None:
    """
    Bad at 20 s of our look, so not good within 70 s of a moment a minute before it.
    """
    late = [(1.0, DOWN), (20.0, DOWN), (21.0, OK)]

    assert judged(journal(shop=late), ["shop"], -60.0, 70.0) is Verdict.FAIL


def test_what_is_not_good_now_fails() -> None:
    """
    One probe that is still down is no recovery, and one never looked at leaves it unknown.
    """
    assert judged(journal(shop=[(1.0, OK)], love=[(1.0, DOWN)]), ["shop", "love"], -5, None) is (
        Verdict.FAIL
    )
    assert judged(journal(shop=[(1.0, OK)]), ["shop", "love"], -5.0, None) is Verdict.UNKNOWN


@given(LOOKS, st.floats(-1000, 0))
def test_the_bounds_are_in_order(looks: list[tuple[int, Health]], since: float) -> None:
    """
    Whatever was seen, the earliest is not before the moment and not after the latest.
    """
    for one in back_since(journal(shop=[(float(s), h) for s, h in looks]), ["shop"], since) or ():
        assert since <= one.earliest <= one.latest


@pytest.mark.parametrize(
    ("last", "saved"),
    [
        ([(1, OK), (9, DOWN)], True),
        ([(1, OK), (9, DOWN), (11, OK)], True),
        ([(1, OK), (9, OK), (11, LIMITED)], True),
        ([(1, OK), (11, DOWN)], False),
        ([(1, DOWN), (11, DEGRADED)], False),
    ],
)
def test_what_is_bad_after_the_limit_ends_the_wait(
    last: list[tuple[float, Health]], saved: bool
) -> None:
    """
    A recovery check waits no longer once nothing can be in time, and all have been seen.
    """
    made = journal(shop=[(8, OK)], slow=last)

    assert past_saving(made, ["shop", "slow"], 10) is not saved
    assert not past_saving(made, ["shop", "slow", "never seen"], 10)
