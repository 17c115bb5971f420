"""What the checks of detection conclude from journals made by hand."""

from typing import Any

import pytest

from drill.events import Aborted, FaultChange
from drill.incident import (
    AlertSeen,
    AlertState,
    ChainSeen,
    IncidentPlanned,
    MonitoringSeen,
    PlannedDetection,
    Source,
)
from drill.journal import Journal
from drill.records import Record
from drill.verdict import Cause, Verdict
from validators.checks.detection import (
    CHECKS,
    IMPLIED,
    AlertsCanFire,
    AlertWasDelivered,
    DetectionCheck,
    DetectsInTime,
    NoWrongAlert,
)

ALERT = "PaystackUnreachable"
PROMISE = PlannedDetection(ALERT, "alertmanager", 10.0)
UP = MonitoringSeen(1.0, "before", "source alertmanager", ok=True)
HOOK_UP = MonitoringSeen(1.0, "before", "source receiver", ok=True)
DOWN = MonitoringSeen(1.0, "before", "source alertmanager", ok=None, detail="no connection")
EFFECTIVE = [
    FaultChange(20.0, "f1", "intent"),
    FaultChange(20.3, "f1", "effective", earliest=20.1, latest=20.2),
    FaultChange(60.0, "f1", "healing"),
    FaultChange(60.1, "f1", "healed"),
]
Seen = tuple[Verdict, Cause | None]
PASS: Seen = (Verdict.PASS, None)
FAIL: Seen = (Verdict.FAIL, Cause.APPLICATION)
BLIND: Seen = (Verdict.UNKNOWN, Cause.ENVIRONMENT)
UNSURE: Seen = (Verdict.UNKNOWN, Cause.HARNESS)


def planned(*promises: PlannedDetection, ignore: tuple[str, ...] = ()) -> IncidentPlanned:
    return IncidentPlanned(
        0.0, "p", 1.0, None, None, {}, {}, detections=list(promises), ignore_alerts=list(ignore)
    )


def alert(
    t: float,
    name: str = ALERT,
    *,
    state: AlertState = "firing",
    source: Source = "alertmanager",
    give: float = 0.001,
    before: bool = False,
) -> AlertSeen:
    return AlertSeen(
        t, name, source, state, t + 0.1, t - give, t + give, give, {}, f"at {source}", before
    )


def journal(*records: Record, promises: tuple[PlannedDetection, ...] = (PROMISE,)) -> Journal:
    made = Journal()
    for record in (planned(*promises, ignore=("Watchdog",)), *records):
        made.add(record)
    return made


def judged(check: type[DetectionCheck], made: Journal) -> tuple[Seen, str]:
    spec: Any = check
    finding = spec().judge(made)
    return (finding.verdict, finding.cause), finding.reason


@pytest.mark.parametrize(
    ("records", "seen", "reason"),
    [
        ([UP, alert(25.0)], PASS, "alertmanager:PaystackUnreachable fired 4.700 s after"),
        ([UP, alert(32.0)], FAIL, "fired 11.700 s after the fault's effect, limit 10s"),
        ([UP, alert(30.0, give=0.5)], UNSURE, "fired between 9.300 s and 10.400 s after"),
        ([UP, alert(20.05)], PASS, "fired 0.000 s after"),
        ([UP], FAIL, "alertmanager:PaystackUnreachable never fired, limit 10s"),
        ([UP, alert(25.0, state="pending", source="prometheus")], FAIL, "was pending and never"),
        ([UP, alert(25.0, source="prometheus")], FAIL, "never fired"),
        ([UP, alert(25.0, "Other")], FAIL, "never fired"),
        ([UP, alert(5.0, before=True)], BLIND, "was firing before the fault already"),
        ([UP, alert(5.0, before=True), alert(25.0)], PASS, "fired 4.700 s"),
        ([DOWN], BLIND, "alertmanager never answered, so nobody knows"),
        ([], UNSURE, "nobody looked at alertmanager"),
        ([UP, MonitoringSeen(25.0, "during", UP.what, ok=None)], BLIND, "did not answer for a"),
        ([UP, MonitoringSeen(40.0, "during", UP.what, ok=None)], FAIL, "never fired"),
        (
            [DOWN, MonitoringSeen(15.0, "during", UP.what, ok=True)],
            FAIL,
            "never fired",
        ),
        ([UP, Aborted(25.0, "SIGTERM")], UNSURE, "the drill ended before the limit"),
    ],
)
def test_an_alert_is_in_time_by_interval(records: list[Record], seen: Seen, reason: str) -> None:
    """In time, late, in doubt, never, and nobody who could know: each is told apart."""
    found, told = judged(DetectsInTime, journal(*EFFECTIVE, *records))
    assert (found, reason in told) == (seen, True), told


def test_without_a_fault_in_force_no_clock_starts() -> None:
    """A fault that nothing showed, injected or not, cannot be detected late."""
    for records in ([], EFFECTIVE[:1]):
        found, _ = judged(DetectsInTime, journal(*records, UP, alert(25.0)))
        assert found == UNSURE


@pytest.mark.parametrize("check", [AlertsCanFire, AlertWasDelivered])
def test_what_customers_report_has_no_chain_to_judge(check: type[DetectionCheck]) -> None:
    """A promised report of the support desk says nothing about rules and receivers."""
    report = (PlannedDetection("checkout", "support", 10.0),)
    found, told = judged(check, journal(*EFFECTIVE, HOOK_UP, promises=report))
    assert (found, "no promised alert" in told) == (UNSURE, True)


