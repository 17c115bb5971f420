"""A postmortem, its page and the HOTFIX form as files: ours until a person has edited them."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from drill.errors import BadInput
from drill.incident import ReleaseSeen
from drill.journal import Journal
from experiments.cli_postmortem import postmortem
from reports.draft import MOST_DRAFTS, edited, marked, untouched, write_draft
from reports.hotfix import fill, read_template
from reports.postmortem_files import check_file, make_postmortem, refresh_postmortem
from reports.write import load, write_all
from tests.reports import journals
from tests.reports.journals import finished

RECORDS = journals.whole_incident()
ROOT = Path(__file__).parents[2]
FORMS = ROOT / ".github" / "PULL_REQUEST_TEMPLATE"
NASTY = "a|b <script>alert(1)</script> `x` [y](javascript:alert(2)) **z** &lt; <!-- c\n# h"


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

    def test_a_form_that_somebody_edited_is_left_alone(self, run: Path) -> None:
        """A second filling goes beside the words of a person, and says so."""
        form = run / "form.md"
        form.write_text("{{title}}")
        make_postmortem(run, load(run), form)
        (run / "hotfix.md").write_text("a person's words")
        made = make_postmortem(run, load(run), form)
        assert (run / "hotfix.md").read_text() == "a person's words"
        assert any("hotfix.md was edited and is left alone" in note for note in made.notes)

    def test_without_a_rollback_the_form_names_what_it_could_go_back_to(self) -> None:
        """Nothing was rolled back: the stable tag stands there, and nothing else is claimed."""
        kept = [r for r in RECORDS if not isinstance(r, ReleaseSeen)]
        filled = fill("{{rollback}}", journals.journal([*kept]), "")
        assert filled.text == "nothing was rolled back; the last stable tag is v1.2.0"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "cannot be read: No such file"),
            (b"x" * 300_000, "larger than 256 KiB"),
            (b"caf\xe9", "not UTF-8 text"),
        ],
    )
    def test_a_form_that_is_none_is_named(
        self, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        """Not there, far too large or no text: the path and the way out are told."""
        path = tmp_path / "form.md"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInput, match=f"form.md: .*{reason}"):
            read_template(path)

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
