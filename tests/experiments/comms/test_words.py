"""What messages say, from frozen facts and from a journal."""

import msgspec
import pytest

from drill.events import MomentSet, Observation, Phase
from drill.incident import Acted, AlertSeen, AlertState, Escalated, IncidentPlanned
from drill.journal import Journal
from drill.verdict import Health
from experiments.comms.facts import ClockFact, Facts, facts_of
from experiments.comms.words import Words, executive_summary, for_customers, for_role, for_team
from tests.experiments.conftest import header


def moment(name: str, t: float, actor: str = "", role: str = "") -> MomentSet:
    """A moment without bounds."""
    return MomentSet(t=t, name=name, earliest=t, latest=t, source="", actor=actor, role=role)


FACTS = Facts(
    drill="d1",
    title="redis-primary\r\nBcc: someone is paused",
    severity=1,
    phase="faults",
    now=14.0,
    time_scale=600.0,
    moments=(moment("detected", 10.0), moment("acknowledged", 11.5, "ada", "commander")),
    known=("down: love-loops",),
    actions=("contain.isolate done, by ada (commander)",),
    needs=("somebody to bring coffee",),
    clocks=(
        ClockFact("acknowledge", 1.5, 1.5, 900.0, missed=False),
        ClockFact("resolve", None, 6.0, 3600.0, missed=False),
    ),
)
EVERY = (
    for_team("first", FACTS, every_s=3600.0),
    for_team("final", FACTS, every_s=3600.0),
    for_customers("first", FACTS, every_s=7200.0),
    for_customers("final", FACTS, every_s=7200.0, said="all good"),
    executive_summary(FACTS),
    for_role("lead", ["tess"], FACTS, "come"),
)


@pytest.mark.parametrize("words", EVERY, ids=lambda words: words.subject)
def test_every_message_says_that_it_is_a_drill(words: Words) -> None:
    """Subject and first line are marked, the second says that it is a rehearsal on staging."""
    first, second, *_ = words.text.splitlines()
    assert words.subject.startswith("[DRILL] ")
    assert first == words.subject
    assert second == "[DRILL] This is a rehearsal on staging."


@pytest.mark.parametrize("words", EVERY, ids=lambda words: words.subject)
def test_a_subject_is_one_line(words: Words) -> None:
    """A title cannot add a header to a mail."""
    assert len(words.subject.splitlines()) == 1


def test_an_update_has_conditions_actions_needs_and_the_next_one() -> None:
    """The whole text of a Slack update, as people read it."""
    assert for_team("update", FACTS, every_s=3600.0).text.splitlines() == [
        "[DRILL] Update: redis-primary Bcc: someone is paused (severity 1)",
        "[DRILL] This is a rehearsal on staging.",
        "",
        "Conditions:",
        "- phase faults",
        "- detected 4.0 s ago",
        "- acknowledged 1.5 s after detection by ada (commander)",
        "- down: love-loops",
        "",
        "Actions:",
        "- contain.isolate done, by ada (commander)",
        "",
        "Needs:",
        "- somebody to bring coffee",
        "",
        "Next update within 1h, which is 6.0 s in this drill.",
    ]


def test_customers_read_nothing_internal() -> None:
    """Neither title, phase, probe nor person is in a customer's mail, but when to hear again is."""
    text = for_customers("first", FACTS, every_s=7200.0).text
    assert "Next update within 2h" in text
    for internal in ("redis", "love-loops", "ada", "faults", "severity", "isolate"):
        assert internal not in text
    assert "last message" in for_customers("final", FACTS, every_s=7200.0).text


def test_a_summary_tells_status_overview_next_steps_and_every_clock() -> None:
    """An executive reads what it is now, what was, what comes, and what was met."""
    text = executive_summary(FACTS).text
    for heading in ("Current status:", "Overview:", "Next steps:", "Clocks:"):
        assert heading in text
    assert "acknowledge: met, 1.5 s of 1.5 s (15m in the playbook)" in text
    assert "resolve: running, not reached of 6.0 s (1h in the playbook)" in text
    assert "One second of this drill stands for 10m of the playbook." in text


