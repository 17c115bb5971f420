"""The people's side of a drill: its time line, its numbers, and what nobody knows."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drill import events as e
from drill import incident as i
from drill.journal import Journal, encode, read_journal
from drill.verdict import Health
from reports.budget import budgets, percent
from reports.fold import fold
from reports.html import render_html
from reports.incident import first_detection, fold_incident
from reports.json_report import Report, render_json
from reports.timeline import Entry, timeline
from reports.words import clock_line, limit_text
from tests.reports import journals

RECORDS = journals.whole_incident()


@pytest.fixture(scope="module")
def whole() -> Journal:
    return journals.journal(RECORDS)


def report(journal: Journal) -> Report:
    return msgspec.json.decode(render_json(journal), type=Report)


def told(entries: list[Entry], kind: str) -> list[str]:
    return [entry.text for entry in entries if entry.kind == kind]


class TestTimeline:
    def test_it_is_in_order_and_every_entry_can_be_looked_up(self, whole: Journal) -> None:
        """A reader goes down the time line once, and can check each line of it."""
        entries = timeline(whole)
        assert [entry.t_s for entry in entries] == sorted(entry.t_s for entry in entries)
        assert all(entry.evidence for entry in entries)
        assert all(entry.utc.startswith("2026-09-21T14:1") for entry in entries)

    def test_a_line_number_leads_to_the_event(self, whole: Journal) -> None:
        """`journal.jsonl#L<n>` is the very line of the file, with observations in between."""
        lines = [encode(record) for record in RECORDS]
        read = read_journal(lines)
        assert read.lines == whole.lines
        entry = next(one for one in timeline(read) if one.kind == "escalation")
        assert b'"escalated"' in lines[int(entry.evidence.partition("#L")[2]) - 1]

    def test_it_tells_all_that_a_responder_wants_to_see(self, whole: Journal) -> None:
        """Faults, impact, alerts, acts, pages, messages, releases, restarts and evidence."""
        entries = timeline(whole)
        assert told(entries, "fault")[0] == "network.blackhole on vauntico-server injected"
        assert told(entries, "impact") == [
            "checkout is down: no answer in 0.8 s",
            "checkout is good again",
        ]
        steps = [text for text in told(entries, "alert") if text.startswith(journals.ALERT)]
        assert [text.split()[1] for text in steps] == [
            "pending", "firing", "notified", "delivered", "resolved"
        ]  # fmt: skip
        assert "first to customers by email NOT sent: connection refused" in told(
            entries, "message"
        )
        assert told(entries, "engine") == ["vauntico-server: restart"]
        assert "technical-lead was paged" in told(entries, "escalation")[0]
        assert len(told(entries, "release")) == 3
        assert next(one for one in entries if one.kind == "evidence").evidence.endswith(".png")

    def test_an_alert_keeps_its_sources_resolution(self, whole: Journal) -> None:
        """A time that was read from a one-second clock is not shown as if it were exact."""
        alert = next(one for one in timeline(whole) if one.kind == "alert")
        assert (alert.source, alert.resolution_s) == ("prometheus", 1.0)

    def test_an_abort_stands_in_it(self) -> None:
        """Why a drill stopped early is told at its time."""
        entries = timeline(journals.aborted())
        assert "the drill was aborted: SIGTERM" in told(entries, "note")

    def test_a_fault_that_was_measured_keeps_its_bounds(self) -> None:
        """Where earliest and latest are known they are its resolution, else our own clock is."""
        loose = e.FaultChange(2.0, "f1", "effective", "seen", 1.75, 2.0)
        exact = e.FaultChange(1.0, "f1", "injected")
        entries = timeline(journals.journal([journals.header(), exact, loose]))
        assert [entry.resolution_s for entry in entries] == [0.001, 0.25]

    def test_wall_time_comes_from_the_nearest_phase_before(self) -> None:
        """A wall clock that was set during the drill shifts only what came after."""
        made = journals.journal([journals.header(), e.Phase(10.0, "faults", 2_000_000_000.0)])
        made.add(i.Escalated(11.0, "technical-lead", 1.0))
        assert timeline(made)[0].utc == "2033-05-18T03:33:21.000Z"

    def test_without_a_wall_clock_there_is_no_time_of_day(self) -> None:
        """A journal without a header has no UTC times, and none of 1970."""
        assert timeline(journals.journal([i.Escalated(1.0, "lead", 1.0)]))[0].utc == ""


class TestIncident:
    def test_a_drill_without_people_has_no_incident(self) -> None:
        """A drill that promises nothing of people tells nothing of them."""
        assert fold_incident(journals.passing()) is None
        assert "The incident" not in render_html(journals.passing()).decode()

    def test_the_detection_is_the_promised_alert_and_not_an_earlier_one(
        self, whole: Journal
    ) -> None:
        """What fired before the fault has detected nothing."""
        story = fold_incident(whole)
        assert story is not None
        alert = first_detection(story)
        assert alert is not None
        assert (alert.alert, alert.steps["firing"], alert.chain_sum_s) == (journals.ALERT, 13.0, 7)
        assert [one.why_mute for one in story.alerts if one.why_mute] == [
            "its expression has no series"
        ]

    def test_an_alert_nobody_could_look_up_keeps_what_was_planned(self) -> None:
        """Without its chain the plan's sum stands and nothing is claimed; no rule is mute."""
        absent = i.ChainSeen(0.45, "HighErrorRate", "prometheus", present=False)
        kept = [r for r in RECORDS if not isinstance(r, i.ChainSeen)]
        story = fold_incident(journals.journal([*kept, absent]))
        assert story is not None
        alerts = {one.alert: one for one in story.alerts}
        unread, missing = alerts[journals.ALERT], alerts["HighErrorRate"]
        assert (unread.chain_sum_s, unread.why_mute) == (7.0, "")
        assert (missing.chain_sum_s, missing.why_mute) == (None, "it does not exist")

    def test_an_act_is_late_by_the_playbooks_own_clock(self, whole: Journal) -> None:
        """A minute of the playbook after detection is a second of this drill."""
        acts = {act.id: act for act in report(whole).responses}
        assert (acts["a1"].due_s, acts["a1"].begun_s, acts["a1"].actor) == (14.0, 15.5, "ada")
        assert (acts["a2"].state, acts["a2"].undone_s) == ("undone", 32.0)
        assert (acts["a4"].state, acts["a4"].begun_s) == ("never begun", None)

    def test_the_report_for_machines_holds_every_part(self, whole: Journal) -> None:
        """Roles, alerts, releases, messages and both limits of a clock are in report.json."""
        made = report(whole)
        assert [role.role for role in made.roles if not role.held_by] == ["communications-lead"]
        alert = made.alerts[0]
        assert (alert.pending_s, alert.delivered_s, alert.within_s) == (8.0, 13.6, 20.0)
        assert [one.release for one in made.releases] == ["v1.2.0", "v1.3.0", "v1.2.0"]
        assert [one.sent_s for one in made.comms] == [13.7, None]
        assert (made.slas[0].limit_s, made.slas[0].playbook_limit_s) == (15.0, 900.0)

    def test_a_compressed_limit_is_told_both_ways(self) -> None:
        """Who reads 15 s must see that the playbook says 15 minutes."""
        clock = e.SlaJudged(1.0, "acknowledge", 15.0, "met", 2.0, 2.0, 2.0, 900.0)
        assert limit_text(clock) == "15 m of the playbook, here 15 s"

    def test_a_clock_tells_no_more_than_it_measured(self) -> None:
        """Without a limit, without a measure, still running: each has words, and none is zero."""
        assert limit_text(e.SlaJudged(1.0, "detect", None, "met", 2.0)) == "no limit"
        assert clock_line(e.SlaJudged(1.0, "detect", 5.0, "missing")) == "not measured"
        assert clock_line(e.SlaJudged(1.0, "detect", 5.0, "censored")) == "not measured"
        running = e.SlaJudged(1.0, "detect", 5.0, "censored", earliest_s=4.0)
        assert clock_line(running) == "> 4.000 s"

    def test_the_page_shows_who_did_what_and_still_needs_no_network(self, whole: Journal) -> None:
        """Acts, alerts, messages and budgets are on the one page, and nothing is fetched."""
        page = render_html(whole).decode()
        for text in (
            "ada",
            "as incident-commander",
            "cannot fire",
            "not sent",
            "v1.3.0",
            "0.889 %",
        ):
            assert text in page
        assert "http://" not in page
        assert "<script" not in page

    def test_what_people_write_cannot_act_on_a_reader(self) -> None:
        """Markup in an actor's name, a message or a server's answer stays text."""
        nasty = "<script>alert(1)</script>"
        made = journals.journal([journals.header(), journals.promised()])
        made.add(i.Acted(1.0, nasty, nasty, "done", nasty, nasty, "page", "", nasty))
        made.add(i.MessageSent(1.0, "slack", "internal", "first", 1, 1, nasty, nasty, nasty, nasty))
        assert "<script" not in render_html(made).decode()


