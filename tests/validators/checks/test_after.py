"""How soon all is good again, judged over hand-made journals."""

import pytest

from drill.events import FaultChange
from tests.validators.checks.faulted import FAIL, IN_FORCE, PASS, UNSURE, Seen, faulted, seen
from validators.checks.after import RecoversWithin

WITHIN_5S = RecoversWithin.model_validate({"probes": ["shop"], "limit": "5s", "stable_for": "2s"})
DURING = "gggggggggg" + "dddddddddd"


@pytest.mark.parametrize(
    ("looks", "expected", "words"),
    [
        ("ddgggggg", PASS, "good again 2.100 s after the heal, limit 5s, slowest shop"),
        ("ddddd-gggg", UNSURE, "between 4.000 s and 6.100 s after the heal; the limit 5s lies"),
        ("dddddddggg", FAIL, "shop came back 7.100 s after the heal, limit 5s"),
        ("ddddddddddd", FAIL, "shop was not good for 2s within 5s of the heal"),
        ("", UNSURE, "shop was not looked at after the heal"),
    ],
)
def test_a_recovery_is_in_time_by_interval(looks: str, expected: Seen, words: str) -> None:
    """
    In time, in doubt, late, never and not looked at: each is told apart.
    """
    found = WITHIN_5S.judge(faulted(shop=DURING + looks))

    assert (seen(found), words in found.reason) == (expected, True), found.reason


def test_what_was_never_bad_had_nothing_to_recover() -> None:
    """
    A probe that stayed good passes, and the reason says that it shows no recovery.
    """
    found = WITHIN_5S.judge(faulted(shop="g" * 30))

    assert (seen(found), "nothing to recover" in found.reason) == (PASS, True)


def test_the_clock_starts_when_the_last_fault_is_gone() -> None:
    """
    One fault that was healed does not start it while another was not seen to be.
    """
    other = FaultChange(11.0, "f2", "intent")
    healed = FaultChange(20.0, "f1", "healed")

    found = WITHIN_5S.judge(faulted(*IN_FORCE, other, healed, shop=DURING + "g" * 9))

    assert (seen(found), "no clock started" in found.reason) == (UNSURE, True)
