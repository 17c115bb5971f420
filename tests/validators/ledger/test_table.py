"""The classifier against the table, transcribed a second time, over the whole finite space."""

import pytest

from drill.payments_judged import NAMES
from drill.verdict import Verdict
from tests.validators.ledger import oracle
from validators.ledger.table import MONEY, ORDERS, TOLD, Case, Policy, classify, worst

LETTERS = {Verdict.PASS: "P", Verdict.UNKNOWN: "U", Verdict.FAIL: "F"}
POLICY = ("refund_revokes", "refunds_settle")


def ours(case: oracle.Case) -> set[tuple[str, str]]:
    axes = {name: value for name, value in case.items() if name not in POLICY}
    policy = Policy(**{name: case[name] for name in POLICY})  # type: ignore[arg-type]
    found = classify(Case(**axes), policy)  # type: ignore[arg-type]
    return {(each.name, LETTERS[each.verdict]) for each in found}


def test_the_oracle_spans_the_same_space() -> None:
    """
    No value of any axis is missing from either side.
    """
    assert (set(oracle.TOLD), set(oracle.TABLE)) == (set(TOLD), set(MONEY))
    assert set(oracle.ORDERS) == set(ORDERS)


@pytest.mark.no_cover
def test_every_case_is_what_the_table_says() -> None:
    """
    All 107,520 cases have exactly the classes and verdicts of the table, and none has none.
    """
    cases = list(oracle.everything())
    wrong = [case for case in cases if not ours(case) or ours(case) != oracle.expected(case)]

    assert len(cases) == 5 * 16 * 3 * 7 * 2**6
    assert wrong[:3] == []


@pytest.mark.no_cover
def test_the_space_reaches_every_class() -> None:
    """
    No class is a dead name.
    """
    reached = {name for case in oracle.everything() for name, _ in ours(case)}

    assert reached == set(NAMES)


def test_the_worst_class_decides() -> None:
    """
    A lost and doubly charged purchase is no less a fail for a class that is only a note.
    """
    case = Case(told="paid", money="one_in_flight", grants=1, order="refunding")

    assert worst(classify(case, Policy())) is Verdict.UNKNOWN
    assert worst(classify(case, Policy(refunds_settle=False))) is Verdict.PASS
