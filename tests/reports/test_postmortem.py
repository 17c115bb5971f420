"""The postmortem: drafted from facts, finished by people, and theirs from then on."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drill import events as e
from drill import incident as i
from drill.verdict import Health
from reports.answers import answers, check_postmortem
from reports.fold import fold
from reports.markdown import escaped, link, to_html
from reports.postmortem import detection, journeys, render_postmortem, summary
from tests.reports import journals
from tests.reports.journals import finished

RECORDS = journals.whole_incident()
ROOT = Path(__file__).parents[2]
FORMS = ROOT / ".github" / "PULL_REQUEST_TEMPLATE"
NASTY = "a|b <script>alert(1)</script> `x` [y](javascript:alert(2)) **z** &lt; <!-- c\n# h"


class TestDraft:
    def test_the_summary_is_short_and_true(self) -> None:
        """Two to four sentences say what broke, what it hit, who answered and how it ended."""
        told = summary(fold(journals.journal(RECORDS)))
        assert 2 <= len(told) <= 4
        assert (
            "network.blackhole on vauntico-server was injected and healed after 19.7 s" in told[0]
        )
        assert "1 of 5 probes were bad (checkout; no sacred feature)" in told[1]
        assert "acknowledged at 15.600 s by ada" in told[2]
        assert "4 findings: 2 failed, 1 unknown" in told[3]

    @pytest.mark.parametrize(
        "fact",
        [
            "| Severity seen | undecided: no sacred feature was down |",
            "| communications-lead | nobody | auto |",
            "Purchases: unknown: the ledger was not read",
            "| checkout | 170 of 400 | 2.034 s | 21.001 s | 0.887 % | 0.889 % |",
            "fired at 13.000 s, 7.050 s after the fault was in force",
            "scrape 1 s + evaluation 1 s + for 5 s + group wait 500 ms; 2 series",
            "| acknowledge | met | 2.600 s (-0.100/+1.000) | 15 m of the playbook, here 15 s |",
            "the cause is the injected fault (network.blackhole on vauntico-server)",
            "the alert HighErrorRate cannot fire: its expression has no series",
            "dependency_updates does not hold: pip monthly",
            "How would we have cut that time by half?",
            "| 2 | alerts_can_fire (fail): HighErrorRate has no series |  |  |  | `b1` |",
            "[evidence/first-bad.png](./evidence/first-bad.png)",
        ],
    )
    def test_it_states_what_the_journal_knows(self, draft: str, fact: str) -> None:
        """Each part of the postmortem is made from the facts."""
        assert fact in draft

    def test_what_nobody_measured_says_so(self) -> None:
        """A drill without ledger, journeys and people claims nothing about them."""
        text = render_postmortem(journals.unknown())
        claims = ["Purchases: not measured.", "not measured: no journey was walked"]
        claims += ["names no roles", "No act of the playbook", "No fault was injected"]
        for words in claims:
            assert words in text
        assert "| checkout | missing | missing | missing | missing | missing |" in text
        assert "0.000 s" not in text

    def test_the_journeys_that_failed_are_named_with_their_counts(self) -> None:
        """Walked and good, walked and bad, planned and never walked: only the bad one is named."""
        names = ("paystack-checkout", "customer-flows", "never-walked")
        probes = [e.PlannedProbe(name, "journey", False, 5.0, 20.0) for name in names]
        seen = (Health.OK, Health.DOWN, Health.DEGRADED, Health.OK)
        bad = [e.Observation(names[0], t, t, t + 1, health) for t, health in enumerate(seen)]
        good = [e.Observation(names[1], t, t, t + 1, Health.OK) for t in range(2)]
        planned = e.Planned(0.1, [], probes, [], 1.0)
        assert journeys(fold(journals.journal([journals.header(), planned, *bad, *good]))) == (
            "paystack-checkout: 1 down and 1 degraded of 4 walks"
        )
        assert journeys(fold(journals.journal([journals.header(), planned, *good]))) == (
            "none of 1 journeys failed"
        )

    def test_an_incident_whose_alerts_all_fired_misses_none(self) -> None:
        """Nothing is said of alerts that never fired where each promised one did."""
        fired = [*RECORDS, journals.seen("HighErrorRate", "firing", 14.0)]
        told = detection(fold(journals.journal(fired)))
        assert not any("never seen firing" in line for line in told)
        assert any(
            "never seen firing" in line for line in detection(fold(journals.journal(RECORDS)))
        )

    def test_a_limit_that_was_nearly_missed_was_luck(self) -> None:
        """Met with less than a tenth to spare is where luck was had; met with half of it is not."""
        close = e.SlaJudged(39.7, "resolve", 60.0, "met", 58.0, 57.0, 58.0)
        calm = e.SlaJudged(39.7, "acknowledge", 60.0, "met", 30.0, 29.0, 30.0)
        text = render_postmortem(journals.journal([*RECORDS, close, calm]))
        assert "resolve was met with less than a tenth of its limit to spare" in text
        assert "acknowledge was met with less than a tenth" not in text

    @pytest.mark.no_cover
    @pytest.mark.no_cover
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, len(RECORDS)))
    def test_any_prefix_of_the_journal_makes_a_draft(self, length: int) -> None:
        """A killed drill has a postmortem too, and it is never complete by itself."""
        text = render_postmortem(journals.journal(RECORDS[:length]))
        assert text.startswith("# Postmortem: ")
        assert check_postmortem(text)
        assert "<table>" in to_html(text)

    def test_what_staging_answers_stays_text(self) -> None:
        """Nothing that a service, a server or a file name says becomes markup or breaks a table."""
        made = journals.journal([journals.header(NASTY), journals.plan(), journals.promised()])
        made.add(i.Acted(1.0, "x", NASTY, "done", NASTY, NASTY, "page", "resolved", NASTY))
        made.add(e.Found(1.0, NASTY, "fail", NASTY, NASTY, NASTY, [NASTY, "../../etc/passwd"]))
        made.add(e.EvidenceKept(1.0, "log", "javascript:alert(3)", NASTY))
        text = render_postmortem(made)
        page = to_html(text)
        assert "<script" not in page
        assert 'href="javascript' not in page
        assert "<strong>z" not in page
        assert 'passwd"' not in page
        rows = [line for line in text.split("## Action items")[1].splitlines() if "| 1 |" in line]
        assert len(rows) == 1
        assert len(check_postmortem(text)) == 6

    @given(st.text(max_size=60))
    def test_any_text_stays_one_line_and_no_markup(self, text: str) -> None:
        """Escaped text renders as one paragraph of plain text within a sentence."""
        made = escaped(f"x{text}x")
        assert "\n" not in made
        assert to_html(f"a {made} b").count("<") == 2

    def test_only_files_of_the_run_become_links(self) -> None:
        """A page links its own evidence and never leads anywhere else."""
        assert link("evidence/a.png") == "[evidence/a.png](./evidence/a.png)"
        for other in ("http://evil/x", "evidence/../../x", "javascript:x", "/etc/passwd"):
            assert link(other).startswith("`")


class TestCheck:
    def test_a_draft_lacks_all_that_only_people_know(self, draft: str) -> None:
        """Root cause, fix, guardrail, owners and due dates are each named with their line."""
        problems = {problem.text: problem.line for problem in check_postmortem(draft)}
        lines = draft.splitlines()
        for label in ("Root cause", "Fix applied", "Guardrail", "Owner"):
            line = problems[f"{label.lower()} is still to fill"]
            assert lines[line - 1].startswith(f"**{label}:**")
        assert {"action item 3 has no owner", "action item 3 has no due date"} <= set(problems)

    def test_a_finished_one_passes(self, draft: str) -> None:
        """When people have answered everything, nothing is left."""
        assert check_postmortem(finished(draft)) == []

    @pytest.mark.parametrize("nothing", ["", " TBD", " -", " to fill", " ?", " n/a", " TODO:"])
    def test_a_placeholder_is_no_answer(self, draft: str, nothing: str) -> None:
        """Words that say nothing count as nothing."""
        text = finished(draft).replace("**Guardrail:** we know now", f"**Guardrail:**{nothing}")
        assert [problem.text for problem in check_postmortem(text)] == [
            "guardrail is still to fill"
        ]

    def test_a_hidden_answer_is_no_answer(self, draft: str) -> None:
        """What stands in a comment is read by nobody."""
        text = finished(draft).replace("**Guardrail:** we know now", "**Guardrail:** <!-- yes -->")
        assert len(check_postmortem(text)) == 1

    def test_a_due_date_is_a_date(self, draft: str) -> None:
        """`soon` is due never."""
        text = finished(draft).replace("| 2026-12-01 | `b1`", "| soon | `b1`")
        (problem,) = check_postmortem(text)
        assert problem.text == "action item 2: 'soon' is no date; write YYYY-MM-DD"

    def test_no_action_items_needs_a_reason(self, draft: str) -> None:
        """Who needs no action says why; an empty table alone is an oversight."""
        head = finished(draft).split("## Action items")[0] + "## Action items\n\n"
        assert len(check_postmortem(head)) == 1
        assert check_postmortem(head + "No action items: the drill found nothing.\n") == []

    def test_an_answer_may_be_the_end_of_the_file(self) -> None:
        """What follows the label counts to the last line, whether or not anything ends it."""
        assert answers("**Owner:** Ada\nand Tau")["Owner"].text == "Ada and Tau"

    def test_an_answer_may_have_several_lines(self, draft: str) -> None:
        """An answer goes on until the next empty line."""
        text = finished(draft).replace(
            "**Root cause:** we know now", "**Root cause:**\nthe network"
        )
        assert check_postmortem(text) == []
