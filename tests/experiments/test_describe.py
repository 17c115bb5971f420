"""What `drill plan` prints of the people's side."""

from experiments.describe import describe
from tests.experiments.conftest import plan_of
from tests.experiments.test_responding import PEOPLE, WHOLE


def test_a_plan_says_who_answers_how_and_who_is_told() -> None:
    """
    Detection, each act with its role and its time, escalation, and every audience's cadence.
    """
    lines = [" ".join(line.split()) for line in describe(plan_of(WHOLE))]

    for line in (
        "detect Wrong by alertmanager, within 30s",
        "a1 acknowledge (incident-commander), 2m after detected",
        "a2 contain.disable_feature (technical-lead), once acknowledged",
        "escalate to technical-lead when nobody acknowledged for 15m",
        "tell internal by slack, at once, then every 1h until it is resolved",
        "tell stakeholders by email, a summary within 24h of the resolution",
        "clock one second here is 60 s of the playbook",
    ):
        assert line in lines, line


def test_what_people_decide_is_told_as_theirs_and_real_time_has_no_scale() -> None:
    """
    A game day's acts say by whom, and a drill in real time speaks of one clock.
    """
    lines = [" ".join(line.split()) for line in describe(plan_of(PEOPLE))]

    assert "a1 acknowledge (incident-commander, by people), once detected" in lines
    assert not [line for line in lines if line.startswith("clock")]
