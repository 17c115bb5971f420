"""Promises of communication, judged over journals made by hand."""

from collections.abc import Sequence

import pytest

from drill.events import MomentSet, Phase, SlaJudged
from drill.incident import AlertSeen, IncidentPlanned, MessageKind, MessageSent, PlannedDetection
from drill.incident import PlannedMessages as Promise
from drill.journal import Journal
from validators.checks.communication import CHECKS, IMPLIED, InformsAsPromised, SummaryInTime
from validators.checks.told import comms_clocks

# At 600 times the speed: an update each 6 s, half a second of grace, a summary within 144 s.
SLACK = Promise("slack", "internal", "#room", "lead", 300.0, 0.0, 3600.0)
MAIL = Promise("email", "customers", "", "lead", 300.0, 0.0, 7200.0)
SUMMARY = Promise("email", "stakeholders", "", "lead", 300.0, within_s=86400.0)
Sent = tuple[MessageKind, float, float | None]
DETECTED, RESOLVED, END = 10.0, 25.0, 40.0
KEPT: tuple[Sent, ...] = (
    ("first", 10.0, 10.1),
    ("update", 16.0, 16.1),
    ("update", 22.0, 22.2),
    ("final", 25.0, 25.1),
)


def planned(*messages: Promise) -> IncidentPlanned:
    """A plan with these promises."""
    return IncidentPlanned(
        t=0.0,
        playbook="p",
        time_scale=600.0,
        acknowledge_s=900.0,
        resolve_s=3600.0,
        roles={},
        rules={},
        detections=[PlannedDetection("Promised", "prometheus", 60.0)],
        messages=list(messages),
    )


def message(promise: Promise, sent: Sent, evidence: str = "ok") -> MessageSent:
    """One attempt on the stream of *promise*."""
    kind, due, at = sent
    return MessageSent(
        t=due if at is None else at,
        channel=promise.channel,
        audience=promise.audience,
        kind=kind,
        due=due,
        sent=at,
        actor="drill",
        role="lead",
        evidence=evidence,
        to=promise.to,
    )


def journal(
    *sent: Sent,
    promises: Sequence[Promise] = (SLACK,),
    detected: float | None = DETECTED,
    resolved: float | None = RESOLVED,
    end: float = END,
) -> Journal:
    """A journal whose messages are all of the first promise."""
    made = Journal()
    made.add(planned(*promises))
    for name, t in (("detected", detected), ("resolved", resolved)):
        if t is not None:
            made.add(MomentSet(t=t, name=name, earliest=t, latest=t, source=""))
    for each in sent:
        made.add(message(promises[0], each))
    made.add(Phase(t=end, name="judge", wall_s=0.0))
    return made


def informed(made: Journal) -> tuple[str, str]:
    """Verdict and reason of the check on updates."""
    found = InformsAsPromised(check="informs_as_promised").judge(made)
    assert (found.cause is None) == (found.verdict.word == "pass")
    return found.verdict.word, found.reason


def summarised(made: Journal) -> tuple[str, str]:
    """Verdict and reason of the check on the summary."""
    found = SummaryInTime(check="summary_in_time").judge(made)
    return found.verdict.word, found.reason


def clocks(made: Journal) -> dict[str, SlaJudged]:
    """The clocks by name."""
    return {clock.name: clock for clock in comms_clocks(made, 99.0)}


