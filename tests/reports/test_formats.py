"""Every format tells the same truth, whatever the journal holds and wherever it ends."""

import io
import random
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from drill import events as e
from drill.errors import BadInput
from drill.journal import Journal, encode
from drill.verdict import Health
from reports.chart import MOST_MARKS, latency
from reports.fold import fold
from reports.html import render_html
from reports.json_report import Report, render_json
from reports.junit import render_junit
from reports.live import LiveView, plain_line
from reports.text import render_text
from reports.write import load, write_all
from tests.reports import journals

RECORDS = journals.records(failing=True)
NASTY = "<script>alert(1)</script>\x1b[2J\x00\u202e"


def decoded(journal: Journal) -> Report:
    """The report, read back strictly."""
    return msgspec.json.decode(render_json(journal), type=Report)


def shown(journal: Journal) -> str:
    """The live view as text."""
    console = Console(file=io.StringIO(), width=120, no_color=True)
    console.print(LiveView(journal).renderable(10.0))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def render_all(journal: Journal) -> None:
    """Every format once; each must stay within its own promise."""
    decoded(journal)
    ET.fromstring(render_junit(journal))
    assert b"</html>" in render_html(journal)
    assert len(render_text(journal).splitlines()) <= 25
    assert shown(journal)


@pytest.mark.no_cover
@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(RECORDS)))
def test_any_prefix_renders_in_every_format(length: int) -> None:
    """A drill may be killed after any line, and its reports still come."""
    render_all(journals.journal(RECORDS[:length]))


@pytest.mark.parametrize("name", ["passing", "failing", "aborted", "torn", "unknown"])
def test_every_kind_of_drill_renders(name: str) -> None:
    """Pass, fail, unknown, aborted and torn journals render in every format."""
    render_all(getattr(journals, name)())


def test_a_passing_drill_says_so_first() -> None:
    """Clean line, verdict and recovery with its interval are all there."""
    text = render_text(journals.passing(), Path("runs/x"))
    assert text.startswith("staging is clean, proven ")
    assert "✔ PASS  Paystack is unreachable" in text
    assert "recovered 3.412 s (-0.024/+0.000), limit 30 s, slowest: checkout" in text
    assert "report: runs/x/report.html" in text
    assert "--seed 7  (seed 7, commit 294bbf3 + uncommitted changes)" in text


def test_what_was_good_before_the_heal_has_no_negative_recovery() -> None:
    """A probe that came back while the fault was in force is told so, without a minus."""
    journal = journals.passing()
    journal.add(e.Recovered(39.6, [e.Recovery("checkout", "recovered", 20.0, 19.0, 20.0)]))
    text = render_text(journal)
    assert "good again 5.600 s before the heal already, limit 30 s, slowest: checkout" in text
    assert "recovered -" not in text


def test_a_failing_drill_names_what_is_left_and_why() -> None:
    """The heal command, the reason and the cause are in the first lines."""
    text = render_text(journals.failing())
    assert text.startswith("staging is NOT clean: 1 nftables table in vauntico-server\n")
    assert "heal it: drill heal --env bundled" in text
    assert "[application]\n    checkout was never good again for 5 s\n" in text
    assert "NOT recovered" in text
    assert "recover      censored  > 3.412 s, 30 s" in text


@pytest.mark.parametrize("name", ["aborted", "torn"])
def test_a_drill_without_an_end_is_unknown(name: str) -> None:
    """No end means no verdict and no proof that staging is clean."""
    journal = getattr(journals, name)()
    report = decoded(journal)
    assert (report.verdict, report.exit_code, report.clean.at) == ("unknown", None, None)
    assert "NOT proven clean" in render_text(journal)
    assert report.finished_at is None
    assert ET.fromstring(render_junit(journal)).get("errors") == "1"


