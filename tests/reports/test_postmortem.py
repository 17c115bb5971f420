"""The postmortem: drafted from facts, finished by people, and theirs from then on."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from drill import events as e
from drill import incident as i
from drill.errors import BadInput
from drill.journal import Journal, encode
from experiments.cli_postmortem import postmortem
from reports.answers import check_postmortem
from reports.draft import MOST_DRAFTS, edited, marked, untouched, write_draft
from reports.fold import fold
from reports.hotfix import fill
from reports.markdown import escaped, link, to_html
from reports.postmortem import render_postmortem, summary
from reports.postmortem_files import check_file, make_postmortem, refresh_postmortem
from reports.write import load, write_all
from tests.reports import journals

RECORDS = journals.whole_incident()
ROOT = Path(__file__).parents[2]
FORMS = ROOT / ".github" / "PULL_REQUEST_TEMPLATE"
NASTY = "a|b <script>alert(1)</script> `x` [y](javascript:alert(2)) **z** &lt; <!-- c\n# h"


@pytest.fixture(scope="module")
def draft() -> str:
    return render_postmortem(journals.journal(RECORDS))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with the journal of a whole incident."""
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_bytes(b"".join(map(encode, RECORDS)))
    return folder


def finished(text: str) -> str:
    """What a person makes of a draft."""
    text = text.replace("**Owner:** TO FILL: who sees this through", "**Owner:** Ada")
    for label in ("Root cause", "Fix applied", "Guardrail"):
        begin = text.index(f"**{label}:** TO FILL")
        text = text[:begin] + f"**{label}:** we know now\n" + text[text.index("\n", begin) :]
    head, table = text.split("## Action items")
    return head + "## Action items" + table.replace("|  |  |  |", "| Prevent | Ada | 2026-12-01 |")


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

    def test_an_answer_may_have_several_lines(self, draft: str) -> None:
        """An answer goes on until the next empty line."""
        text = finished(draft).replace(
            "**Root cause:** we know now", "**Root cause:**\nthe network"
        )
        assert check_postmortem(text) == []


class TestFiles:
    def test_a_draft_is_made_anew_while_nobody_touched_it(self, run: Path) -> None:
        """Facts may still change a draft, and the page is made with it."""
        first = make_postmortem(run, load(run))
        second = make_postmortem(run, load(run))
        assert first.path == second.path
        assert second.notes == []
        assert sorted(path.name for path in run.glob("postmortem*")) == [
            "postmortem.html", "postmortem.md"
        ]  # fmt: skip

    def test_a_persons_words_are_never_written_over(self, run: Path) -> None:
        """An edited postmortem stays as it is, and the new draft lies beside it."""
        make_postmortem(run, load(run))
        mine = finished((run / "postmortem.md").read_text())
        (run / "postmortem.md").write_text(mine)
        made = make_postmortem(run, load(run))
        assert (run / "postmortem.md").read_text() == mine
        assert untouched((run / "postmortem.new.md").read_text())
        assert "was edited and is left alone" in made.notes[0]
        assert "we know now" in made.page.read_text()
        refresh_postmortem(run, load(run))
        assert (run / "postmortem.md").read_text() == mine

    def test_drafts_do_not_pile_up(self, tmp_path: Path) -> None:
        """When every place for a draft is taken by a person's file, it says so and stops."""
        for _ in range(MOST_DRAFTS):
            write_draft(tmp_path / "x.md", "draft").write_text("mine")
        with pytest.raises(BadInput, match="edited drafts lie here"):
            write_draft(tmp_path / "x.md", "draft")

    @given(st.text())
    def test_the_marker_tells_any_change(self, text: str) -> None:
        """A draft is untouched until one character of it changes."""
        made = marked(text)
        assert untouched(made)
        assert not untouched("x" + made)
        assert not untouched(text)

    def test_a_file_that_is_not_there_is_nobodys(self, tmp_path: Path) -> None:
        """What does not exist was not edited."""
        assert not edited(tmp_path / "none.md")

    def test_the_page_is_one_file_without_network(self, run: Path) -> None:
        """The page says what is still to fill, shows the tables, and fetches nothing."""
        page = make_postmortem(run, load(run)).page.read_text()
        assert "Not finished: " in page
        assert "<script" not in page
        assert "src=" not in page
        assert 'href="http' not in page
        assert "default-src 'none'" in page

    def test_a_drill_with_an_incident_gets_its_postmortem(self, run: Path) -> None:
        """The reports of such a drill include the draft, without anybody asking."""
        write_all(run, load(run))
        assert (run / "postmortem.md").exists()
        assert not list(run.glob(".*"))


