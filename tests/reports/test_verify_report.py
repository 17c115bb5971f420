"""A run without faults speaks of what works now, and never of a recovery or a severity."""

import io
import re

import msgspec
import pytest
from rich.console import Console

from drill import events as e
from drill.journal import Journal
from reports.html import render_html
from reports.json_report import Report, render_json
from reports.junit import render_junit
from reports.live import LiveView
from reports.text import render_text
from tests.reports import journals


def live(journal: Journal) -> str:
    console = Console(file=io.StringIO(), width=120, no_color=True)
    console.print(LiveView(journal).renderable(3.0))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def page(journal: Journal) -> str:
    """What a reader of the page sees, without its style and tags."""
    html = render_html(journal).decode()
    return re.sub(r"<[^>]*>", " ", html[html.index("<body>") :])


@pytest.mark.parametrize("bad", ["", "checkout"])
def test_nothing_is_said_of_what_was_not_there(bad: str) -> None:
    """No format of a run without faults speaks of severity, recovery, clocks or staging's heal."""
    journal = journals.verified(bad)
    told = [render_text(journal), page(journal), live(journal), render_junit(journal).decode()]
    for text in told:
        for word in ("severity", "recover", "heal", "Clocks", "fault in force", "No fault was"):
            assert word not in text, word
    assert "repeat: drill verify --env bundled  (commit" in told[0]


def test_everything_works_now_is_said_once_it_does() -> None:
    """The text, the page and the file for CI say it in the same words."""
    journal = journals.verified()
    text = render_text(journal)
    assert text.startswith("nothing was touched: this run only looked at staging\n✔ PASS  Does ")
    for told in (text, page(journal), render_junit(journal).decode()):
        assert "everything works now" in told
    assert "every look good" in page(journal)


def test_what_does_not_work_is_named() -> None:
    """A probe that was bad stands in the first lines, and the rest is not claimed for it."""
    journal = journals.verified("checkout")
    text = render_text(journal)
    assert "✖ FAIL" in text
    assert "not good now: checkout; all else works (4)" in text
    assert "everything works now" not in text + page(journal)
    assert "1 of 5 looks not good" in page(journal)


def test_a_probe_without_a_look_is_not_called_good() -> None:
    """Where a probe gave no answer at all the page says so in its row."""
    whole = journals.verified()
    seen = [e.Observation(name, 1.0, 1.0, 1.1, 0) for name in journals.SACRED]
    journal = journals.journal([*whole.events, *seen])
    assert page(journal).count("not looked at") == 1
    assert page(journal).count("every look good") == len(journals.SACRED)


def test_a_run_without_faults_that_was_cut_short_claims_nothing() -> None:
    """Killed before it judged, it says that nobody knows what works."""
    whole = journals.verified()
    journal = journals.journal([e for e in whole.events if e.t < 5])
    text = render_text(journal)
    assert "whether everything works now is not known" in text
    assert "the look did not end by itself" in text


def test_no_severity_is_declared_without_a_fault() -> None:
    """The report for machines has null where a drill has its severity."""
    report = msgspec.json.decode(render_json(journals.verified()), type=Report)
    assert (report.severity.declared, report.severity.seen) == (None, None)
    drill = msgspec.json.decode(render_json(journals.passing()), type=Report)
    assert drill.severity.declared == 1
