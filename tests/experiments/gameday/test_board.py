"""The snapshot, folded from journals made by hand."""

import random

import msgspec
import pytest

from drill import events as e
from drill import incident as i
from drill.journal import Journal, encode, read_journal
from drill.moments import outages
from drill.records import Record
from drill.verdict import Health
from experiments.control import Say
from experiments.gameday.board import fold_board
from experiments.gameday.clocks import Clock
from experiments.gameday.outages import DEADLINE_S, Outages
from tests.experiments.gameday import journals as made


def clock(journal: Journal, now: float, name: str) -> Clock:
    """The clock of that name."""
    return next(each for each in fold_board(journal, now).clocks if each.name == name)


def why(journal: Journal, say: Say, now: float = 30.0) -> str:
    """Why a button cannot be pressed."""
    return fold_board(journal, now).button(say).why


def test_before_anything_is_broken_every_clock_of_the_incident_waits() -> None:
    """Nothing counts before there is something to count from."""
    board = fold_board(made.journal(made.broken()[:5]), 5.0)
    assert {each.state for each in board.clocks} == {"waiting"}
    assert [each.name for each in board.clocks] == [
        "detect", "acknowledge", "resolve", "recover", "update:slack:internal",
        "summary:email:stakeholders",
    ]  # fmt: skip
    assert {button.why for button in board.buttons} == {"Nothing has been broken yet."}


def test_detection_counts_real_seconds_from_the_proof_of_the_fault() -> None:
    """A machine's clock is never scaled."""
    found = clock(made.journal(made.broken()), 14.0, "detect")
    assert (found.state, found.begin_s, found.deadline_s, found.left_s) == (
        "running", 10.0, 40.0, 26.0,
    )  # fmt: skip
    assert found.playbook_limit_s is None
    assert clock(made.journal(made.broken()), 40.1, "detect").state == "missed"
    assert clock(made.journal(made.broken(), made.firing()), 90.0, "detect").state == "met"


def test_an_alert_from_before_the_fault_detects_nothing() -> None:
    """What fired already says nothing about this fault."""
    early = i.AlertSeen(9.0, "PaystackUnreachable", "prometheus", "firing", 9.0, 9.0, 9.0, 1.0,
                        before_fault=True)  # fmt: skip
    assert clock(made.journal(made.broken(), [early]), 20.0, "detect").state == "running"


@pytest.mark.parametrize(("now", "state", "left"), [(20.0, "running", 9.0), (29.1, "missed", -0.1)])
def test_acknowledgement_has_its_limit_on_both_clocks(now: float, state: str, left: float) -> None:
    """15 minutes of the playbook are 15 seconds at 60 times its speed."""
    found = clock(made.journal(made.broken(), made.firing()), now, "acknowledge")
    assert (found.state, found.limit_s, found.playbook_limit_s) == (state, 15.0, 900.0)
    assert found.left_s == pytest.approx(left)


def test_an_acknowledgement_in_time_stays_met_and_a_late_one_missed() -> None:
    """What came after the deadline is no kept promise, whenever one looks."""
    soon = made.journal(made.broken(), made.firing(), made.acknowledged(20.0))
    late = made.journal(made.broken(), made.firing(), made.acknowledged(29.5))
    assert clock(soon, 900.0, "acknowledge").state == "met"
    assert clock(late, 30.0, "acknowledge").state == "missed"
    assert clock(late, 30.0, "acknowledge").left_s is None


def test_a_clock_that_never_ran_is_missing_and_one_that_never_ended_censored() -> None:
    """Once the drill is over nothing is waiting or running, and nothing is zero."""
    quiet = made.journal(made.broken(), made.ended())
    assert clock(quiet, 70.0, "acknowledge").state == "missing"
    open_ = made.journal(made.broken(), made.firing(60.0), made.ended())
    assert clock(open_, 70.0, "acknowledge").state == "censored"


def test_the_judge_has_the_last_word() -> None:
    """A clock that was judged shows the judgement."""
    judged = e.SlaJudged(70.0, "acknowledge", 15.0, "missed", 16.0)
    found = made.journal(made.broken(), made.firing(), made.acknowledged(), made.ended(), [judged])
    assert clock(found, 71.0, "acknowledge").state == "missed"


def test_recovery_runs_only_when_every_fault_is_proven_gone() -> None:
    """While something is still in force nothing can have recovered."""
    healing: list[Record] = [e.FaultChange(40.0, "f1", "healing")]
    healed: list[Record] = [e.FaultChange(40.5, "f1", "healed")]
    assert clock(made.journal(made.broken(), healing), 41.0, "recover").state == "waiting"
    found = clock(made.journal(made.broken(), healing, healed), 41.0, "recover")
    assert (found.state, found.begin_s, found.deadline_s) == ("running", 40.5, 70.5)
    assert clock(made.journal(made.broken(), made.ended()), 71.0, "recover").state == "met"


