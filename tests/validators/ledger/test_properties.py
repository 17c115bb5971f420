"""What holds of every journal: hiding, repeating and reordering what was read."""

from random import Random

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from drill.journal import Journal
from drill.verdict import Verdict
from tests.validators.ledger import journals as j
from tests.validators.ledger.strategies import hidden, runs
from validators.checks.base import CheckSpec
from validators.checks.ledger import INVARIANTS, LosesNothing
from validators.ledger.judged import payments_of
from validators.ledger.told import payments_judged

KINDS: tuple[type[CheckSpec], ...] = (LosesNothing, *INVARIANTS)
CHECKS = [kind(check=str(kind.model_fields["check"].default)) for kind in KINDS]
ROWS = ("transactions", "refunds", "orders", "grants", "effects", "usable")
MANY = settings(max_examples=40, deadline=None)


def verdicts(journal: Journal) -> dict[str, Verdict]:
    """The verdict of every purchase, canary and check."""
    payments = payments_of(journal)
    assert payments is not None
    every = (*payments.judged, *payments.canaries)
    return {
        **{each.purchase.key: each.verdict for each in every},
        **{check.label: check.judge(journal).verdict for check in CHECKS},
    }


def told(journal: Journal) -> list[object]:
    """All that the judge would write."""
    return [payments_judged(journal, 1.0), *(check.judge(journal) for check in CHECKS)]


@pytest.mark.no_cover
@MANY
@given(runs(), st.data())
def test_hiding_a_reading_makes_no_pass_and_no_new_fail(run: j.Run, data: st.DataObject) -> None:
    """
    Whatever of the ledgers is hidden, nothing becomes a pass, and only what failed fails.
    """
    assert run.reads is not None
    kept = data.draw(hidden(run.reads))
    full, less = verdicts(run.journal()), verdicts(run.but(reads=kept).journal())

    for name, verdict in less.items():
        event(f"{full[name].word} to {verdict.word}")
        assert verdict in {full[name], Verdict.UNKNOWN}, (name, full[name].word, verdict.word)


@pytest.mark.no_cover
@MANY
@given(runs(), st.data())
def test_a_row_or_a_page_seen_twice_changes_nothing(run: j.Run, data: st.DataObject) -> None:
    """
    A list that moves while it is read gives rows again; they count once.
    """
    assert run.reads is not None
    reads = []
    for read in run.reads:
        again = {
            name: [*getattr(read, name), *data.draw(st.sampled_from(([], getattr(read, name))))]
            for name in ROWS
        }
        reads.append(msgspec.structs.replace(read, **again))
    page = data.draw(st.sampled_from(run.reads))

    assert told(run.but(reads=[*reads, page]).journal()) == told(run.journal())


@pytest.mark.no_cover
@MANY
@given(runs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_readings_changes_nothing(run: j.Run, random: Random) -> None:
    """
    No ledger promises an order, and none is relied upon.
    """
    reads = []
    for read in run.reads or ():
        rows = {name: list(getattr(read, name)) for name in ROWS}
        for each in rows.values():
            random.shuffle(each)
        reads.append(msgspec.structs.replace(read, **rows))
    random.shuffle(reads)

    assert told(run.but(reads=reads).journal()) == told(run.journal())


@pytest.mark.no_cover
@settings(max_examples=20, deadline=None)
@given(runs())
def test_one_journal_gives_one_finding(run: j.Run) -> None:
    """
    Judging is a function of the journal: twice the same journal, twice the same words.
    """
    assert told(run.journal()) == told(run.journal())