def test_the_worst_of_several_promises_counts() -> None:
    """One alert in time does not excuse another."""
    both = (PROMISE, PlannedDetection("checkout", "support", 10.0))
    desk = MonitoringSeen(1.0, "before", "source support", ok=True)
    made = journal(*EFFECTIVE, UP, desk, alert(25.0), promises=both)
    found, told = judged(DetectsInTime, made)
    assert found == FAIL
    assert told.startswith("support:checkout never fired")


@pytest.mark.parametrize(
    ("records", "seen", "reason"),
    [
        ([UP, alert(25.0)], PASS, "no other alert fired, by alertmanager"),
        ([UP, alert(25.0, "Watchdog")], PASS, "no other alert fired"),
        ([UP, alert(25.0, "Other")], FAIL, "was not promised: Other (+4.7 s from the fault)"),
        ([UP, alert(25.0, "Other", source="prometheus")], FAIL, "Other"),
        ([UP, alert(25.0, "Other", source="sentry")], PASS, "no other"),
        ([UP, alert(25.0, "Other", state="pending")], PASS, "no other"),
        ([UP, alert(5.0, "Old", before=True)], PASS, "firing before the fault already: Old"),
        ([DOWN], BLIND, "no source of alerts ever answered"),
        ([], BLIND, "no source of alerts ever answered"),
        ([UP, MonitoringSeen(25.0, "during", UP.what, ok=None)], BLIND, "for a while nobody"),
    ],
)
def test_a_wrong_alert_is_named(records: list[Record], seen: Seen, reason: str) -> None:
    """What was neither promised, ignored nor there before fails by its name."""
    found, told = judged(NoWrongAlert, journal(*EFFECTIVE, *records))
    assert (found, reason in told) == (seen, True), told


def chain(**fields: Any) -> ChainSeen:
    return ChainSeen(
        **{
            "t": 1.0,
            "alert": ALERT,
            "source": "prometheus",
            "present": True,
            "health": "ok",
            "series": 2,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("records", "seen", "reason"),
    [
        ([chain()], PASS, "PaystackUnreachable has 2 series"),
        ([chain(present=False, series=None)], FAIL, "there is no rule for PaystackUnreachable"),
        ([chain(health="err", detail="bad")], FAIL, "cannot be evaluated (bad)"),
        ([chain(series=0, detail="no x")], FAIL, "its expression has no series (no x)"),
        ([chain(health="unknown")], BLIND, "its rule is unknown"),
        ([chain(series=None)], BLIND, "nobody could say"),
        ([], BLIND, "the chain of PaystackUnreachable could not be read"),
    ],
)
def test_an_alert_that_cannot_fire_is_a_finding(
    records: list[Record], seen: Seen, reason: str
) -> None:
    """A missing rule, a broken one, or one that looks at nothing, whatever the drill shows."""
    found, told = judged(AlertsCanFire, journal(*records))
    assert (found, reason in told) == (seen, True), told


def test_a_chain_slower_than_its_promise_is_a_finding() -> None:
    """The sum that the plan made is judged as well."""
    slow = PlannedDetection(ALERT, "alertmanager", 10.0, chain_s=40.0)
    found, told = judged(AlertsCanFire, journal(chain(), promises=(slow,)))
    assert (found, told) == (FAIL, f"{ALERT} may take 40s, the promise is 10s")


@pytest.mark.parametrize(
    ("records", "seen", "reason"),
    [
        ([HOOK_UP, alert(25.0), alert(25.5, state="delivered")], PASS, "0.500 s after it fired"),
        ([HOOK_UP, alert(25.0)], FAIL, "fired and reached no receiver"),
        ([HOOK_UP], BLIND, "did not fire, so there was nothing to deliver"),
        ([alert(25.0)], BLIND, "no receiver answered"),
        (
            [HOOK_UP, alert(25.0), MonitoringSeen(26.0, "during", HOOK_UP.what, ok=None)],
            BLIND,
            "the receiver could not be read for a while",
        ),
    ],
)
def test_a_delivery_is_judged_where_there_is_a_receiver(
    records: list[Record], seen: Seen, reason: str
) -> None:
    """An alert that reaches nobody is no detection in practice."""
    found, told = judged(AlertWasDelivered, journal(*EFFECTIVE, *records))
    assert (found, reason in told) == (seen, True), told


def test_the_checks_are_implied_by_what_was_promised() -> None:
    """Without a promise none applies; a customer's report has no chain that could be judged."""
    report = PlannedDetection("checkout", "support", 10.0)
    assert [check.applies(planned(PROMISE)) for check in IMPLIED] == [True, True, True]
    assert [check.applies(planned(report)) for check in IMPLIED] == [True, True, False]
    assert [check.applies(planned()) for check in IMPLIED] == [False, False, False]


@pytest.mark.parametrize("check", [*IMPLIED, *CHECKS])
def test_nothing_promised_is_unknown(check: type[DetectionCheck]) -> None:
    """No evidence is never a pass."""
    assert judged(check, Journal())[0] == UNSURE
    assert judged(check, journal(promises=()))[0] == UNSURE