def test_a_kept_promise_passes() -> None:
    """At once, each 6 s, at the end, and nothing after it."""
    assert informed(journal(*KEPT)) == ("pass", "slack internal 4 accepted")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ((("first", 10.0, 10.6), *KEPT[1:]), "the first message was late: 0.6 s after detection"),
        (KEPT[:1] + KEPT[2:], "silent for 12.1 s from 10.1 s on, limit 6.5 s"),
        ((*KEPT[:2], ("update", 22.0, 22.7), KEPT[3]), "silent for 6.6 s from 16.1 s on"),
        (KEPT[:3], "no final message after the resolution"),
        ((*KEPT[:3], ("final", 25.0, 25.6)), "the final message came 0.6 s after resolution"),
        ((*KEPT, ("update", 28.0, 28.1)), "1 more accepted after the final message"),
        ((*KEPT[:3], ("final", 24.0, 24.1)), "the final message was sent before the resolution"),
        ((*KEPT[:2], ("update", 22.0, None), KEPT[3]), "the update due at 22.0 s was not accepted"),
        ((*KEPT[:3], ("final", 25.0, None)), "the final due at 25.0 s was not accepted"),
        ((("first", 10.0, 10.1), ("first", 10.0, None), *KEPT[1:]), "the first due at 10.0 s was"),
        ((), "the first message was not sent 30.0 s after detection"),
    ],
)
def test_a_broken_promise_fails_by_name(sent: Sequence[Sent], reason: str) -> None:
    """Late, missing, unaccepted or after the end: each says which message of which stream."""
    verdict, said = informed(journal(*sent))
    assert verdict == "fail"
    assert said.startswith("slack internal: ")
    assert reason in said


def test_an_attempt_that_failed_and_was_made_good_is_kept() -> None:
    """Only the last word about a message counts, if it came in time."""
    assert informed(journal(("first", 10.0, None), *KEPT))[0] == "pass"


def test_each_stream_is_judged_by_its_own_messages() -> None:
    """Slack that was kept does not speak for mail that was not."""
    verdict, said = informed(journal(*KEPT, promises=(SLACK, MAIL)))
    assert verdict == "fail"
    assert "slack" not in said
    assert "email customers: the first message was not sent" in said


def test_two_rooms_of_one_audience_are_two_streams() -> None:
    """Where one audience has two channels, a message in one is none in the other."""
    other = Promise("slack", "internal", "#other", "lead", 300.0, 0.0, 3600.0)
    verdict, said = informed(journal(*KEPT, promises=(SLACK, other)))
    assert verdict == "fail"
    assert "slack internal #other: " in said
    assert "slack internal #room: " not in said


def test_a_word_in_between_keeps_silence_short() -> None:
    """An update that somebody sent outside the cadence counts as one that people read."""
    sent: tuple[Sent, ...] = (KEPT[0], ("update", 13.0, 13.1), ("update", 19.0, 19.1), KEPT[3])
    assert informed(journal(*sent))[0] == "pass"


def test_what_was_never_detected_is_unknown() -> None:
    """Nobody had to be told of what nobody detected."""
    made = journal(detected=None, resolved=None)
    assert informed(made)[0] == "unknown"
    assert {clock.status for clock in clocks(made).values()} == {"missing"}


def test_without_a_promise_there_is_nothing_to_keep() -> None:
    """A scenario that names the check where nothing was promised learns so."""
    assert informed(journal(promises=(SUMMARY,)))[0] == "unknown"
    assert summarised(journal(promises=(SLACK,)))[0] == "unknown"
    assert informed(Journal())[0] == "unknown"
    assert comms_clocks(Journal(), 1.0) == []


def test_an_incident_that_was_never_resolved_needs_no_final() -> None:
    """Updates are judged as far as one looked, and a final without a resolution is wrong."""
    verdict, said = informed(journal(*KEPT[:3], resolved=None, end=27.0))
    assert (verdict, "never resolved" in said) == ("pass", True)
    assert informed(journal(*KEPT[:3], resolved=None, end=29.0))[0] == "fail"
    assert informed(journal(*KEPT, resolved=None, end=27.0))[0] == "fail"


def test_nothing_sent_yet_within_the_limit_is_unknown() -> None:
    """A drill that ends before the first message had to be there has no evidence."""
    assert informed(journal(resolved=None, end=10.3))[0] == "unknown"


