"""What every drill promises, judged over hand-made journals."""

import pytest

from drill.events import Clean, FaultChange, PlannedFault, Remaining
from drill.records import Record
from drill.verdict import Cause, Verdict
from tests.validators.checks.faulted import (
    BLIND,
    FAIL,
    IN_FORCE,
    PASS,
    UNSURE,
    Seen,
    faulted,
    seen,
)
from validators.checks.always import ComesBackByItself, FaultHadEffect, LeavesStagingClean

CUT = PlannedFault("f1", "network.blackhole", "redis", "{}", "", 0.0, 10.0)
KILLED = PlannedFault("f1", "container.kill", "redis", "{}", "", 0.0)
ARMED, INTENT = FaultChange(9.0, "f1", "armed"), IN_FORCE[0]


@pytest.mark.parametrize(
    ("records", "expected", "words"),
    [
        ((), PASS, "f1: seen; felt by shop"),
        ((ARMED,), UNSURE, "f1 (container.pause) was never injected"),
        ((INTENT,), UNSURE, "f1 (container.pause on redis) was injected, but nothing showed it"),
    ],
)
def test_a_fault_that_nothing_showed_proves_nothing(
    records: tuple[Record, ...], expected: Seen, words: str
) -> None:
    """
    Armed only, injected only, and shown in force: each is told apart.
    """
    found = FaultHadEffect().judge(faulted(*records, shop="g" * 10 + "d" * 10))

    assert (seen(found), words in found.reason) == (expected, True), found.reason


def test_a_cut_that_nobody_felt_put_nothing_to_the_test() -> None:
    """
    A paused container shows itself; a cut between services has to be noticed by somebody.
    """
    cut = FaultHadEffect().judge(faulted(fault=CUT, shop="g" * 20))
    paused = FaultHadEffect().judge(faulted(shop="g" * 20))

    assert (seen(cut), seen(paused)) == (BLIND, PASS)


@pytest.mark.parametrize(
    ("by", "expected", "words"),
    [
        ("itself", PASS, "1 of 1 came back"),
        ("drill", FAIL, "redis did not come back by its own restart policy; the drill had to act"),
        ("", UNSURE, "redis was not seen back"),
    ],
)
def test_what_was_killed_has_to_come_back_by_itself(by: str, expected: Seen, words: str) -> None:
    """
    Having to start it is a failure, and not having seen it back is no success.
    """
    healed = [FaultChange(12.0, "f1", "healed", by=by)] if by else []
    found = ComesBackByItself().judge(faulted(*IN_FORCE, *healed, fault=KILLED))

    assert (seen(found), words in found.reason) == (expected, True), found.reason


def test_what_is_left_on_staging_fails_with_its_command() -> None:
    """
    Clean by proof passes, a remainder fails and gives the command that heals it.
    """
    left = [Remaining("redis is paused", "drill heal")]
    clean = LeavesStagingClean().judge(faulted(Clean(30.0, 0.0, "looked at all containers")))
    dirty = LeavesStagingClean().judge(faulted(Clean(30.0, 0.0, "", left)))

    assert (seen(clean), clean.reason) == (PASS, "looked at all containers")
    assert (seen(dirty), dirty.reason) == (
        (Verdict.FAIL, Cause.HARNESS),
        "redis is paused: drill heal",
    )
