"""The communicator in virtual time: the real incident and recorder, channels that yield."""

from experiments.comms.ports import NobodyThere, NotAccepted
from experiments.incident import Mark
from tests.experiments.comms.room import MAIL, SLACK, SUMMARY, FakeChannel, Room, told_for_13_s
from validators.checks.communication import SummaryInTime


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


def test_the_resolution_ends_the_attempts_of_an_update() -> None:
    """The final does not wait behind the pauses of an update that it makes pointless."""
    slack = FakeChannel(fails=[NotAccepted("no", again=True)])

    async def story(room: Room) -> None:
        room.incident.set("detected", Mark())
        await room.resolve(0.2)
        await room.until(5)

    room = Room({"slack": slack}, SLACK).run(story)
    assert room.sent("slack") == [("first", 0.0, None), ("final", 0.2, 0.21)]


def test_an_audience_without_addresses_is_a_message_that_was_not_sent() -> None:
    """A promise to customers whom the environment does not name is written once, and fails."""
    mail = FakeChannel(fails=[NobodyThere("nobody for 'customers'")])
    room = Room({"email": mail}, MAIL).run(told_for_13_s)
    assert room.evidence() == ["nobody for 'customers'"]
    assert room.finding()[0] == "fail"


def test_a_summary_is_tried_again_too() -> None:
    """No resolution can overtake a summary: its pauses are waited for."""
    mail = FakeChannel(fails=[NotAccepted("no", again=True)])

    async def story(room: Room) -> None:
        await told_for_13_s(room)
        await room.communicator.summarise()

    room = Room({"email": mail}, SUMMARY).run(story)
    assert room.sent("email") == [("summary", 23.0, None), ("summary", 23.0, 30.52)]
