"""What somebody says, and pages, beside the cadence."""

import anyio
import pytest
import trio
import trio.testing

from drill.events import Note
from drill.incident import MessageSent
from experiments.comms import cadence
from experiments.comms.communicator import Communicator
from experiments.comms.facts import facts_of
from experiments.comms.ports import Acceptance, Message, NobodyThere
from experiments.control import Refused
from experiments.incident import Incident, Mark
from experiments.recorder import Recorder
from tests.experiments.comms.room import MAIL, SLACK, SUMMARY, FakeChannel, Room, told_for_13_s
from tests.experiments.fakes import FakeSink


def test_somebodys_word_goes_to_all_and_leaves_the_cadence_alone() -> None:
    """`say` names who spoke in which role; the next update is due as if nothing had been said."""
    slack, mail = FakeChannel(), FakeChannel()

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(2)
        await room.communicator.say("we found it", "ada", "lead")
        await room.resolve(7)
        await room.until(9)

    room = Room({"slack": slack, "email": mail}, SLACK, MAIL).run(story)
    assert [due for _, due, _ in room.sent("slack")] == [0.0, 2.0, 6.0, 7.0]
    spoken = [x for x in room.recorder.journal.every(MessageSent) if x.actor == "ada"]
    assert {(x.channel, x.role, x.kind) for x in spoken} == {
        ("slack", "lead", "update"),
        ("email", "lead", "update"),
    }
    assert all("we found it" in each.taken[1].text for each in (slack, mail))
    assert room.finding()[0] == "pass"


def test_nothing_is_said_before_the_detection_or_after_the_resolution() -> None:
    """The final message is the last one, whoever wants to add to it."""

    async def story(room: Room) -> None:
        with pytest.raises(Refused, match="nothing has been detected"):
            await room.communicator.say("early", "ada", "lead")
        await told_for_13_s(room)
        with pytest.raises(Refused, match="final message is the last"):
            await room.communicator.say("late", "ada", "lead")

    room = Room({"slack": FakeChannel()}, SLACK).run(story)
    assert len(room.sent("slack")) == 4


def test_a_word_that_the_resolution_overtook_is_not_sent() -> None:
    """Waiting behind a slow send until the incident is over, it would come after the final."""
    slow = FakeChannel(takes_s=3.0)

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(1)
        await room.communicator.say("too slow", "ada", "lead")
        await room.resolve(2)
        await room.until(20)

    room = Room({"slack": slow}, SLACK).run(story)
    assert [kind for kind, _, _ in room.sent("slack")] == ["first", "final"]
    assert [note.text for note in room.recorder.journal.every(Note)] == [
        "an update by ada to internal was not sent: it was resolved meanwhile"
    ]


def test_an_update_that_the_resolution_overtook_is_not_sent() -> None:
    """Due while a word was on its way, resolved before that was through: the final says it all."""

    async def story(room: Room) -> None:
        await room.until(10)
        room.incident.set("detected", Mark())
        await room.until(15.5)
        await room.communicator.say("we look into it", "tess", "lead")
        await room.resolve(17)
        await room.until(40)

    slow = FakeChannel()
    room = Room({"slack": slow}, SLACK)
    send = slow.send

    async def slowly(message: Message) -> Acceptance:
        slow.takes_s = 3.0 if "we look into it" in message.text else 0.01
        return await send(message)

    slow.send = slowly  # type: ignore[method-assign]
    kinds = [(kind, due) for kind, due, _ in room.run(story).sent("slack")]
    assert kinds == [("first", 10.0), ("update", 15.5), ("final", 17.0)]


def test_updates_end_by_themselves_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident that nobody ever resolves is no endless loop: so many, then a note."""
    monkeypatch.setattr(cadence, "MOST_UPDATES", 2)

    async def story(room: Room) -> None:
        await room.until(10)
        room.incident.set("detected", Mark())
        await room.until(1000)

    room = Room({"slack": FakeChannel()}, SLACK).run(story)
    assert [kind for kind, _, _ in room.sent("slack")] == ["first", "update"]
    assert [note.text for note in room.recorder.journal.every(Note)] == [
        "internal: no update after 2"
    ]


def test_where_nobody_is_promised_updates_nobody_can_be_told() -> None:
    """A playbook with a summary alone says so to who wants to post."""

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        with pytest.raises(Refused, match="promises nobody updates"):
            await room.communicator.say("we look into it", "tess", "lead")

    assert Room({}, SUMMARY).run(story).attempts() == []


def test_speaking_does_not_wait_for_servers() -> None:
    """`say` and `page` return at once, however slow the channels are."""

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(1)
        await room.communicator.say("on it", "ada", "lead")
        await room.communicator.page("lead", "come")
        assert room.recorder.t() == pytest.approx(1)

    Room({"slack": FakeChannel(takes_s=50.0)}, SLACK).run(story)


def test_a_page_names_who_holds_the_role_and_mails_its_addresses() -> None:
    """Slack names the holders; mail goes to the role; a role nobody holds is said to be that."""
    slack, mail = FakeChannel(), FakeChannel()

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.communicator.page("lead", "nobody has answered")
        await room.communicator.page("orphan", "nobody has answered")
        await room.until(1)

    room = Room({"slack": slack, "email": mail}, SLACK).run(story)
    pages = [each for each in slack.taken if each.audience == "role"]
    assert [each.to for each in pages] == ["#incident-response"] * 2
    texts = "".join(each.text for each in pages)
    assert "lead: tess" in texts
    assert "orphan: nobody holds this role" in texts
    assert {each.to for each in mail.taken} == {"lead", "orphan"}
    paged = [x for x in room.recorder.journal.every(MessageSent) if x.kind == "page"]
    assert {x.role for x in paged} == {"lead", "orphan"}


def test_a_page_by_mail_to_a_role_without_addresses_is_no_failure() -> None:
    """Slack alone is enough where the environment has no address for the role."""
    mail = FakeChannel(fails=[NobodyThere("nobody")])

    async def story(room: Room) -> None:
        await room.communicator.page("lead", "come")
        await room.until(1)

    room = Room({"slack": FakeChannel(), "email": mail}, SLACK).run(story)
    assert room.evidence() == []
    assert [kind for kind, _, _ in room.sent("slack")] == ["page"]


def test_a_page_that_no_channel_can_carry_is_written() -> None:
    """An environment without channels pages nobody, and the journal says so."""

    async def story(room: Room) -> None:
        await room.communicator.page("lead", "come")
        await room.until(1)

    assert Room({}).run(story).evidence() == ["the environment names no channel for slack"]


def test_a_page_before_the_communicator_runs_waits_for_it() -> None:
    """Which of two companions starts first decides nothing."""

    async def main() -> None:
        room = Room({"slack": slack}, SLACK)
        recorder = Recorder(FakeSink(), anyio.current_time())
        incident = Incident(recorder, room.planned)
        facts = facts_of(recorder.journal, room.planned, 0.0)
        communicator = Communicator(incident, recorder, room.channels, lambda: facts)
        await communicator.page("lead", "come")
        assert slack.taken == []
        with anyio.move_on_after(1):
            await communicator.run()
        with pytest.raises(Refused, match="over"):
            await communicator.page("lead", "come back")

    slack = FakeChannel()
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert [each.audience for each in slack.taken] == ["role"]
