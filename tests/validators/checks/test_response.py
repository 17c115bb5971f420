"""The promises about people's answer, judged over hand-made journals."""

import msgspec
import pytest

from drill.events import Event, Observation
from drill.incident import (
    Escalated,
)
from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from tests.validators.checks.response_journals import acted, journal, moment, planned
from validators.checks.base import Finding
from validators.checks.response import (
    IMPLIED,
    AcknowledgesInTime,
    ContainmentHolds,
    EscalatesInTime,
    ResolvesInTime,
    RolesAreHeld,
)

OK, DEGRADED, LIMITED, DOWN = Health.OK, Health.DEGRADED, Health.LIMITED, Health.DOWN
UNDONE = 20.0


def looked(made: Journal, *looks: tuple[float, float, Health], probe: str = "pay") -> Journal:
    for sent, got, health in looks:
        made.add(Observation(probe, sent, sent, got, health, health.word))
    return made


def contained(*looks: tuple[float, float, Health]) -> Finding:
    made = journal(moment("contained", 10.0), acted("contain.disable_feature", "undoing", UNDONE))
    return ContainmentHolds(probes=("pay",)).judge(looked(made, *looks))


def test_containment_that_holds() -> None:
    """
    Only polite refusals between containment and its undo; what overlaps either end is not counted.
    """
    found = contained(
        (9, 11, OK), (11, 12, DEGRADED), (13, 14, LIMITED), (19, 21, OK), (22, 23, OK)
    )

    assert (found.verdict, found.reason) == (
        Verdict.PASS,
        "pay was refused politely in all 1 looks",
    )


@pytest.mark.parametrize(
    ("health", "words"), [(OK, "a payment could be started"), (DOWN, "was down instead of")]
)
def test_containment_that_leaks(health: Health, words: str) -> None:
    """
    One payment that could start, or one customer left without a word, fails it.
    """
    found = contained((11, 12, DEGRADED), (15, 16, health))

    assert found.verdict is Verdict.FAIL
    assert found.cause is Cause.APPLICATION
    assert words in found.reason
    assert "1 of 2 looks" in found.reason


@pytest.mark.parametrize("looks", [(), ((9.0, 11.0, OK),), ((11.0, 12.0, LIMITED),)])
def test_containment_nobody_looked_at(looks: tuple[tuple[float, float, Health], ...]) -> None:
    """
    Without a look that says anything in the window it is unknown.
    """
    assert contained(*looks).verdict is Verdict.UNKNOWN


def test_containment_that_never_was() -> None:
    """
    Without the moment there is nothing to judge.
    """
    made = looked(journal(), (11, 12, DEGRADED))

    assert ContainmentHolds(probes=("pay",)).judge(made).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("at", "early", "end", "verdict"),
    [
        (15.0, 0.0, 100.0, Verdict.PASS),
        (20.5, 0.0, 100.0, Verdict.FAIL),
        (20.5, 1.0, 100.0, Verdict.UNKNOWN),
        (None, 0.0, 100.0, Verdict.FAIL),
        (None, 0.0, 12.0, Verdict.UNKNOWN),
    ],
    ids=["met", "missed", "between", "missing", "censored"],
)
def test_acknowledged_in_time(at: float | None, early: float, end: float, verdict: Verdict) -> None:
    """
    Fifteen minutes at sixty to one are fifteen seconds from the detection; missing is never met.
    """
    marks = [moment("detected", 5.0)] + ([] if at is None else [moment("acknowledged", at, early)])

    assert AcknowledgesInTime().judge(journal(*marks, end=end)).verdict is verdict