class TestBudgets:
    def test_a_minute_spends_what_the_arithmetic_says(self) -> None:
        """60 s of outage are 2.31 % of the 43.2 minutes that 99.9 % over 30 days allow."""
        made = journals.journal([journals.header()])
        for second in range(200):
            health = Health.DOWN if 100 <= second < 160 else Health.OK
            made.add(e.Observation("shop", second, second, second, health))
        (spent,) = budgets(made)
        assert (spent.good, spent.valid, spent.outage_s, spent.down_s) == (140, 200, 60.0, 60.0)
        assert percent(None) == "missing"
        assert percent(spent.spent_ratio) == "2.31 %"
        assert spent.request_spent_ratio == pytest.approx(60 / 200 * 199 / 2592)

    def test_degraded_and_down_share_the_outage(self, whole: Journal) -> None:
        """The two kinds of bad time add up to the outage, and limited looks count for neither."""
        checkout = next(one for one in budgets(whole) if one.probe == "checkout")
        assert checkout.outage_s is not None
        assert checkout.degraded_s == pytest.approx(checkout.outage_s - (checkout.down_s or -1))
        assert (checkout.degraded_s or 0.0) > 1.9

    def test_a_limited_look_neither_ends_nor_lengthens_being_down(self) -> None:
        """Who was told to come back later saw nothing: down lasts until the next look that saw."""
        seen = (Health.OK, Health.DOWN, Health.LIMITED, Health.DOWN, Health.OK)
        looks = [e.Observation("shop", t, t, t, health) for t, health in enumerate(seen)]
        (spent,) = budgets(journals.journal([*looks]))
        assert (spent.outage_s, spent.down_s, spent.degraded_s) == (3.0, 3.0, 0.0)

    def test_an_outage_that_never_ended_is_a_lower_bound(self) -> None:
        """What was still bad at the last look has spent at least so much."""
        made = journals.journal([e.Observation("shop", t, t, t, Health.DOWN) for t in range(5)])
        (spent,) = budgets(made)
        assert (spent.open, spent.outage_s, spent.down_s) == (True, 4.0, 4.0)

    @given(st.lists(st.sampled_from(["plan", "limited"]), max_size=3))
    def test_no_look_is_never_no_outage(self, what: list[str]) -> None:
        """Where nobody could see, every number is missing and none is 0."""
        made = journals.journal([journals.header(), journals.plan()])
        for number, _ in enumerate(one for one in what if one == "limited"):
            made.add(e.Observation("checkout", number, number, number, Health.LIMITED))
        for spent in report(made).error_budgets:
            assert (spent.good, spent.valid, spent.outage_s) == (None, None, None)
            assert (spent.spent_ratio, spent.request_spent_ratio) == (None, None)