class TestUpdates:
    """The next update of a channel."""

    name = "update:slack:internal"

    def read(self, now: float, *messages: i.MessageSent, resolved: float | None = None) -> Clock:
        """The clock, detected at 14 s."""
        end: list[Record] = [made.moment(resolved, "resolved")] if resolved else []
        return clock(made.journal(made.broken(), made.firing(), [*messages], end), now, self.name)

    def test_the_first_is_due_at_once_and_may_be_as_late_as_its_grace(self) -> None:
        """Overdue by less than the grace is not yet missed."""
        assert self.read(18.9).state == "running"
        assert self.read(18.9).left_s == pytest.approx(-4.9)
        assert self.read(19.1).state == "missed"

    def test_each_next_one_follows_the_cadence(self) -> None:
        """Hourly on the playbook's clock, counted from the first."""
        first = made.message("first", 14.0, 14.2)
        assert self.read(20.0, first).deadline_s == pytest.approx(74.0)
        second = made.message("update", 74.0, 75.0)
        assert self.read(80.0, first, second).deadline_s == pytest.approx(134.0)

    def test_a_post_between_two_points_moves_none_of_them(self) -> None:
        """Whoever posts more than promised still owes what was promised."""
        posts = made.message("first", 14.0, 14.2), made.message("update", 40.0, 40.0)
        assert self.read(41.0, *posts).deadline_s == pytest.approx(74.0)

    def test_a_message_that_no_server_took_answers_nothing(self) -> None:
        """Without acceptance it is still due."""
        found = self.read(18.0, made.message("first", 14.0, None))
        assert (found.state, found.deadline_s) == ("running", 14.0)
        assert "1 late or not accepted" in found.note

    def test_the_final_one_ends_the_clock(self) -> None:
        """After the resolution one more is due, and then none."""
        first = made.message("first", 14.0, 14.2)
        assert self.read(31.0, first, resolved=30.0).title == "Final update"
        assert self.read(31.0, first, resolved=30.0).deadline_s == 30.0
        final = made.message("final", 30.0, 30.5)
        assert self.read(200.0, first, final, resolved=30.0).state == "met"
        late = made.message("first", 14.0, 29.0)
        assert self.read(200.0, late, final, resolved=30.0).state == "missed"


def test_the_summary_is_due_a_day_after_resolution_on_the_playbooks_clock() -> None:
    """A day is 24 minutes at 60 times its speed."""
    parts = made.broken(), made.firing(), made.acknowledged(), [made.moment(30.0, "resolved")]
    name = "summary:email:stakeholders"
    assert clock(made.journal(*parts), 31.0, name).deadline_s == pytest.approx(1470.0)
    sent = i.MessageSent(90.0, "email", "stakeholders", "summary", 30.0, 90.0, "c", "r", "250")
    assert clock(made.journal(*parts, [sent]), 2000.0, name).state == "met"


def test_buttons_follow_the_order_of_the_moments() -> None:
    """Each opens when the one before it is reached, and closes once it is pressed."""
    undetected = made.journal(made.broken())
    assert why(undetected, "acknowledge") == "Nothing has been detected yet."
    detected = made.journal(made.broken(), made.firing())
    assert why(detected, "acknowledge") == ""
    assert why(detected, "update") == ""
    assert why(detected, "contain") == "Nobody has acknowledged it yet."
    assert why(detected, "resolve") == "Nobody has acknowledged it yet."
    taken = made.journal(made.broken(), made.firing(), made.acknowledged())
    assert why(taken, "acknowledge") == "It has been acknowledged by Ada already."
    assert (why(taken, "contain"), why(taken, "resolve")) == ("", "")
    taken.add(made.moment(30.0, "resolved", "Bo"))
    for say in ("contain", "resolve", "update"):
        assert why(taken, say) == "It has been resolved by Bo already."


def test_a_drill_without_an_incident_says_so_at_every_button() -> None:
    """A scenario without a playbook has nobody who answers."""
    alone = [each for each in made.broken() if not isinstance(each, i.IncidentPlanned)]
    assert {button.why for button in fold_board(made.journal(alone), 12.0).buttons} == {
        "This drill has no incident: its scenario names no detection and no response."
    }


def test_escalations_roles_messages_and_acts_are_told() -> None:
    """Who is paged when, who holds what, what was said and done."""
    journal = made.journal(made.broken(), made.firing(), [made.message("first", 14.0, 20.0)])
    board = fold_board(journal, 21.0)
    assert [(one.role, one.state, one.due) for one in board.escalations] == [
        ("technical-lead", "running", 29.0)
    ]
    assert [role.held_by for role in board.roles][2] == []
    assert [(one.accepted, one.late) for one in board.messages] == [(True, True)]
    for record in made.acknowledged():
        journal.add(record)
    board = fold_board(journal, 22.0)
    assert board.escalations[0].state == "not needed"
    assert board.roles[0].last_actor == "Ada"
    assert [(act.do, act.actor, act.via) for act in board.acts] == [("acknowledge", "Ada", "page")]
    journal.add(i.Escalated(29.0, "technical-lead", 900.0))
    assert fold_board(journal, 30.0).escalations[0].state == "paged"


