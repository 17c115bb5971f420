"""What `make prove-validators` goes by: every bug has its scenario, and every finding exists."""

import re
from pathlib import Path

from tests.proving import cases
from validators.checks.ledger import CHECKS, INVARIANTS

ROOT = Path(__file__).resolve().parents[1]


def test_every_planted_bug_has_a_scenario_of_its_own() -> None:
    """
    The table of bugs and the directed scenarios name the same bugs by the same numbers.
    """
    table = (ROOT / "staging/bugs.md").read_text()
    rows = re.findall(r"^\| (\d+) S? ?\| `(\w+)`", table, re.MULTILINE)
    assert len(rows) == 30

    named = {(case.number, case.bug) for case in cases(set())}

    assert named == {(int(n), bug) for n, bug in rows}


def test_every_finding_that_must_name_a_bug_is_a_check() -> None:
    """
    A scenario cannot wait for a finding that no check gives.
    """
    known = {str(check.model_fields["check"].default) for check in (*CHECKS, *INVARIANTS)}

    assert {case.finding for case in cases(set())} <= known