def planned() -> IncidentPlanned:
    """A playbook with a role that nobody holds."""
    return IncidentPlanned(
        t=0.0,
        playbook="p",
        time_scale=600.0,
        acknowledge_s=900.0,
        resolve_s=3600.0,
        roles={"lead": ["tess"], "orphan": []},
        rules={},
    )


def alert(name: str, state: AlertState, *, before_fault: bool = False) -> AlertSeen:
    """One step of an alert at second 1."""
    return AlertSeen(
        t=1.0,
        alert=name,
        source="prometheus",
        state=state,
        seen=1.0,
        earliest=1.0,
        latest=1.0,
        resolution_s=1.0,
        before_fault=before_fault,
    )


def test_facts_are_read_from_a_journal_that_is_still_written() -> None:
    """Alerts firing, probes bad now, acts, escalations, needs and clocks, as they are now."""
    journal = Journal()
    for record in (
        header(),
        Phase(t=0.0, name="faults", wall_s=0.0),
        Observation("shop", 0.0, 0.0, 0.1, Health.DOWN),
        Observation("shop", 1.0, 1.0, 1.1, Health.OK),
        Observation("love-loops", 1.0, 1.0, 1.1, Health.DOWN),
        alert("Old", "firing", before_fault=True),
        alert("Gone", "firing"),
        alert("Gone", "resolved"),
        alert("Now", "delivered"),
        alert("Soon", "pending"),
        moment("detected", 2.0),
        Escalated(t=3.0, role="lead", after_s=900.0),
        Acted(3.0, "a1", "acknowledge", "begun", "tess", "lead", "auto"),
        Acted(3.0, "a1", "acknowledge", "done", "tess", "lead", "auto"),
    ):
        journal.add(record)
    facts = facts_of(journal, planned(), 4.0)
    assert (facts.drill, facts.severity, facts.phase) == ("r1", 1, "faults")
    assert facts.known == ("firing: Now", "down: love-loops")
    assert facts.actions == (
        "acknowledge done, by tess (lead)",
        "lead paged, as nobody had acknowledged",
    )
    assert facts.needs == ("somebody to acknowledge it", "somebody who holds the role orphan")
    assert facts.clocks == (
        ClockFact("acknowledge", None, 1.5, 900.0, missed=True),
        ClockFact("resolve", None, 6.0, 3600.0, missed=False),
    )


def test_once_it_is_taken_and_all_is_good_that_is_what_is_said() -> None:
    """Acknowledged and good again, but not resolved: nothing is asked of others."""
    journal = Journal()
    for record in (
        header(),
        Observation("shop", 1.0, 1.0, 1.1, Health.DOWN),
        Observation("shop", 2.0, 2.0, 2.1, Health.OK),
        moment("detected", 2.0),
        moment("acknowledged", 3.0, "tess", "lead"),
    ):
        journal.add(record)
    facts = facts_of(journal, planned(), 4.0)
    assert facts.known == ("all 1 probes are good",)
    assert facts.needs[0] == "nothing from others now; the resolution is being worked on"


def test_customers_read_how_far_it_got() -> None:
    """Told, taken, contained: each in words of its own, and none claims more."""
    journal, told = Journal(), []
    for record in (moment("detected", 2.0), moment("acknowledged", 3.0), moment("contained", 4.0)):
        journal.add(record)
        facts = facts_of(journal, planned(), 5.0)
        told.append(for_customers("update", facts, every_s=7200.0).text)
    assert "Our team has been told." in told[0]
    assert "Our team is working on it." in told[1]
    assert "some features may be switched off for now" in told[2]


def test_a_drill_in_real_time_speaks_of_no_scale() -> None:
    """Where a second is a second nobody is told what it stands for."""
    real = msgspec.structs.replace(planned(), time_scale=1.0)
    told = [facts_of(Journal(), plan, 0.0) for plan in (real, planned())]
    summaries = [executive_summary(facts).text for facts in told]
    assert ["One second of this drill stands for" in text for text in summaries] == [False, True]
    assert "Next update within 1h." in for_team("update", told[0], every_s=3600.0).text


def test_an_empty_journal_gives_facts_that_claim_nothing() -> None:
    """A message before anything was seen says that it was not detected."""
    facts = facts_of(Journal(), planned(), 0.0)
    assert (facts.known, facts.clocks) == ((), ())
    assert "not detected yet" in for_team("first", facts, every_s=None).text
