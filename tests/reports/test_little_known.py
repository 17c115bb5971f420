"""What a drill lacks is told as missing, by whoever tells it."""

import re
from xml.etree import ElementTree as ET

import msgspec

from drill import events as e
from drill import incident as i
from drill.verdict import Health
from reports.chart import time_ticks
from reports.fold import fold
from reports.html import render_html
from reports.incident import fold_incident
from reports.junit import render_junit
from reports.postmortem import summary
from reports.text import render_text
from tests.reports import journals


def test_a_recovery_without_a_proven_heal_has_no_time() -> None:
    """What was good again before anybody saw the fault gone is not measured from nowhere."""
    back = e.Recovered(39.0, [e.Recovery("checkout", "recovered", 29.0, 28.9, 29.0)])
    made = journals.journal([journals.header(), journals.plan(), back])
    assert (fold(made).recovery.status, fold(made).recovery.value_s) == ("missing", None)
    assert "recovery unknown: nothing was judged after a proven heal, limit 30 s" in render_text(
        made
    )


def test_where_nothing_was_bad_no_recovery_is_claimed() -> None:
    """A fault that no probe felt was not recovered from in no time: nothing had to recover."""
    good = e.Recovered(39.6, [e.Recovery(name, "never_bad") for name in journals.SACRED])
    made = [journals.header(), journals.plan(), *journals.incident(), good]
    assert "nothing to recover from: no probe was ever bad" in render_text(journals.journal(made))


def test_a_drill_that_judged_nothing_is_an_error_in_ci() -> None:
    """An end without any finding is no success: JUnit counts one error."""
    end = e.End(1.2, journals.WALL_S + 1, "unknown", 3)
    suites = ET.fromstring(
        render_junit(journals.journal([journals.header(), journals.plan(), end]))
    )
    assert (suites.get("tests"), suites.get("errors")) == ("1", "1")
    assert "something was judged" in ET.tostring(suites, encoding="unicode")


def test_a_terminal_is_told_how_many_findings_it_is_not_shown() -> None:
    """Of a long list of failures the first are shown and the rest are counted."""
    found = [
        e.Found(1.0, f"check_{n}", "fail", f"reason {n}", f"f{n}", "application") for n in range(9)
    ]
    end = e.End(1.2, journals.WALL_S + 1, "fail", 1)
    text = render_text(journals.journal([journals.header(), journals.plan(), *found, end]))
    shown_here = sum(f"reason {n}" in text for n in range(9))
    assert 0 < shown_here < 9
    assert f"and {9 - shown_here} more that did not pass: see the report" in text
    assert "0 of 9 findings pass" in text


def test_a_drill_killed_at_once_has_no_time_to_divide() -> None:
    """A chart of nothing has no ticks, and a chart of a minute has round ones."""
    assert time_ticks(0.0) == []
    assert [tick.label for tick in time_ticks(60.0)] == [
        "0s", "10s", "20s", "30s", "40s", "50s", "1m",
    ]  # fmt: skip


def test_an_answer_without_its_plan_is_told_all_the_same() -> None:
    """Acts in a journal whose plan was lost are an incident, of a playbook that is missing."""
    act = journals.acted("a1", "acknowledge", "done", 15.6, "acknowledged")
    for before in ([journals.header()], []):
        story = fold_incident(journals.journal([*before, act]))
        assert story is not None
        assert (story.planned.playbook, story.planned.time_scale) == ("missing", 1.0)


def test_a_summary_claims_neither_a_heal_nor_a_hit_that_nobody_saw() -> None:
    """Killed in the fault: its healing is missing; probes that stayed good were not hit."""
    looks = [e.Observation("checkout", t, t, t + 0.1, Health.OK) for t in range(9)]
    begun = e.FaultChange(5.9, "f1", "intent")
    made = journals.journal([journals.header(), journals.plan(), begun, *looks])
    told = summary(fold(made))
    assert "was not shown to be in force, and its healing is missing" in told[0]
    assert "None of 1 probes was ever bad." in told


def test_the_headlines_interval_is_the_clocks() -> None:
    """Recovery is told as its clock has it: from the proof of the heal, and no sooner."""
    assert "recovered 3.412 s (-0.024/+0.000)" in render_text(journals.passing())

    early = e.Recovery("checkout", "recovered", 29.012, 25.4, 29.012)
    made = [one for one in journals.records() if not isinstance(one, e.Recovered)]
    told = render_text(journals.journal([*made, e.Recovered(39.6, [early])]))
    assert "recovered 3.412 s (-3.412/+0.000)" in told


def test_who_was_not_asked_to_answer_is_not_missing() -> None:
    """
    Detection, acknowledgement and resolution are only missing where the drill asked for them; its
    roles are shown where somebody was to act.
    """
    asked = journals.promised()
    alone = msgspec.structs.replace(asked, detections=[], acts=[], messages=[], escalations=[])
    for planned, word in ((asked, "missing"), (alone, "not asked for")):
        made = journals.journal([journals.header(), planned, journals.plan(), *journals.incident()])
        page = render_html(made).decode()
        for moment in ("detected", "acknowledged", "resolved"):
            assert re.search(rf"<td>{moment}</td><td class=\"[^\"]*\">{word}</td>", page), moment
        assert ("<h3>Roles</h3>" in page) is (planned is asked)
        alone_words = "Nobody was asked to answer it." in " ".join(summary(fold(made)))
        assert alone_words is (planned is alone)


def test_where_no_plan_is_recorded_nobody_is_said_not_to_have_been_asked() -> None:
    """A journal without the incident's plan does not know who was asked: that is missing."""
    acted = i.Acted(8.0, "a1", "acknowledge", "done", "ada", "incident-commander", "page")
    made = [journals.header(), journals.plan(), *journals.incident(), acted]
    told = " ".join(summary(fold(journals.journal(made))))
    assert "It was detected missing, acknowledged missing, resolved missing." in told
