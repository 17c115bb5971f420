"""What must hold while a fault is in force, judged over hand-made journals."""

import pytest

from drill.events import Aborted
from tests.validators.checks.faulted import BLIND, FAIL, PASS, UNSURE, Seen, faulted, seen
from validators.checks.during import DegradesGracefully, StaysAvailable

STAYS = StaysAvailable(probes=("shop",))
DEGRADES = DegradesGracefully(probes=("shop",))
BEFORE = "gggggggggg"


@pytest.mark.parametrize(
    ("looks", "expected", "words"),
    [
        ("ggggrrrggg", PASS, "never down in 10 looks"),
        ("ggggldgggg", FAIL, "down in 1 of 10 looks, first at +5.0 s from the fault: down"),
        ("llllllllll", BLIND, "only ever answered with a rate limit"),
        ("----------", UNSURE, "shop was not looked at during the fault"),
    ],
)
def test_available_is_never_down_and_was_looked_at(looks: str, expected: Seen, words: str) -> None:
    """
    Slow is borne, down is not; a rate limit or no look at all shows nothing.
    """
    found = STAYS.judge(faulted(shop=BEFORE + looks))

    assert (seen(found), words in found.reason) == (expected, True), found.reason


@pytest.mark.parametrize(
    ("looks", "expected", "words"),
    [
        ("gggrrrrrrg", PASS, "reduced in 6 of 10 looks, never down"),
        ("gggrrrrdrg", FAIL, "down in 1 of 10 looks, first at +7.0 s from the fault: down"),
        ("gggggggggg", BLIND, "never seen reduced in 10 looks"),
        ("----------", UNSURE, "shop was not looked at during the fault"),
    ],
)
def test_graceful_is_seen_reduced_and_never_down(looks: str, expected: Seen, words: str) -> None:
    """
    A probe that stayed good shows nothing of how it degrades.
    """
    found = DEGRADES.judge(faulted(shop=BEFORE + looks))

    assert (seen(found), words in found.reason) == (expected, True), found.reason


@pytest.mark.parametrize("check", [STAYS, DEGRADES])
def test_without_a_fault_nothing_was_put_to_the_test(
    check: StaysAvailable | DegradesGracefully,
) -> None:
    """
    Ten good looks of a drill that injected nothing pass no promise about faults.
    """
    found = check.judge(faulted(Aborted(5.0, "SIGTERM"), shop=BEFORE))

    assert (seen(found), "no fault was injected" in found.reason) == (UNSURE, True)
