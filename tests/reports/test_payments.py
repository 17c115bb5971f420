"""What reports say of purchases comes from the journal's record of them, and from nothing else."""

from xml.etree import ElementTree as ET

import msgspec
import pytest

from drill.journal import Journal
from drill.payments_judged import JudgedClass, PaymentsJudged
from reports.html import render_html
from reports.json_report import Report, render_json
from reports.junit import render_junit
from reports.payments import at_risk, by_class
from reports.postmortem import render_postmortem
from reports.text import render_text
from tests.reports import journals

HIDDEN = "300 judged, 214 exposed: a loss rarer than 1 in 72 could have hidden (95 %)"
JUDGED = PaymentsJudged(
    39.8,
    intended=430,
    captured=301,
    judged=300,
    exposed=214,
    classes=[
        JudgedClass("ok", "pass", 420),
        JudgedClass("lost", "fail", 60, [f"i{n}" for n in range(50)]),
        JudgedClass("unknown", "unknown", 1, ["i99"]),
    ],
    at_risk={"NGN": 30_000_050, "USD": 900},
    sensitivity=HIDDEN,
    background=7,
    out_of_sight={"I-15": "no log of the shop's calls"},
    doubts=["1 unknown, <b>shop.grants</b> was not read: i99"],
    unexpected=["shop.grants g7"],
)


@pytest.fixture
def journal() -> Journal:
    """A failing drill that sold something."""
    made = journals.failing()
    made.add(JUDGED)
    return made


def test_json_holds_every_class(journal: Journal) -> None:
    """A number for what harms nobody, names for all else, and the true count beside them."""
    payments = msgspec.json.decode(render_json(journal), type=Report).payments

    assert payments is not None
    assert (payments.intended, payments.judged, payments.exposed) == (430, 300, 214)
    assert payments.classes["ok"] == 420
    assert payments.classes["duplicated"] == []
    assert payments.classes["unknown"] == ["i99"]
    assert payments.counts["lost"] == 60
    assert payments.amount_at_risk == {"NGN": 30_000_050, "USD": 900}
    assert payments.sensitivity == HIDDEN
    assert payments.background == 7


def test_without_purchases_there_is_nothing_to_say() -> None:
    """A drill that planned no payments has none in any report."""
    report = msgspec.json.decode(render_json(journals.failing()), type=Report)

    assert report.payments is None
    assert "payments:" not in render_text(journals.failing())
    assert b"<b>Payments:</b> not checked" in render_html(journals.failing())


def test_the_summary_stays_short(journal: Journal) -> None:
    """Two lines of payments, and never more than 25 in all."""
    text = render_text(journal)

    assert "payments: 430 intended, 420 ok, 60 lost, 1 unknown, 1 rows no intent" in text
    assert "at risk NGN 300,000.50, USD 9.00" in text
    assert HIDDEN in text
    assert len(text.splitlines()) <= 25


def test_the_page_names_the_purchases_and_escapes_what_it_is_told(journal: Journal) -> None:
    """Every class with its purchases, how many more there are, and no markup of staging's."""
    page = render_html(journal).decode()

    assert HIDDEN in page
    assert "i49 and 10 more" in page
    assert "&lt;b&gt;shop.grants&lt;/b&gt;" in page
    assert "I-15 is out of sight here:" in page
    assert "shop.grants g7" in page


def test_postmortem_and_junit_say_it_too(journal: Journal) -> None:
    """What the people read afterwards, and what CI keeps, has the same two lines."""
    printed = ET.fromstring(render_junit(journal)).findtext(".//system-out") or ""

    assert "a loss rarer than 1 in 72" in render_postmortem(journal)
    assert "a loss rarer than 1 in 72" in printed


def test_nothing_at_risk_and_nothing_judged_are_told() -> None:
    """An empty record makes words, not gaps."""
    empty = PaymentsJudged(1.0, 0, 0, 0, 0, [], {}, "0 judged", 0)

    assert (at_risk(empty), by_class(empty)) == ("none", "none was judged")
