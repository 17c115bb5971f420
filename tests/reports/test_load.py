"""What reports say of the customers of a drill, and of what was the limit."""

import msgspec
import pytest

from drill.journal import Journal
from drill.payments import LoadEnded, LoadPlanned, LoadSample
from drill.records import Record
from reports.html import render_html
from reports.json_report import Report, render_json
from reports.load import load_line, load_of
from reports.text import render_text
from tests.reports import journals

PLANNED = LoadPlanned(0.5, customers=20, workers=2, intents=430, plan="5eed")
SAMPLES = [
    LoadSample(3.0, 20, requests=90, failures=1, p50_ms=4, p95_ms=80, behind_s=0.1, cpu_ratio=0.2),
    LoadSample(4.0, 20, requests=60, failures=2, p50_ms=5, p95_ms=900, behind_s=0.0, cpu_ratio=0.4),
]


def bought(*more: LoadEnded) -> Journal:
    """A drill with customers."""
    journal = journals.passing()
    records: list[Record] = [PLANNED, *SAMPLES, *more]
    for record in records:
        journal.add(record)
    return journal


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("none", "nothing was the limit"),
        ("load", "load was the limit"),
        ("staging", "staging was the limit"),
        ("unknown", "not known what was the limit"),
    ],
)
def test_every_report_says_who_came_and_what_the_limit_was(limit: str, said: str) -> None:
    """Sums and worst samples in the JSON, the same sentence for people in the others."""
    ended = msgspec.convert(
        {"k": "load_end", "t": 9.0, "begun": 428, "finished": 420, "cut": 8, "limit": limit},
        LoadEnded,
    )
    journal = bought(ended)

    load = msgspec.json.decode(render_json(journal), type=Report).load

    assert load is not None
    assert (load.customers, load.workers, load.intents, load.plan) == (20, 2, 430, "5eed")
    assert (load.begun, load.finished, load.cut, load.limit) == (428, 420, 8, limit)
    assert (load.requests, load.failures, load.p95_ms, load.cpu_ratio) == (150, 3, 900, 0.4)
    sentence = f"20 customers, 428 of 430 purchases begun, 8 cut off; {said}"
    assert load_line(load) == sentence
    assert f"load: {sentence}" in render_text(journal)
    assert sentence in render_html(journal).decode()


def test_a_load_that_was_cut_short_is_told_as_far_as_it_is_known() -> None:
    """A drill that was killed knows its customers and not how they ended."""
    load = load_of(bought())

    assert load is not None
    assert load.limit is None
    assert load_line(load) == "20 customers, 430 purchases planned; how it ended is lost"


def test_a_drill_without_customers_has_no_load() -> None:
    """Null in the JSON, and not a word for people."""
    journal = journals.passing()

    assert msgspec.json.decode(render_json(journal), type=Report).load is None
    assert "load:" not in render_text(journal)
