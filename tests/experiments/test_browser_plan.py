"""What the plan of a browser's fault tells, and what it refuses."""

import pytest

from drill.errors import BadInput
from experiments.describe import describe
from tests.experiments.conftest import plan_of
from tests.experiments.test_browser_faults import JOURNEYS, SCENARIO

LINE = "  - {fault: browser.block, host: js.paystack.co, at: 1s, for: 20s}\n"


def test_the_plan_tells_what_is_met_and_how() -> None:
    """
    `drill plan` names the hosts that a pattern means, the way in and out, and who feels nothing.
    """
    plan = plan_of(SCENARIO.replace("js.paystack.co", "'*.paystack.co'"), journeys=JOURNEYS)

    lines = [" ".join(line.split()) for line in describe(plan)]

    for line in (
        "f1 browser.block on chromium to *.paystack.co, at 1s, for 20s",
        "in by: Playwright's routes in every context of the journeys' own Chromium",
        (
            "note browser.block meets requests of the journeys' Chromium to api.paystack.co,"
            " js.paystack.co; whoever buys without a browser meets nothing of it"
        ),
    ):
        assert line in lines, line


UNKNOWN = "is no host of `outside` or of a journey's `resolve`"
STATUS_TOO = LINE + LINE.replace("browser.block", "browser.status")
REFUSED = {
    "a misspelt host": (
        ("js.paystack.co", "js.paystak.co"),
        f"6: faults.1.host: 'js.paystak.co' {UNKNOWN}; did you mean 'js.paystack.co'?",
    ),
    "a strange host": (
        ("js.paystack.co", "example.com"),
        f"6: faults.1.host: 'example.com' {UNKNOWN}; there are api.paystack.co, js.paystack.co",
    ),
    "an address": (
        ("js.paystack.co", "'https://js.paystack.co'"),
        "6: faults.1.host: string should match pattern",
    ),
    "another fault's field": (("for: 20s", "delay: 10s"), "6: faults.1.delay: unknown field"),
    "no end": ((", for: 20s", ""), "6: faults.1: browser.block needs `for`, such as `for: 20s`"),
    "late for ever": (
        ("block, host: js.paystack.co", "slow, host: js.paystack.co, delay: 30s"),
        "6: faults.1.delay: longer than `for`, at whose end whatever waits is let go",
    ),
    "the same host twice": (
        (LINE, STATUS_TOO),
        (
            "7: faults.2: overlaps with fault 1: both are for js.paystack.co; let one end before"
            " the other begins"
        ),
    ),
    "a host and a pattern": (
        (LINE, STATUS_TOO.replace("status, host: js.paystack.co", "status, host: 'js.*'")),
        "7: faults.2: overlaps with fault 1: both are for js.paystack.co",
    ),
    "no journey": (
        ("[buying]", "[feature]"),
        (
            "6: faults.1.fault: browser.block is felt by journeys alone, and no check names one:"
            " name buying in `during` or `after`"
        ),
    ),
    "a misspelt fault": (("browser.block", "browser.blok"), "did you mean 'browser.block'?"),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=list(REFUSED))
def test_the_plan_refuses_with_place_and_way_out(change: tuple[str, str], said: str) -> None:
    """
    Whatever could not be felt, shown or told apart is named before anything is touched.
    """
    text = SCENARIO.replace(*change).replace("[journeys]", "[http]")

    with pytest.raises(BadInput) as refused:
        plan_of(text, journeys=JOURNEYS)

    assert said in str(refused.value)


def test_without_journeys_or_hosts_the_plan_says_so() -> None:
    """
    An environment that has neither is named as the reason.
    """
    text = SCENARIO.replace("[buying]", "[feature]").replace("[journeys]", "[http]")

    with pytest.raises(BadInput) as refused:
        plan_of(text, outside=[])

    assert "no check names one: this environment has none" in str(refused.value)
    assert "`resolve`; there are none" in str(refused.value)


def test_one_after_the_other_and_different_hosts_at_once_are_fine() -> None:
    """
    Only two rules for one host at one time are ambiguous.
    """
    later = LINE.replace("at: 1s", "at: 30s")
    other = LINE.replace("js.paystack.co", "api.paystack.co")

    plan = plan_of(SCENARIO.replace(LINE, LINE + later + other), journeys=JOURNEYS)

    assert [each.id for each in plan.faults] == ["f1", "f2", "f3"]