def test_resolved_in_time() -> None:
    """
    The limit is told on both clocks, and without a detection no clock runs.
    """
    found = ResolvesInTime().judge(journal(moment("detected", 5.0), moment("resolved", 50.0)))

    assert found.verdict is Verdict.PASS
    assert "limit 1h, here 60 s" in found.reason
    assert ResolvesInTime().judge(journal()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("role", "verdict", "words"),
    [
        ("technical-lead", Verdict.PASS, "technical-lead"),
        ("nobody", Verdict.FAIL, "nobody holds the role nobody"),
        ("customer", Verdict.FAIL, "customer, which is no role"),
        ("", Verdict.FAIL, "in no role"),
    ],
)
def test_roles(role: str, verdict: Verdict, words: str) -> None:
    """
    A role that nobody holds, that does not exist or is not said is a finding.
    """
    found = RolesAreHeld().judge(journal(acted("acknowledge", "done", 6.0, role)))

    assert found.verdict is verdict
    assert words in found.reason


def test_roles_of_nobody() -> None:
    """
    Where nobody acted it is unknown, and what was refused was no act.
    """
    assert RolesAreHeld().judge(journal()).verdict is Verdict.UNKNOWN
    refused = acted("acknowledge", "refused", 6.0, "customer")
    assert RolesAreHeld().judge(journal(refused)).verdict is Verdict.UNKNOWN


def test_a_customer_holds_no_role() -> None:
    """
    A customer's report is no act of the team: alone it proves nothing, beside others it fails none.
    """
    report = acted("customer.report", "done", 5.0, "customer")
    assert RolesAreHeld().judge(journal(report)).verdict is Verdict.UNKNOWN
    done = journal(report, acted("acknowledge", "done", 6.0))
    assert RolesAreHeld().judge(done).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("answered", "paged", "end", "verdict"),
    [
        (10.0, None, 100.0, Verdict.PASS),
        (30.0, 20.2, 100.0, Verdict.PASS),
        (30.0, 22.0, 100.0, Verdict.FAIL),
        (30.0, 10.0, 100.0, Verdict.FAIL),
        (30.0, None, 100.0, Verdict.FAIL),
        (None, None, 100.0, Verdict.FAIL),
        (None, None, 15.0, Verdict.UNKNOWN),
    ],
)
def test_escalation(
    answered: float | None, paged: float | None, end: float, verdict: Verdict
) -> None:
    """
    The next role is paged when it is due and nobody had answered, neither late nor early.
    """
    events: list[Event] = [moment("detected", 5.0)]
    if answered is not None:
        events.append(moment("acknowledged", answered))
    if paged is not None:
        events.append(Escalated(t=paged, role="technical-lead", after_s=900.0))

    assert EscalatesInTime().judge(journal(*events, end=end)).verdict is verdict


def test_what_a_plan_implies() -> None:
    """
    Containment and rollback are promised by the acts of the plan, the clocks by any act at all.
    """

    def implied(*acts: str) -> set[str]:
        plan = planned(*acts)
        return {c.model_fields["check"].default for c in IMPLIED if c.applies(plan)}

    clocks = {"acknowledges_in_time", "resolves_in_time", "roles_are_held", "escalates_in_time"}
    assert implied() == set()
    assert implied("acknowledge") == clocks
    assert implied("contain.isolate") == clocks | {"containment_holds"}
    assert implied("resolve.rollback_as_written") == clocks | {"rollback_took_effect"}


def test_an_act_without_a_name_is_nobodys() -> None:
    """
    A role alone does not say who acted.
    """
    nameless = msgspec.structs.replace(acted("acknowledge", "done", 6.0), actor="")
    found = RolesAreHeld().judge(journal(nameless))

    assert (found.verdict, found.reason) == (Verdict.FAIL, "nobody's name is on acknowledge")


@pytest.mark.parametrize(("last_look", "verdict"), [(12.0, Verdict.UNKNOWN), (60.0, Verdict.FAIL)])
def test_a_drill_cut_short_was_looked_at_until_its_last_look(
    last_look: float, verdict: Verdict
) -> None:
    """
    Without a judge's phase the clock of an unanswered incident ends where the journal does.
    """
    made = Journal()
    made.add(planned("acknowledge"))
    made.add(moment("detected", 5.0))
    looked(made, (last_look, last_look, DOWN))

    assert AcknowledgesInTime().judge(made).verdict is verdict
