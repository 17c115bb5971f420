"""The communicator in virtual time: the real incident and recorder, channels that yield."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from drill.events import Note
from drill.incident import Channel, IncidentPlanned, MessageSent, PlannedMessages
from experiments.comms.communicator import Communicator
from experiments.comms.facts import Facts, facts_of
from experiments.comms.ports import Acceptance, ChannelPort, Message, NobodyThere, NotAccepted
from experiments.control import Refused
from experiments.incident import Incident, Mark
from experiments.recorder import Recorder
from tests.experiments.conftest import header
from tests.experiments.fakes import FakeSink
from validators.checks.communication import InformsAsPromised, SummaryInTime

SCALE = 600.0
SLACK = PlannedMessages("slack", "internal", "#incident-response", "lead", 300.0, 0.0, 3600.0)
MAIL = PlannedMessages("email", "customers", "", "lead", 300.0, 0.0, 7200.0)
SUMMARY = PlannedMessages("email", "stakeholders", "", "lead", 300.0, within_s=86400.0)


@dataclass
class FakeChannel:
    """Takes messages after *takes_s*; raises what *fails* gives, one at a time."""

    takes_s: float = 0.01
    fails: list[Exception] = field(default_factory=list)
    refused: str = ""
    taken: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> Acceptance:
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(self.takes_s)
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append(message)
        return Acceptance("taken", self.refused)


class Room:
    """An incident with its communicator, run for a while."""

    def __init__(self, channels: Mapping[Channel, ChannelPort], *messages: PlannedMessages) -> None:
        self.channels = channels
        self.planned = IncidentPlanned(
            t=0.0,
            playbook="p",
            time_scale=SCALE,
            acknowledge_s=900.0,
            resolve_s=3600.0,
            roles={"lead": ["tess"], "orphan": []},
            rules={},
            messages=list(messages or (SLACK, MAIL, SUMMARY)),
        )

    def run(self, story: Callable[["Room"], Awaitable[None]]) -> "Room":
        """Live *story* in no time at all."""

        async def main() -> None:
            self.recorder = Recorder(FakeSink(), anyio.current_time())
            self.recorder.add(header())
            self.recorder.add(self.planned)
            self.incident = Incident(self.recorder, self.planned)
            self.communicator = Communicator(
                self.incident, self.recorder, self.channels, self._facts
            )
            async with anyio.create_task_group() as group:
                group.start_soon(self.communicator.run)
                await anyio.lowlevel.checkpoint()
                await story(self)
                group.cancel_scope.cancel()

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        return self

    def _facts(self) -> Facts:
        return facts_of(self.recorder.journal, self.planned, self.recorder.t())

    async def until(self, t: float) -> None:
        """Wait until *t* of the drill."""
        await anyio.sleep(t - self.recorder.t())

    async def resolve(self, t: float) -> None:
        """At *t* it is acknowledged and resolved."""
        await self.until(t)
        self.incident.set("acknowledged", Mark(actor="tess", role="lead"))
        self.incident.set("resolved", Mark(actor="tess", role="lead"))

    def sent(self, channel: str) -> list[tuple[str, float, float | None]]:
        """Kind, due and sent of every attempt by one channel."""
        return [
            (each.kind, round(each.due, 3), each.sent and round(each.sent, 3))
            for each in self.recorder.journal.every(MessageSent)
            if each.channel == channel
        ]

    def evidence(self) -> list[str]:
        """What every attempt that failed left."""
        return [x.evidence for x in self.recorder.journal.every(MessageSent) if x.sent is None]

    def finding(self) -> tuple[str, str]:
        """What the check says of it."""
        found = InformsAsPromised(check="informs_as_promised").judge(self.recorder.journal)
        return found.verdict.word, found.reason


async def told_for_13_s(room: Room) -> None:
    """Detected at 10, resolved at 23."""
    await room.until(10)
    room.incident.set("detected", Mark())
    await room.resolve(23)
    await room.until(30)


def test_everybody_is_told_at_once_at_the_cadence_and_at_the_end() -> None:
    """Slack every hour and mail every two, on the compressed clock, and nothing after the final."""
    room = Room({"slack": FakeChannel(), "email": FakeChannel()}).run(told_for_13_s)
    assert room.sent("slack") == [
        ("first", 10.0, 10.01),
        ("update", 16.0, 16.01),
        ("update", 22.0, 22.01),
        ("final", 23.0, 23.01),
    ]
    assert room.sent("email") == [
        ("first", 10.0, 10.01),
        ("update", 22.0, 22.01),
        ("final", 23.0, 23.01),
    ]
    assert room.finding()[0] == "pass"


def test_nobody_is_told_of_what_nobody_detected() -> None:
    """No detection, no message."""
    slack = FakeChannel()
    room = Room({"slack": slack, "email": slack}).run(lambda room: room.until(100))
    assert slack.taken == []
    assert room.finding()[0] == "unknown"


def test_a_channel_that_hangs_delays_no_other() -> None:
    """Mail that takes five seconds a piece leaves Slack on time, and the incident too."""
    room = Room({"slack": FakeChannel(), "email": FakeChannel(takes_s=5.0)}).run(told_for_13_s)
    assert [sent for _, _, sent in room.sent("slack")] == [10.01, 16.01, 22.01, 23.01]
    assert room.sent("email")[0] == ("first", 10.0, 15.0)
    assert room.finding()[0] == "fail"


def test_a_failed_send_is_tried_again_and_each_attempt_is_written() -> None:
    """What failed for a moment is sent a moment later; the failure stays in the journal."""
    down = NotAccepted("Slack answered 503: ", again=True)
    room = Room({"slack": FakeChannel(fails=[down])}, SLACK).run(told_for_13_s)
    assert room.sent("slack")[:2] == [("first", 10.0, None), ("first", 10.0, 10.52)]
    assert room.evidence() == ["attempt 1 of 3: Slack answered 503: "]


def test_attempts_are_bounded_and_the_next_message_is_tried_anew() -> None:
    """A server that is down costs three attempts a message, and no message is forgotten."""
    down = [NotAccepted("no", again=True) for _ in range(3)]
    room = Room({"slack": FakeChannel(fails=[*down])}, SLACK).run(told_for_13_s)
    kinds = [(kind, sent is not None) for kind, _, sent in room.sent("slack")]
    assert kinds[:4] == [("first", False)] * 3 + [("update", True)]
    assert room.finding()[0] == "fail"
    assert "the first due at 10.0 s was not accepted (attempt 3 of 3: no)" in room.finding()[1]


def test_what_cannot_get_better_is_not_tried_again() -> None:
    """A refusal for good is written once."""
    no = NotAccepted("Slack answered 404: no_service", again=False)
    room = Room({"slack": FakeChannel(fails=[no])}, SLACK).run(told_for_13_s)
    assert room.evidence() == ["Slack answered 404: no_service"]


def test_a_server_that_never_answers_is_left_at_a_limit() -> None:
    """What no server answered is written as that, and later updates give way to the next."""
    room = Room({"slack": FakeChannel(takes_s=1000.0)}, SLACK).run(told_for_13_s)
    assert "no answer within 10 s" in room.evidence()[0]
    assert room.finding()[0] == "fail"


def test_updates_that_could_not_be_sent_in_time_do_not_come_in_a_burst() -> None:
    """After a long send the update that is due next speaks for those before it."""
    slow = FakeChannel(takes_s=9.0)

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(5)
        slow.takes_s = 0.01  # for those that begin from now on
        await room.until(20)

    room = Room({"slack": slow}, SLACK).run(story)
    assert room.sent("slack") == [
        ("first", 0.0, 9.0),
        ("update", 6.0, 9.01),
        ("update", 12.0, 12.01),
        ("update", 18.0, 18.01),
    ]


def test_an_update_whose_successor_is_due_already_is_written_as_missed() -> None:
    """A line busy for two cadences does not send the old update late, nor hide it."""
    slow = FakeChannel(takes_s=9.0, fails=[NotAccepted("no", again=True)])

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(20)

    room = Room({"slack": slow}, SLACK).run(story)
    assert ("update", 6.0, None) in room.sent("slack")
    assert "the message before it was being sent until the next" in room.evidence()
    assert room.finding()[0] == "fail"


def test_an_error_nobody_expected_is_written_without_its_words() -> None:
    """A channel's own error may hold an address or a password."""
    broken = FakeChannel(fails=[ValueError("smtp://user:secret@host")])
    room = Room({"slack": broken}, SLACK).run(told_for_13_s)
    assert room.evidence() == ["the channel itself failed: ValueError"]