class TestHotfix:
    def test_our_own_form_is_filled_without_a_word_left(self, run: Path) -> None:
        """The project's own HOTFIX form knows only placeholders that exist."""
        made = make_postmortem(run, load(run), FORMS / "HOTFIX_TEMPLATE.md")
        assert made.notes == []
        assert made.hotfix is not None
        text = made.hotfix.read_text()
        assert "{{" not in text
        assert "vauntico-server to v1.2.0" in text
        assert "1 declared, undecided seen" in text
        assert "TO FILL" in text

    def test_answers_come_from_the_edited_postmortem(self, draft: str) -> None:
        """What people wrote into the postmortem stands in the form as well."""
        filled = fill("{{root_cause}} {{ Guardrail }}", journals.journal(RECORDS), finished(draft))
        assert (filled.text, filled.unknown) == ("we know now we know now", [])

    def test_an_unknown_placeholder_stays_and_is_told(self, run: Path) -> None:
        """A form of the team's own may hold words that we do not know."""
        form = run / "form.md"
        form.write_text("{{title}} {{ticket}} {{ reviewer }}")
        made = make_postmortem(run, load(run), form)
        assert (
            "unknown placeholders were left as they are: {{reviewer}}, {{ticket}}" in made.notes[0]
        )
        assert (run / "hotfix.md").read_text().startswith("Paystack is unreachable {{ticket}}")

    def test_what_is_missing_is_missing(self) -> None:
        """A drill that was killed early fills nothing with a zero or a blank."""
        filled = fill("{{resolved}} {{rollback}} {{validated}} {{stable}}", Journal(), "")
        assert filled.text == "missing missing missing missing"

    def test_the_simple_form_stands_without_a_drill(self) -> None:
        """The form for small fixes is filled in by hand only."""
        assert "{{" not in (FORMS / "SIMPLE_FIX_TEMPLATE.md").read_text()


class TestCommand:
    def test_it_prints_the_paths_and_check_fails_until_it_is_finished(self, run: Path) -> None:
        """`drill postmortem` drafts; `--check` gives a line a gap and 1, then 0 when done."""
        where = [run.name, "--runs", str(run.parent)]
        made = CliRunner().invoke(postmortem, where)
        assert made.exit_code == 0
        assert str(run / "postmortem.md") in made.stdout
        checked = CliRunner().invoke(postmortem, ["--check", *where])
        assert checked.exit_code == 1
        lines = checked.stdout.splitlines()
        assert len(lines) == 10
        assert all(line.startswith(f"{run / 'postmortem.md'}:") for line in lines)
        path = run / "postmortem.md"
        path.write_text(finished(path.read_text()))
        assert CliRunner().invoke(postmortem, ["--check", str(path)]).exit_code == 0

    def test_it_takes_the_form_of_the_environment_that_was_drilled(
        self, run: Path, tmp_path: Path
    ) -> None:
        """The line that repeats the drill names the environment, which names the form."""
        (tmp_path / "form.md").write_text("HOTFIX {{severity}}")
        text = (ROOT / "environments" / "bundled.yaml").read_text()
        text = "\n".join(
            line for line in text.splitlines() if not line.startswith("hotfix_template")
        )
        (tmp_path / "own.yaml").write_text(text + "\nhotfix_template: form.md\n")
        given = ["--env", str(tmp_path / "own.yaml"), str(run)]
        made = CliRunner().invoke(postmortem, given)
        assert made.exit_code == 0, made.output
        assert (run / "hotfix.md").read_text().startswith("HOTFIX 1 declared")

    def test_an_environment_that_is_gone_costs_only_the_form(self, run: Path) -> None:
        """An old run's postmortem can be drafted when its environment no longer exists."""
        lines = (run / "journal.jsonl").read_bytes().replace(b"--env bundled", b"--env gone")
        (run / "journal.jsonl").write_bytes(lines)
        made = CliRunner().invoke(postmortem, [str(run)])
        assert made.exit_code == 0
        assert "no hotfix.md" in made.stderr
        assert (run / "postmortem.md").exists()

    def test_a_missing_file_is_bad_input(self, tmp_path: Path) -> None:
        """A run without a postmortem says how to make one."""
        with pytest.raises(BadInput, match="No such file or directory; `drill postmortem RUN`"):
            check_file(tmp_path)
