"""Moments are read from observations, and the truth is never outside their bounds."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from drill.events import FaultChange, Observation
from drill.journal import Columns, Journal
from drill.moments import counts, impact, outages, percentiles, recovery
from drill.verdict import Health

OK, DEGRADED, LIMITED, DOWN = Health
Look = tuple[float, float, Health]


def columns(*looks: Look) -> Columns:
    """Columns of looks given as (sent, got, health)."""
    made = Columns()
    for sent, got, health in looks:
        made.add(Observation("shop", sent, sent, got, health))
    return made


@dataclass(frozen=True)
class Launch:
    """One simulated request: when it is sent, when the server decides, when the answer is here."""

    sent: float
    decided: float
    got: float
    mode: str


@st.composite
def launches(draw: st.DrawFn) -> list[Launch]:
    """Requests at arbitrary times with arbitrary, overlapping latencies."""
    made = []
    for sent in draw(st.lists(st.integers(0, 12_000), min_size=1, max_size=40)):
        thinking, travel = draw(st.integers(0, 900)), draw(st.integers(0, 400))
        mode = draw(st.sampled_from(["status", "refused", "held", "released", "limited"]))
        start = sent / 1000
        decided = start if mode == "refused" else start + thinking / 1000
        made.append(Launch(start, decided, decided + travel / 1000, mode))
    return made


def answer(launch: Launch, begin: float, end: float, deadline: float) -> Look:
    """What a server that is down in [begin, end) makes of one request."""
    inside = begin <= launch.decided < end
    if launch.mode == "limited":
        return launch.sent, launch.got, LIMITED
    if not inside:
        return launch.sent, launch.got, OK
    if launch.mode == "held":
        return launch.sent, max(launch.got, launch.sent + deadline), DOWN
    if launch.mode == "released" and end <= launch.sent + deadline:
        return launch.sent, end + (launch.got - launch.decided), OK
    return launch.sent, launch.got, DOWN


@given(launches(), st.integers(0, 12_000), st.integers(1, 6_000), st.data())
def test_truth_is_always_inside_the_interval(
    requests: list[Launch], begin_ms: int, length_ms: int, data: st.DataObject
) -> None:
    """The end of an outage lies after earliest and not after latest, whatever overtakes what."""
    begin, end = begin_ms / 1000, (begin_ms + length_ms) / 1000
    looks = [answer(request, begin, end, 0.8) for request in requests]
    looks.sort(key=lambda look: look[1])
    blocked = data.draw(st.booleans())
    heal_call = data.draw(st.integers(begin_ms, begin_ms + length_ms)) / 1000 if blocked else end
    seen = recovery(
        columns(*looks), heal_call=heal_call, healed=0, stable_for=0, blocked=blocked, until=99
    )
    if not any(health == DOWN for _, _, health in looks):
        assert seen.status == "never_bad"
    elif seen.status == "censored":
        assert seen.earliest is not None
        assert seen.earliest < end
        assert seen.value is None
        assert seen.latest is None
    else:
        assert seen.earliest is not None
        assert seen.latest is not None
        assert seen.earliest <= end <= seen.latest == seen.value


@given(launches(), st.integers(0, 12_000), st.integers(1, 6_000))
def test_the_onset_is_always_inside_the_interval(
    requests: list[Launch], begin_ms: int, length_ms: int
) -> None:
    """The beginning of an outage lies between the bounds of impact."""
    begin, end = begin_ms / 1000, (begin_ms + length_ms) / 1000
    journal = Journal()
    journal.add(FaultChange(0, "pause", "intent"))
    looks = [answer(request, begin, end, 0.8) for request in requests]
    for sent, got, health in sorted(looks, key=lambda look: look[1]):
        journal.add(Observation("shop", sent, sent, got, health))
    found = impact(journal)
    assert (found is None) == (not any(health == DOWN for _, _, health in looks))
    if found:
        value, earliest, latest, probe = found
        assert earliest <= begin <= latest
        assert earliest <= value <= latest
        assert probe == "shop"


def test_recovery_is_the_first_good_answer_of_the_lasting_run() -> None:
    """A good answer that a later bad one refutes is not the recovery."""
    looks = columns(
        (0, 0.1, OK), (1, 1.1, DOWN), (2, 2.1, OK), (3, 3.1, DEGRADED), (4, 4.1, OK), (9, 9.1, OK)
    )
    seen = recovery(
        looks, probe="shop", heal_call=2, healed=2, stable_for=5, blocked=False, until=9
    )
    assert (seen.status, seen.value, seen.earliest, seen.latest) == ("recovered", 4.1, 3, 4.1)
    assert seen.probe == "shop"


def test_a_held_request_does_not_delay_the_recovery() -> None:
    """A request dropped by the outage that times out later leaves the value where it was."""
    looks = columns((1, 1.8, DOWN), (4, 4.01, OK), (3.98, 4.78, DOWN), (4.02, 4.03, OK))
    seen = recovery(looks, heal_call=3.9, healed=3.95, stable_for=1, blocked=True, until=6)
    assert (seen.value, seen.earliest) == (4.01, 3.98)


def test_heal_call_bounds_a_blocked_probe() -> None:
    """A probe that the fault blocked cannot have recovered before the heal was called."""
    looks = columns((0, 0.01, OK), (1, 1.8, DOWN), (4, 4.01, OK), (9, 9.1, OK))
    blocked, free = (
        recovery(looks, heal_call=3.9, healed=3.95, stable_for=1, blocked=way, until=9)
        for way in (True, False)
    )
    assert (blocked.earliest, free.earliest) == (3.9, 1)


def test_observations_overrule_a_wrong_claim_of_blocking() -> None:
    """A probe that recovered during the fault has recovered then."""
    looks = columns((1, 1.1, DOWN), (2, 2.1, OK), (3, 3.1, OK), (9, 9.1, OK))
    seen = recovery(looks, heal_call=8, healed=8.1, stable_for=1, blocked=True, until=10)
    assert (seen.value, seen.earliest) == (2.1, 1)


def test_a_run_that_was_not_watched_long_enough_is_censored() -> None:
    """Good for one second proves nothing about five."""
    looks = columns((1, 1.1, DOWN), (2, 2.1, OK), (3, 3.1, OK))
    seen = recovery(looks, heal_call=1, healed=1, stable_for=5, blocked=False, until=3.2)
    assert (seen.status, seen.value, seen.earliest) == ("censored", None, 1)


def test_a_run_with_a_late_enough_observation_has_lasted() -> None:
    """An observation one period before the end of the stable time is proof enough."""
    looks = columns((1, 1.1, DOWN), *((s, s + 0.1, OK) for s in (2.0, 3.0, 4.0, 5.0, 6.2)))
    seen = recovery(looks, heal_call=1, healed=1, stable_for=5, blocked=False, until=6.3)
    assert seen.status == "recovered"


def test_limited_is_neither_good_nor_bad() -> None:
    """A probe answered 429 neither breaks nor begins a good run."""
    looks = columns(
        (1, 1.1, DOWN), (2, 2.1, LIMITED), (3, 3.1, OK), (4, 4.1, LIMITED), (5, 5.1, OK)
    )
    seen = recovery(looks, heal_call=1, healed=1, stable_for=2, blocked=False, until=9)
    assert seen.value == 3.1


def test_nobody_looked_after_the_heal() -> None:
    """Without an observation after the heal there is no statement."""
    looks = columns((1, 1.1, DOWN))
    seen = recovery(looks, heal_call=2, healed=2, stable_for=2, blocked=False, until=9)
    assert seen.status == "missing"
    empty = recovery(Columns(), heal_call=2, healed=2, stable_for=2, blocked=False, until=9)
    assert empty.status == "missing"


def test_badness_before_the_fault_does_not_count() -> None:
    """What was over before the first fault is no outage of this drill."""
    looks = columns((1, 1.1, DOWN), (6, 6.1, OK))
    seen = recovery(looks, heal_call=5, healed=5, stable_for=0, blocked=False, until=9, since=3)
    assert seen.status == "never_bad"


def test_impact_needs_a_fault() -> None:
    """Badness without an injected fault is no impact."""
    journal = Journal()
    journal.add(Observation("shop", 1, 1, 1.1, DOWN))
    assert impact(journal) is None


def test_outages_are_spells_of_badness() -> None:
    """A spell runs from the first bad sending to the next good receipt, or is open."""
    looks = columns(
        (1, 1.1, OK), (3, 3.1, LIMITED), (2, 3.2, DOWN), (4, 4.1, OK), (5, 5.1, DEGRADED)
    )
    assert outages(looks) == [(2, 4.1), (5, None)]
    assert outages(columns((1, 1.1, OK), (2, 2.1, DOWN), (3, 3.1, OK))) == [(2, 3.1)]
    assert outages(columns((1, 1.1, OK))) == []


def test_counts_has_every_health() -> None:
    """No health is left out, even if it was never seen."""
    assert counts(columns((1, 2, OK), (2, 3, DOWN))) == {OK: 1, DEGRADED: 0, LIMITED: 0, DOWN: 1}


def test_percentiles_are_values_that_were_seen() -> None:
    """Nearest rank gives members of the sample, and the maximum for a share of one."""
    assert percentiles([3, 1, 2, 4], [0.5, 0.95, 1]) == [2, 4, 4]
    assert percentiles([], [0.5]) == [None]


def test_a_blip_after_a_lasting_run_is_an_outage_of_its_own() -> None:
    """A run that was good for as long as asked counts from its beginning."""
    columns = Columns()
    for k in range(40):
        at = float(k)
        bad = 5 <= k < 10 or k == 25
        health = Health.DOWN if bad else Health.OK
        columns.add(Observation("p", at, at, at + 0.01, health))

    found = recovery(
        columns, heal_call=9.5, healed=9.6, stable_for=5.0, blocked=True, until=40.0, since=4.5
    )

    assert (found.status, found.value, found.earliest) == ("recovered", 10.01, 9.5)
