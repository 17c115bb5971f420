"""What the people's side of a drill promises, in virtual time."""

import anyio
import pytest

from drill.events import MomentSet, SlaJudged
from drill.incident import Acted, Escalated
from experiments.control import Refused, Word
from experiments.incident import OutOfOrder
from tests.experiments.conftest import SCENARIO
from tests.experiments.people import Peopled

DETECT = "detect: [{alert: Wrong, within: 30s}]\n"
WHOLE = (
    SCENARIO
    + DETECT
    + """\
time_scale: 60
respond:
  - {when: detected, after: 2m, do: acknowledge}
  - {when: acknowledged, do: contain.disable_feature, feature: checkout}
  - {when: contained, after: 4m, do: resolve.heal}
"""
)
ESCALATING = (
    SCENARIO.replace("severity: 1", "severity: 2").replace("for: 20s", "for: 60s")
    + DETECT
    + """\
time_scale: 60
respond:
  - {when: escalated, after: 1m, do: acknowledge, role: technical-lead}
"""
)
PEOPLE = (
    SCENARIO
    + DETECT
    + """\
respond:
  - {when: detected, do: acknowledge, by: people}
  - {when: acknowledged, do: contain.disable_feature, feature: checkout, by: people}
  - {when: contained, do: resolve.heal, by: people}
"""
)


def moments(drill: Peopled) -> dict[str, MomentSet]:
    return {moment.name: moment for moment in drill.journal.every(MomentSet)}


def clocks(drill: Peopled) -> dict[str, SlaJudged]:
    return {clock.name: clock for clock in drill.journal.every(SlaJudged)}


def test_the_acts_of_the_plan_follow_each_other_on_the_playbooks_clock() -> None:
    """
    Two of the playbook's minutes at a scale of sixty are two seconds, and every moment is set.
    """
    drill = Peopled(WHOLE)

    drill.run()

    reached = moments(drill)
    assert reached["acknowledged"].t - reached["detected"].t == pytest.approx(2.0, abs=0.01)
    assert reached["resolved"].t - reached["contained"].t == pytest.approx(4.0, abs=0.01)
    assert reached["acknowledged"].role == "incident-commander"
    assert drill.hands.done[:2] == ["checkout off", "end faults"]


def test_resolving_ends_the_fault_before_its_time_is_over() -> None:
    """
    A fault of twenty seconds is healed when the incident is resolved after eight.
    """
    drill = Peopled(WHOLE)

    drill.run()

    reached = moments(drill)
    assert reached["healed"].t - reached["effective"].t < 10
    assert drill.states()[-1] == "healed"


def test_containment_is_put_back_when_the_incident_is_over() -> None:
    """
    The feature is on again, its undo is no longer owed, and the journal says so.
    """
    drill = Peopled(WHOLE)

    drill.run()

    assert drill.hands.flags == {"checkout": True}
    assert drill.intents.owed == {}
    states = [act.state for act in drill.journal.every(Acted) if act.do.startswith("contain")]
    assert states == ["begun", "done", "undoing", "undone"]


def test_the_undo_is_written_before_the_act() -> None:
    """
    When switching the feature off fails, the way back is on the engine already.
    """
    drill = Peopled(WHOLE)
    drill.hands.fails = {"checkout off": 1}
    seen: list[dict[str, str]] = []
    forget = drill.intents.forget

    async def remember(act: str) -> None:
        seen.append(dict(drill.intents.owed))
        await forget(act)

    drill.intents.forget = remember  # type: ignore[method-assign]

    drill.run()

    assert seen
    assert '"feature": "checkout"' in next(iter(seen[0].values()))
    assert drill.hands.flags == {"checkout": True}


def test_an_undo_that_fails_is_tried_again() -> None:
    """
    Two failures of switching the feature on again do not leave it off.
    """
    drill = Peopled(WHOLE)
    drill.hands.fails = {"checkout on": 2}

    drill.run()

    assert drill.hands.flags == {"checkout": True}
    states = [act.state for act in drill.journal.every(Acted) if act.do.startswith("contain")]
    assert states.count("undo_failed") == 2
    assert states[-1] == "undone"


def test_an_abort_puts_containment_back() -> None:
    """
    Ctrl-C after the feature was switched off switches it on again.
    """
    drill = Peopled(WHOLE)

    async def stop(_: object) -> None:
        await drill.incident.reached("contained")
        drill.control.abort("stopped by SIGINT")

    drill.meanwhile = stop

    drill.run()

    assert drill.hands.flags == {"checkout": True}
    assert drill.intents.owed == {}


