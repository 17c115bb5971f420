"""The severity that was seen follows the playbook's rules, and guesses nothing."""

from hypothesis import given
from hypothesis import strategies as st

from drill.events import Observation
from drill.journal import Journal
from drill.rules import AnyRule, ErrorRate, FindingFailed, MeanLatency, ProbesBad
from drill.severity import severity_seen
from drill.verdict import Health

OK, DEGRADED, LIMITED, DOWN = Health
RULES: dict[str, list[AnyRule]] = {
    "1": [
        ProbesBad(["love-loops"], "down", 1, 2.0),
        ProbesBad(["love-loops", "shop"], "down", 0, 0.0),
        FindingFailed(["loses_nothing"]),
    ],
    "2": [
        ProbesBad(["shop"], "degraded", 1, 2.0),
        ErrorRate(["shop"], 0.01),
        MeanLatency(["shop"], 0.2),
    ],
    "3": [],
}


def journal(**looks: list[tuple[float, Health]]) -> Journal:
    """Looks of 10 ms each, as (sent, health), by probe."""
    made = Journal()
    for name, each in looks.items():
        for sent, health in each:
            made.add(Observation(name.replace("_", "-"), sent, sent, sent + 0.01, health))
    return made


def test_a_sacred_feature_down_for_long_enough_is_severity_1() -> None:
    """
    Two seconds down make it severity 1; one second does not.
    """
    long = journal(love_loops=[(1, DOWN), (2, DOWN), (3, DOWN), (4, OK)])
    short = journal(love_loops=[(1, DOWN), (2, DOWN), (3, OK)])

    assert severity_seen(long, RULES, since=0, failed=())[0] == 1
    assert severity_seen(short, RULES, since=0, failed=())[0] is None


def test_everything_down_at_once_is_severity_1() -> None:
    """
    All probes of the rule must be down at the same time, not one after the other.
    """
    together = journal(love_loops=[(1, DOWN), (2, OK)], shop=[(1, DOWN), (2, OK)])
    apart = journal(love_loops=[(1, DOWN), (2, OK)], shop=[(1, OK), (2, DOWN)])

    assert severity_seen(together, RULES, since=0, failed=())[0] == 1
    assert severity_seen(apart, RULES, since=0, failed=())[0] == 2


def test_a_failed_ledger_is_severity_1() -> None:
    """
    A finding that customers' data is at risk needs no bad probe.
    """
    seen, reason = severity_seen(journal(), RULES, since=0, failed={"loses_nothing"})

    assert seen == 1
    assert "customer data at risk" in reason


def test_slow_answers_are_severity_2() -> None:
    """
    A mean over the limit counts, though every answer was good.
    """
    slow = Journal()
    slow.add(Observation("shop", 1.0, 1.0, 1.5, OK))

    seen, reason = severity_seen(slow, RULES, since=0, failed=())

    assert seen == 2
    assert "500 ms on average" in reason


def test_what_no_rule_holds_stays_undecided() -> None:
    """
    Good observations prove no severity 3 and no 4.
    """
    seen, reason = severity_seen(journal(shop=[(1, OK)]), RULES, since=0, failed=())

    assert seen is None
    assert "cannot be told apart" in reason


def test_a_playbook_without_rules_says_that_it_has_none() -> None:
    """
    Where no severity has a rule the reason is the playbook's, not the observations'.
    """
    seen = severity_seen(journal(shop=[(1, DOWN)]), {"1": [], "2": []}, since=0, failed=())

    assert seen == (None, "the playbook has no rule that observations could decide")


def test_what_happened_before_the_fault_does_not_count() -> None:
    """
    An outage that was over when the first fault was injected is not this drill's.
    """
    early = journal(love_loops=[(1, DOWN), (4, DOWN), (5, OK)])

    assert severity_seen(early, RULES, since=4.5, failed=())[0] is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(list(Health))), max_size=30),
    st.sampled_from(["love_loops", "shop"]),
)
def test_another_bad_look_never_makes_it_milder(
    looks: list[tuple[int, Health]], probe: str
) -> None:
    """
    Turning every look at one probe into down never raises the number of the severity.
    """
    given_looks = [(float(sent), health) for sent, health in looks]
    before = journal(**{probe: given_looks})
    after = journal(**{probe: [(sent, DOWN) for sent, _ in given_looks]})

    mild = severity_seen(before, RULES, since=0, failed=())[0] or 5
    grave = severity_seen(after, RULES, since=0, failed=())[0] or 5

    assert grave <= mild