TIMES = (
    "due_s", "begun_s", "done_s", "undone_s", "sent_s", "pending_s", "firing_s", "notified_s",
    "delivered_s", "resolved_s", "injected_s", "effective_s", "healed_s", "measured_s",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, len(RECORDS) - 1), max_size=len(RECORDS)))
def test_a_missing_time_never_becomes_zero(kept: set[int]) -> None:
    """Whatever lines of a journal are lost, a time that nobody recorded stays missing."""
    made = journals.journal([RECORDS[index] for index in sorted(kept)])
    raw = msgspec.json.decode(render_json(made))
    for part in ("slas", "faults", "responses", "alerts", "comms"):
        for row in raw[part]:
            assert [name for name in TIMES if row.get(name) == 0] == []
    assert all(moment is None or moment["t_s"] > 0 for moment in raw["moments"].values())
    assert all(entry.t_s > 0 for entry in timeline(made))


@pytest.mark.no_cover
@settings(max_examples=10, deadline=None)
@given(st.integers(0, len(RECORDS)))
def test_any_prefix_of_an_incident_renders(length: int) -> None:
    """A drill may be killed in the middle of an answer, and its reports still come."""
    made = journals.journal(RECORDS[:length])
    report(made)
    assert b"</html>" in render_html(made)
    assert fold(made).budgets is not None