def test_json_holds_the_numbers() -> None:
    """Counts, outages, faults and moments are those of the journal."""
    report = decoded(journals.passing())
    checkout = next(probe for probe in report.probes if probe.name == "checkout")
    assert checkout.observations == 400
    assert checkout.ok + checkout.degraded + checkout.down == 400
    assert len(checkout.outages) == 1
    assert checkout.recovered is not None
    assert checkout.recovered.t_s == 29.012
    assert report.probes[0].sacred
    assert report.faults[0].healed_s == 25.6
    assert report.faults[0].healed_by == "drill"
    assert report.stack[0].faulted
    assert report.moments["recovered"] is None
    assert report.moments["healed"] is not None


def test_junit_counts_failures_and_unknowns() -> None:
    """A failure is a failure, an unknown an error, so that neither is green."""
    suite = ET.fromstring(render_junit(journals.failing()))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    suite = ET.fromstring(render_junit(journals.unknown()))[0]
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("type") == "unknown"


def test_what_staging_answers_cannot_act_on_a_reader() -> None:
    """Markup is escaped in the page, control characters reach neither XML nor terminal."""
    journal = journals.journal([journals.header(NASTY), journals.plan()])
    journal.add(e.Found(1.0, NASTY, "fail", NASTY, "x", NASTY))
    journal.add(e.EvidenceKept(1.0, "log", "javascript:alert(1)", NASTY))
    journal.add(e.Observation(NASTY, 0, 0, 1, 3, NASTY))
    page = render_html(journal).decode()
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "\x1b" not in render_text(journal)
    assert "\x1b" not in shown(journal)
    ET.fromstring(render_junit(journal))
    decoded(journal)


def test_the_page_needs_no_network() -> None:
    """Nothing in the page is fetched from anywhere."""
    page = render_html(journals.failing()).decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert len(page) < 200_000


def test_the_latency_chart_is_an_element_of_the_page() -> None:
    """The drawing comes with the page's colours and native tooltips, and with nothing else."""
    page = render_html(journals.passing()).decode()
    svg = page[page.index("<svg", page.index("latency over time")) :].partition("</svg>")[0]
    assert "viewBox=" in svg
    assert "var(--down)" in svg
    assert "<title>checkout at " in svg
    assert ">100 ms</text>" in svg
    assert not re.search(r"<\?xml|<script|<desc|<!--|xmlns|url\(", page)
    assert all(type(hook).__module__ != "pygal" for hook in sys.meta_path)


def test_a_long_drill_keeps_its_extremes() -> None:
    """However many looks there are, each column's slowest and each bad moment have a mark."""
    journal = journals.journal([journals.header(), journals.plan()])
    dice = random.Random(3)
    for k in range(20_000):
        took, health = dice.uniform(0.01, 0.3), Health.OK
        if k % 4_000 == 17:
            took, health = 0.8, Health.DOWN
        journal.add(e.Observation("checkout", k / 10, k / 10, k / 10 + took, health))
    journal.add(e.Observation("checkout", 1000.01, 1000.01, 1007.01, Health.OK))
    chart = latency(journal, 2000.0)
    assert chart is not None
    assert 2_000 < chart.svg.count("<circle") <= MOST_MARKS
    assert chart.svg.count("800.0 ms, down") == 5
    assert "checkout at 1000.010 s: 7000.0 ms, ok" in chart.svg
    assert chart.told == "2,500 marks for 20,001 looks, no extreme left out"


def test_where_every_column_has_extremes_each_kind_keeps_its_own() -> None:
    """More extremes than marks: columns grow wider, and each kind's slowest look still stays."""
    journal = journals.journal([journals.header(), journals.plan()])
    dice, slowest = random.Random(5), dict.fromkeys(Health, 0.0)
    for k in range(20_000):
        health, took = dice.choice(list(Health)), 10 ** dice.uniform(-3, 0.5)
        slowest[health] = max(slowest[health], took)
        journal.add(e.Observation("checkout", k / 10, k / 10, k / 10 + took, health))
    chart = latency(journal, 2000.0)
    assert chart is not None
    assert chart.svg.count("<circle") <= MOST_MARKS
    for health, took in slowest.items():
        assert f"{took * 1000:.1f} ms, {health.word}" in chart.svg