def test_a_late_acknowledgement_misses_the_playbooks_limit() -> None:
    """
    Sixteen of the playbook's minutes are over the fifteen of severity 1, in real seconds too.
    """
    late = WHOLE.replace("after: 2m", "after: 16m").replace("for: 20s", "for: 60s")
    drill = Peopled(late)

    drill.run()

    clock = clocks(drill)["acknowledge"]
    assert clock.status == "missed"
    assert clock.limit_s == 15.0
    assert clock.playbook_limit_s == 900.0
    assert clock.measured_s == pytest.approx(16.0, abs=0.01)


def test_nobody_answering_pages_the_next_role() -> None:
    """
    Fifteen of the playbook's minutes after detection the technical lead is paged, and answers.
    """
    drill = Peopled(ESCALATING)

    drill.run()

    escalated = drill.first(Escalated)
    assert escalated.t - moments(drill)["detected"].t == pytest.approx(15.0, abs=0.01)
    assert drill.teller.paged == ["technical-lead"]
    assert moments(drill)["acknowledged"].role == "technical-lead"
    assert clocks(drill)["acknowledge"].status == "met"


def test_an_acknowledged_incident_pages_nobody() -> None:
    """
    Escalation stops at the acknowledgement.
    """
    drill = Peopled(WHOLE)

    drill.run()

    assert drill.journal.first(Escalated) is None


def test_what_is_never_detected_is_missing_and_not_zero() -> None:
    """
    Without detection no clock has started, and the drill still ends.
    """
    drill = Peopled(WHOLE, detects=None)

    drill.run()

    assert "acknowledged" not in moments(drill)
    assert clocks(drill)["acknowledge"].status == "missing"
    assert clocks(drill)["acknowledge"].measured_s is None


def test_people_set_the_moments_by_what_they_say() -> None:
    """
    Acknowledge, contain and resolve in that order carry out the plan's acts in their names.
    """
    drill = Peopled(PEOPLE)

    async def people(_: object) -> None:
        await drill.incident.reached("detected")
        for say in ("acknowledge", "contain", "resolve"):
            await anyio.sleep(1)
            await drill.control.say(Word(say, "engineer-on-call", "command"))

    drill.meanwhile = people

    drill.run()

    reached = moments(drill)
    assert [reached[name].actor for name in ("acknowledged", "contained", "resolved")] == [
        "engineer-on-call"
    ] * 3
    assert reached["resolved"].role == "technical-lead"
    assert "checkout off" in drill.hands.done
    assert drill.hands.flags == {"checkout": True}


@pytest.mark.parametrize(
    ("word", "error", "reason"),
    [
        (Word("resolve", "ada", "page"), OutOfOrder, "has not been acknowledged"),
        (Word("contain", "ada", "page"), OutOfOrder, "has not been acknowledged"),
        (Word("update", "ada", "page"), Refused, "needs a text"),
        (Word("acknowledge", " ", "page"), Refused, "say who you are"),
        (Word("acknowledge", "ada", "page", role="technical-laed"), Refused, "technical-lead"),
    ],
)
def test_what_cannot_be_taken_now_is_refused_with_its_reason(
    word: Word, error: type[Exception], reason: str
) -> None:
    """
    Nothing is set by a word that comes too early, has no actor or names a role nobody knows.
    """
    drill = Peopled(PEOPLE)
    caught: list[BaseException] = []

    async def people(_: object) -> None:
        await drill.incident.reached("detected")
        try:
            await drill.control.say(word)
        except (Refused, OutOfOrder) as problem:
            caught.append(problem)

    drill.meanwhile = people

    drill.run()

    assert isinstance(caught[0], error)
    assert reason in str(caught[0])
    assert not {"acknowledged", "contained", "resolved"} & set(moments(drill))


def test_nobody_can_speak_while_there_is_no_incident() -> None:
    """
    Before the first fault, words are refused.
    """
    drill = Peopled(PEOPLE)
    caught: list[str] = []

    async def people(_: object) -> None:
        try:
            await drill.control.say(Word("acknowledge", "ada", "command"))
        except Refused as problem:
            caught.append(str(problem))

    drill.meanwhile = people

    drill.run()

    assert "no incident now" in caught[0]
