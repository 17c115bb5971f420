"""What people say to a running drill when the plan has no act for it, in virtual time."""

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

from drill.events import MomentSet, Note
from drill.incident import Acted
from experiments.control import Say, Word
from experiments.incident import Mark
from tests.experiments.conftest import SCENARIO
from tests.experiments.people import Peopled

DETECT = "detect: [{alert: Wrong, within: 30s}]\n"
ACTS = SCENARIO + DETECT + "respond:\n"
TAKEN = ACTS + "  - {when: detected, after: 8s, do: acknowledge}\n"
OFF = TAKEN + "  - {when: acknowledged, do: contain.disable_feature, feature: checkout}\n"
TWICE = OFF + "  - {when: acknowledged, after: 1s, do: contain.isolate, service: backend}\n"
ADA = "engineer-on-call"
MARK = Mark(source="command", actor=ADA)


def rehearse(text: str, people: Callable[[Peopled], Awaitable[None]]) -> Peopled:
    """A drill of *text* to which *people* speak once it is detected."""
    drill = Peopled(text)

    async def speak(_: object) -> None:
        await drill.incident.reached("detected")
        await people(drill)

    drill.meanwhile = speak
    drill.run()
    return drill


async def say(drill: Peopled, word: Say, text: str = "", role: str = "") -> str:
    return await drill.control.say(Word(word, ADA, "command", role=role, text=text))


def acts(drill: Peopled) -> list[tuple[str, str, str]]:
    return [(act.do, act.state, act.actor) for act in drill.journal.every(Acted)]


def test_who_is_faster_than_the_plan_takes_its_act() -> None:
    """
    What somebody has begun by name is not done a second time by `auto` when its time comes.
    """

    async def people(drill: Peopled) -> None:
        await say(drill, "acknowledge", role="incident-commander")

    drill = rehearse(TAKEN, people)

    assert acts(drill) == [("acknowledge", "begun", ADA), ("acknowledge", "done", ADA)]
    assert drill.first(Acted).role == "incident-commander"


def test_what_people_did_with_their_own_hands_sets_the_moment() -> None:
    """
    Contained and resolved without any act of the plan: declared, in their words, and all ends.
    """
    proofs: list[str] = []

    async def people(drill: Peopled) -> None:
        await say(drill, "acknowledge")
        proofs.append(await say(drill, "contain", text="took it off the balancer"))
        proofs.append(await say(drill, "resolve"))

    drill = rehearse(TAKEN, people)

    said = [act for act in drill.journal.every(Acted) if act.id == "said"]
    assert proofs == ["contained", "resolved"]
    assert [(act.do, act.moment, act.proof) for act in said] == [
        ("contain", "contained", "took it off the balancer"),
        ("resolve", "resolved", "said so"),
    ]
    assert drill.hands.done == ["end faults"]


def test_a_word_to_all_is_posted_under_its_name() -> None:
    """
    An update is told as it was said, and the journal has whose it was.
    """

    async def people(drill: Peopled) -> None:
        assert await say(drill, "update", text=" half is back ") == "posted"

    drill = rehearse(TAKEN, people)

    assert drill.teller.said == ["half is back"]
    assert ("update", "done", ADA) in acts(drill)


def test_a_second_act_of_a_kind_leaves_the_moment_where_it_was() -> None:
    """
    Contained is when the first containment worked; the second is done and moves nothing.
    """
    drill = rehearse(TWICE, lambda _: anyio.lowlevel.checkpoint())

    done = [act.do for act in drill.journal.every(Acted) if act.state == "done"]
    assert done == ["acknowledge", "contain.disable_feature", "contain.isolate"]
    contained = [one for one in drill.journal.every(MomentSet) if one.name == "contained"]
    assert len(contained) == 1


def test_who_declares_it_during_the_act_was_faster() -> None:
    """
    The moment is the declaration's, the act is still done and put back, and a note says so.
    """

    async def people(drill: Peopled) -> None:
        switch = drill.hands.set_flag

        async def slowly(feature: str, *, on: bool) -> str:
            if not on:
                await anyio.sleep(2)
            return await switch(feature, on=on)

        drill.hands.set_flag = slowly  # type: ignore[method-assign]
        await drill.incident.reached("acknowledged")
        await anyio.sleep(1)
        drill.incident.set("contained", MARK)

    drill = rehearse(OFF, people)

    notes = [note.text for note in drill.journal.every(Note)]
    assert drill.incident.moments["contained"].actor == ADA
    assert "the incident is contained already" in notes
    assert ("contain.disable_feature", "done", "auto") in acts(drill)
    assert drill.hands.flags == {"checkout": True}