def test_nobody_can_be_told_sooner_than_the_drill_saw_the_alert() -> None:
    """The alert fired at 10 s and was seen at 12 s: a message at 12.1 s was at once."""
    sent: tuple[Sent, ...] = (("first", 12.0, 12.1), ("update", 18.0, 18.1), KEPT[3])
    late = journal(*sent, resolved=20.0)
    assert informed(late)[0] == "fail"
    for alert, seen in (("Other", 10.5), ("Promised", 12.0)):
        late.add(AlertSeen(10.0, alert, "prometheus", "firing", seen, 10.0, 12.0, 1.0))
    assert "the first message" not in informed(late)[1]


@pytest.mark.parametrize(
    ("sent", "end", "verdict", "reason"),
    [
        ([("summary", 25.0, 30.0)], 40.0, "pass", "5.0 s after resolution, limit 144.0 s"),
        ([("summary", 25.0, 170.0)], 180.0, "fail", "accepted 145.0 s after resolution"),
        ([], 180.0, "fail", "not sent 155.0 s after resolution"),
        ([], 40.0, "unknown", "not sent yet when the drill ended"),
        ([("summary", 25.0, None)], 40.0, "fail", "the summary due at 25.0 s was not accepted"),
    ],
)
def test_the_summary_has_a_limit(
    sent: Sequence[Sent], end: float, verdict: str, reason: str
) -> None:
    """Accepted within 24 h of resolution on the playbook's clock, and never assumed."""
    found = summarised(journal(*sent, promises=(SUMMARY,), end=end))
    assert found[0] == verdict
    assert reason in found[1]


def test_without_a_resolution_no_summary_is_judged() -> None:
    """An incident that was not resolved has no summary to be late."""
    assert summarised(journal(promises=(SUMMARY,), resolved=None))[0] == "unknown"


def test_before_a_detection_no_clock_of_messages_runs() -> None:
    """What was never detected owes nobody a message: its clocks are missing, none is missed."""
    found = clocks(journal(promises=(SLACK, SUMMARY), detected=None))
    assert [clock.status for clock in found.values()] == ["missing"] * 3


def test_the_clocks_tell_the_largest_gap_against_its_limit() -> None:
    """First, updates and summary, in real seconds beside the playbook's."""
    found = clocks(journal(*KEPT, promises=(SLACK, SUMMARY)))
    first, update, summary = found.values()
    assert list(found) == [
        "first_slack_internal",
        "update_slack_internal",
        "summary_email_stakeholders",
    ]
    assert (first.status, first.limit_s, first.playbook_limit_s) == ("met", 0.5, 300.0)
    assert first.measured_s == pytest.approx(0.1)
    assert (update.status, update.limit_s, update.playbook_limit_s) == ("met", 6.5, 3900.0)
    assert update.measured_s == pytest.approx(6.1)
    assert (summary.status, summary.measured_s) == ("censored", 15.0)
    assert {each.t for each in found.values()} == {99.0}


def test_a_silence_that_nothing_ended_is_missed_once_it_is_too_long() -> None:
    """Silence to the resolution counts, and silence to the end of the drill is censored before."""
    assert clocks(journal(KEPT[0]))["update_slack_internal"].status == "missed"
    censored = clocks(journal(KEPT[0], resolved=None, end=15.0))["update_slack_internal"]
    assert censored.status == "censored"
    assert censored.measured_s == pytest.approx(4.9)
    none = clocks(journal())
    assert none["first_slack_internal"].status == "missed"
    assert none["update_slack_internal"].status == "missing"


def test_the_checks_are_implied_by_what_is_planned() -> None:
    """Who promises updates is held to them, and who promises a summary to that."""
    assert IMPLIED == CHECKS
    applies = [
        [check.applies(planned(*promises)) for check in (InformsAsPromised, SummaryInTime)]
        for promises in ((), (SLACK,), (SUMMARY,), (MAIL, SUMMARY))
    ]
    assert applies == [[False, False], [True, False], [False, True], [True, True]]