def test_a_check_of_many_probes_is_named_by_their_count() -> None:
    """The heading stays short and the page lists the probes below."""
    journal = journals.journal([journals.header(), journals.plan()])
    journal.add(e.Found(1.0, "recovers_within(a, b, c, d)", "fail", "a was down", "x"))
    journal.add(e.Found(1.0, "stays_available(a, b)", "fail", "a was down", "y"))
    text = render_text(journal)
    assert "fail recovers_within (4 probes) [cause unknown]\n" in text
    assert "fail stays_available(a, b) [cause unknown]\n" in text
    assert "probes: a, b, c, d<" in render_html(journal).decode()


def test_small_screenshots_are_inlined_and_only_from_the_run(tmp_path: Path) -> None:
    """A picture in the run's folder is in the page, one outside never."""
    (tmp_path / "run" / "evidence").mkdir(parents=True)
    (tmp_path / "run" / "evidence" / "first-bad.png").write_bytes(b"picture")
    (tmp_path / "secret.png").write_bytes(b"secret")
    journal = journals.passing()
    journal.add(e.EvidenceKept(1.0, "screenshot", "../secret.png", "x"))
    page = render_html(journal, tmp_path / "run").decode()
    assert page.count("data:image/png;base64,") == 1


def test_reports_are_written_whole_and_read_again(tmp_path: Path) -> None:
    """Three reports, no leftovers, and `latest` points at the newest run."""
    for name in ("one", "two"):
        run = tmp_path / name
        run.mkdir()
        (run / "journal.jsonl").write_bytes(b"".join(map(encode, RECORDS)) + b'{"k":"ph')
        write_all(run, load(run))
    written = sorted(path.name for path in (tmp_path / "two").iterdir())
    assert written == ["journal.jsonl", "junit.xml", "report.html", "report.json"]
    assert (tmp_path / "latest").resolve().name == "two"
    assert load(tmp_path / "latest").torn
    with pytest.raises(BadInput, match=r"nowhere/journal\.jsonl: No such file"):
        load(tmp_path / "nowhere")


def test_plain_lines_are_one_calm_line_a_change() -> None:
    """Phases, faults and findings speak; observations and intents are silent."""
    lines = [line for line in map(plain_line, RECORDS) if line]
    assert "   5.500 s  faults" in lines
    assert any("fault f1: effective (SYN to api.paystack.co unanswered)" in line for line in lines)
    assert not any("intent" in line for line in lines)
    assert all("\n" not in line and len(line) < 130 for line in lines)
    assert len(lines) < 20


def test_what_ends_a_drill_early_speaks() -> None:
    """An engine that is lost or back and an abort have their line; a container's event has none."""
    saw = [e.EngineSaw(1.0, "", action, "", 0.0) for action in (e.ENGINE_LOST, e.ENGINE_BACK)]
    assert [*map(plain_line, saw), plain_line(e.Aborted(2.0, "SIGTERM"))] == [
        "   1.000 s  the container engine does not answer",
        "   1.000 s  the container engine answers again",
        "   2.000 s  aborted: SIGTERM",
    ]
    assert plain_line(e.EngineSaw(1.0, "redis", "die", "c", 0.0)) is None


def test_live_view_marks_the_sacred() -> None:
    """Sacred probes come first with a star, and a fault shows its state."""
    text = shown(journals.aborted())
    assert "★ legacy-tree" in text
    assert text.index("★ love-loops") < text.index("checkout")
    assert "network.blackhole on vauntico-server" in text


def test_live_view_shows_no_probe_before_its_first_look() -> None:
    """That somebody asked for a probe's observations is no look at it."""
    journal = journals.journal([journals.header(), journals.plan()])
    journal.columns("love-loops")
    assert "love-loops" not in shown(journal)


def test_a_probe_that_never_looked_is_told() -> None:
    """A planned probe without observations has a row of zeros."""
    assert all(probe.observations == 0 for probe in fold(journals.unknown()).probes)