def test_a_promise_without_a_channel_is_a_message_that_was_not_sent() -> None:
    """An environment without mail cannot keep a promise of mail, and the journal says so."""
    room = Room({"slack": FakeChannel()}, SLACK, MAIL).run(told_for_13_s)
    assert set(room.evidence()) == {"the environment names no channel for email"}
    assert room.finding()[0] == "fail"


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


def test_a_recipient_refused_is_written_after_the_acceptance() -> None:
    """A mail that some did not get is not told as one that all have."""
    mail = FakeChannel(refused="bola@x.example refused: 550 no")
    room = Room({"email": mail}, MAIL).run(told_for_13_s)
    assert room.sent("email")[:2] == [("first", 10.0, 10.01), ("first", 10.0, None)]
    assert room.finding()[0] == "fail"


def test_the_summary_is_sent_once_after_the_resolution() -> None:
    """Not before it, and due from it on; its text has the clocks."""
    mail = FakeChannel()

    async def story(room: Room) -> None:
        await room.communicator.summarise()
        await told_for_13_s(room)
        await room.communicator.summarise()

    room = Room({"email": mail}, SUMMARY).run(story)
    assert room.sent("email") == [("summary", 23.0, 30.01)]
    assert "acknowledge: missed, 13.0 s of 1.5 s (15m in the playbook)" in mail.taken[0].text
    found = SummaryInTime(check="summary_in_time").judge(room.recorder.journal)
    assert (found.verdict.word, found.reason) == (
        "pass",
        "email stakeholders 7.0 s after resolution, limit 144.0 s",
    )


def test_a_message_in_flight_when_the_drill_ends_is_written() -> None:
    """What was being sent is not forgotten, and is not taken for sent."""

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.until(1)

    room = Room({"slack": FakeChannel(takes_s=5.0)}, SLACK).run(story)
    assert room.evidence() == ["attempt 1 of 3: the drill ended before the server answered"]


def test_every_message_of_a_drill_has_an_id_of_its_own() -> None:
    """A mail that came twice can be told from two mails."""
    slack, mail = FakeChannel(), FakeChannel(fails=[NotAccepted("no", again=True)])
    Room({"slack": slack, "email": mail}).run(told_for_13_s)
    ids = [each.id for each in (*slack.taken, *mail.taken)]
    assert len(set(ids)) == len(ids)


def test_an_alert_read_late_makes_nothing_due_before_it_was_known() -> None:
    """The alert fired before the drill could see it: nobody could have been told sooner."""

    async def story(room: Room) -> None:
        await room.until(10)
        room.incident.set("detected", Mark(at=7.0))
        await room.until(12)

    room = Room({"slack": FakeChannel()}, SLACK).run(story)
    assert room.sent("slack") == [("first", 10.0, 10.01)]


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