def test_faults_in_force_and_probes_that_are_bad_are_told() -> None:
    """What is broken now, for how long, and what the last look saw."""
    looks: list[Record] = [made.look("checkout", t) for t in (8.0, 9.0)]
    looks += [made.look("checkout", t, Health.DOWN, "no answer") for t in (10.0, 11.0)]
    board = fold_board(made.journal(made.broken(), looks), 12.0)
    assert [(one.state, one.in_force) for one in board.faults] == [("effective", True)]
    sacred, checkout = board.probes
    assert (sacred.name, sacred.health) == ("love-loops", "")
    assert (checkout.health, checkout.detail, checkout.bad_since) == ("down", "no answer", 10.0)
    good: list[Record] = [made.look("checkout", 12.0)]
    checkout = fold_board(made.journal(made.broken(), looks, good), 13.0).probes[1]
    assert (checkout.health, checkout.bad_since) == ("ok", None)
    assert checkout.bad_s == pytest.approx(2.05)


def test_moments_that_the_judge_will_set_are_shown_as_far_as_they_are_known() -> None:
    """What bit, who was hurt first and what is gone again need not wait for the judge."""
    looks: list[Record] = [made.look("checkout", 11.0, Health.DOWN)]
    healed: list[Record] = [e.FaultChange(40.5, "f1", "healed")]
    board = fold_board(made.journal(made.broken(), looks, healed), 41.0)
    known = {one.name: (one.t, one.source) for one in board.moments if one.so_far}
    assert known == {"effective": (10.0, ""), "impact": (11.0, "checkout"), "healed": (40.5, "")}
    judged = fold_board(made.journal(made.broken(), looks, made.ended()), 71.0)
    assert [one.so_far for one in judged.moments if one.name == "healed"] == [False]


def test_the_end_shows_verdict_findings_and_how_staging_was_left() -> None:
    """The worst finding comes first."""
    board = fold_board(made.journal(made.broken(), made.firing(), made.ended()), 71.0)
    assert board.over is not None
    assert (board.over.verdict, board.over.exit_code) == ("fail", 1)
    assert board.over.clean == "staging is clean"
    assert [one.verdict for one in board.over.findings] == ["fail", "pass"]
    assert {button.why for button in board.buttons} == {"The drill is over."}


def test_an_end_without_a_look_at_staging_claims_no_cleanness() -> None:
    """A drill that ended before anybody looked says that nothing is proven."""
    ended = [one for one in made.ended() if not isinstance(one, e.Clean)]
    board = fold_board(made.journal(made.broken(), ended), 71.0)
    assert board.over is not None
    assert board.over.clean == "staging is not proven clean"


def test_where_no_alert_is_promised_detection_has_no_deadline() -> None:
    """The clock runs until somebody notices, and cannot be missed."""
    plan = msgspec.structs.replace(made.planned(), detections=[])
    journal = made.journal(made.broken(), [plan])
    found = clock(journal, 500.0, "detect")
    assert (found.state, found.begin_s, found.deadline_s) == ("running", 10.0, None)
    journal.add(made.moment(510.0, "detected"))
    assert clock(journal, 600.0, "detect").state == "met"


def test_an_impact_that_is_settled_is_not_looked_for_again() -> None:
    """A deadline later no answer can be earlier, so the first one stays what it was."""
    journal, kept = (
        made.journal(made.broken(), [made.look("checkout", 11.0, Health.DOWN)]),
        Outages(),
    )
    first = kept.impact(journal, 11.5)
    assert first == (11.0, "checkout")
    assert kept.impact(Journal(), 11.0 + DEADLINE_S) == first
    assert kept.impact(Journal(), 11.0) is None


def test_every_prefix_of_a_journal_can_be_shown_and_reads_the_same_from_its_file() -> None:
    """A reload at any moment shows what was shown before it."""
    records = [*made.broken(), *made.firing(), *made.acknowledged(), *made.ended()]
    kept, live = Outages(), Journal()
    for count, record in enumerate(records, 1):
        live.add(record)
        again = read_journal(encode(each) for each in records[:count])
        assert fold_board(live, float(count), kept) == fold_board(again, float(count))


@pytest.mark.parametrize("seed", range(20))
def test_outages_read_bit_by_bit_are_those_of_the_report(seed: int) -> None:
    """Whatever overtakes what, the sum is the one that the whole journal gives."""
    dice, journal, kept = random.Random(seed), made.journal(made.broken()), Outages()
    looks = []
    for k in range(400):
        sent = k * 0.1 + dice.uniform(0, 0.05)
        health = Health.DOWN if (k // 25) % 2 else dice.choice([Health.OK, Health.LIMITED])
        looks.append(e.Observation("checkout", sent, sent, sent + dice.uniform(0, 0.8), health))
    looks.sort(key=lambda one: one.got)
    plan = journal.last(e.Planned)
    for one in looks:
        journal.add(one)
        bad = kept.read(journal, plan, one.got)["checkout"]
        spells = outages(journal.columns("checkout"))
        total = sum(end - begin for begin, end in spells if end is not None)
        assert bad.total_s == pytest.approx(total)
        assert bad.since_s == (spells[-1][0] if spells and spells[-1][1] is None else None)
    assert kept._settled["checkout"].count > 250
