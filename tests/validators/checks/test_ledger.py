"""`loses_nothing` fails for what was read, and never for what was not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from drill import payments as p
from drill.events import Found, Note, SeverityJudged
from drill.incident import IncidentPlanned
from drill.journal import Journal, encode, read_journal
from drill.payments_judged import PaymentsJudged
from drill.records import Record
from drill.rules import FindingFailed
from drill.verdict import Cause, Verdict
from experiments.judge import judge
from tests.validators.ledger import journals as j
from validators.checks.base import CheckSpec, Finding
from validators.checks.ledger import INVARIANTS, LosesNothing
from validators.ledger.exposure import hidden_one_in, sensitivity
from validators.ledger.judged import payments_of

PASS, UNKNOWN, FAIL = Verdict
CHECK = LosesNothing(check="loses_nothing")
KINDS: Sequence[type[CheckSpec]] = INVARIANTS


def classes(journal: Journal, key: str = "i1") -> tuple[str, ...]:
    payments = payments_of(journal)
    assert payments is not None
    return next(each.classes for each in payments.judged if each.purchase.key == key)


def found(run: j.Run) -> Finding:
    return CHECK.judge(run.journal())


def sold(**changes: Any) -> j.Held:
    return replace(j.sold(1), **changes)


GONE: dict[str, Any] = {"grants": [], "usable": []}


def test_a_healthy_purchase_passes_and_says_what_could_have_hidden() -> None:
    """
    Paid, granted and told so, read twice: a pass, with its sensitivity and what is out of sight.
    """
    finding = found(j.healthy())

    assert finding.verdict is PASS, finding.reason
    assert "1 judged, 1 exposed" in finding.reason
    assert "out of sight: I-15" in finding.reason


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([j.said("refused")], "told_wrongly"),
        ([j.said("refused"), j.said("corrected", via="mail", t=40)], "recovered"),
        ([j.said("unknown")], "recovered"),
        ([j.said("never")], "recovered"),
        ([j.said("unsent")], "unexpected"),
        ([], "recovered"),
        ([p.Told(30, "i1", "refused", "page", reference="ref-11"), j.said("paid")], "ok"),
    ],
)
def test_what_customers_are_told_is_tested(told: list[p.Told], expected: str) -> None:
    """
    That somebody was not charged is a claim about its reference, and a correction undoes it.
    """
    assert classes(j.healthy().but(told=told).journal()) == (expected,)


def test_before_its_promise_has_run_out_nothing_is_stuck() -> None:
    """
    Read sooner than the shop promised, a paid order without a grant is not known yet.
    """
    held = sold(orders=[j.order(1, "paid")], **GONE) + j.CANARIES
    early = j.healthy().but(held=held, reads=j.readings(held, t=100.0))
    finding = found(early)

    assert finding.verdict is UNKNOWN
    assert "stuck when last read" in finding.reason


def test_the_clock_starts_when_the_last_fault_is_healed() -> None:
    """
    Where a fault was never healed, no promise has run out.
    """
    held = sold(orders=[j.order(1, "paid")], **GONE)
    run = j.healthy().but(held=held, faults=j.fault()[:-2])

    assert found(run).verdict is UNKNOWN


@pytest.mark.parametrize("ledger", [name for name in j.LEDGERS if name != "paystack.deliveries"])
def test_an_unread_ledger_is_unknown(ledger: p.Ledger) -> None:
    """
    Without any one of the ledgers nothing passes, and the reason names it.
    """
    reads = [read for read in j.readings(j.sold(1) + j.CANARIES) if read.ledger != ledger]
    finding = found(j.healthy().but(reads=reads))

    assert finding.verdict is UNKNOWN
    assert f"{ledger} was not read" in finding.reason


def test_a_last_reading_before_the_restart_is_not_final() -> None:
    """
    What a restart might bring up or lose is only known after it.
    """
    reads = [
        msgspec.structs.replace(read, after_restart=False)
        for read in j.readings(j.sold(1) + j.CANARIES)
    ]

    assert found(j.healthy().but(reads=reads)).verdict is UNKNOWN


def test_list_and_verification_must_agree() -> None:
    """
    A capture that the list shows and verification does not is not known to be one.
    """
    held = j.sold(1) + j.CANARIES
    verified = [j.transaction(1, "abandoned"), *j.CANARIES.transactions]
    run = j.healthy().but(reads=j.readings(replace(held, verified=verified)))
    finding = found(run)

    assert finding.verdict is UNKNOWN
    assert "list and verification of Paystack disagree" in finding.reason


def test_a_double_charge_convicts_from_an_incomplete_reading() -> None:
    """
    Presence needs no complete reading: two grants at once are two grants.
    """
    held = sold(grants=[j.grant(1), j.grant(1, attempt=5)]) + j.CANARIES
    reads = [msgspec.structs.replace(read, complete=False) for read in j.readings(held)[:8]]
    finding = found(j.healthy().but(reads=reads))

    assert finding.verdict is FAIL
    assert "1 duplicated: i1" in finding.reason


@pytest.mark.parametrize("kind", ["paid", "declined", "abandoned", "forged"])
def test_a_canary_that_reads_wrong_is_unknown(kind: str) -> None:
    """
    A reader that does not see what is known to be there, or sees what is not, proves nothing.
    """
    number = {"paid": 91, "declined": 92, "abandoned": 93, "forged": 94}[kind]
    grants = [row for row in j.CANARIES.grants if kind != "paid"]
    grants += [j.grant(number)] if kind != "paid" else []
    run = j.healthy().but(canaries=replace(j.CANARIES, grants=grants, usable=[]))
    finding = found(run)

    assert (finding.verdict, finding.cause) == (UNKNOWN, Cause.HARNESS)
    assert f"the {kind} canary i{number}" in finding.reason


def test_without_canaries_nothing_passes() -> None:
    """
    Where nobody bought a canary nobody knows whether the readers see.
    """
    records = [x for x in j.healthy().records() if not (isinstance(x, p.Intended) and x.canary)]
    finding = CHECK.judge(j.journal(records))

    assert "no canary was forged" in finding.reason


def test_nothing_planned_captured_or_exposed_is_unknown() -> None:
    """
    A ledger without purchases, or with fewer that met a fault than were wanted, is no evidence.
    """
    idle = j.healthy().but(held=j.Held(), told=[])
    wanted = msgspec.structs.replace(j.PLANNED, exposures_wanted=2)

    assert CHECK.judge(j.journal([])).verdict is UNKNOWN
    assert "nothing was captured" in found(idle).reason
    assert found(idle).verdict is UNKNOWN
    assert found(j.healthy().but(planned=wanted)).verdict is UNKNOWN
    assert "none exposed: any loss could have hidden" in found(j.healthy().but(faults=[])).reason


def test_a_row_of_this_run_that_no_intent_explains_fails() -> None:
    """
    A capture under an address of this run that nobody was to use was made by nobody's wish.
    """
    stray = j.Held(transactions=[j.transaction(77)])
    others = [msgspec.structs.replace(j.transaction(78), email="else@buyers.example")]
    run = j.healthy().but(held=j.sold(1) + stray + j.Held(transactions=others))
    reads = [
        msgspec.structs.replace(x, background=4) if x.ledger == "shop.orders" else x
        for x in j.readings(run.held + j.CANARIES)
    ]
    payments = payments_of(run.but(reads=reads).journal())

    assert payments is not None
    assert (payments.unexpected, payments.background) == (("paystack.list 770|ref-770",), 5)
    assert found(run).verdict is FAIL


def test_two_tabs_are_one_purchase() -> None:
    """
    Two intents of one customer for a product that is owned once are judged together.
    """
    twin = msgspec.structs.replace(j.intent(2), email=j.email(1))
    refunded = j.Held(
        transactions=[msgspec.structs.replace(j.transaction(1, "reversed", attempt=1))],
        refunds=[p.Refund(111, 11, j.PRICE, "NGN", "processed")],
        orders=[j.order(1, "refunded", attempt=1)],
    )
    run = j.healthy().but(held=j.sold(1) + refunded, intents=[j.intent(1), twin])
    payments = payments_of(run.journal())

    assert payments is not None
    assert [each.purchase.intents for each in payments.judged] == [("i1", "i2")]
    assert found(run).verdict is PASS


def test_a_refund_in_flight_waits_only_where_refunds_settle() -> None:
    """
    In real test mode a refund stays pending for ever: there it is a note.
    """
    run = j.healthy().but(held=sold(refunds=[j.refund(1, "pending")]))
    never = msgspec.structs.replace(j.PLANNED, refunds_settle=False)

    assert found(run).verdict is UNKNOWN
    assert found(run.but(planned=never)).verdict is PASS


def test_the_specification_s_numbers_come_out() -> None:
    """
    59, 299 and 2,995 exposed purchases see 1 in 20, 100 and 1,000; none see nothing.
    """
    assert [hidden_one_in(n) for n in (59, 299, 2995, 0)] == [20, 100, 1000, None]
    assert sensitivity(300, 214) == (
        "300 judged, 214 exposed: a loss rarer than 1 in 72 could have hidden (95 %)"
    )


def test_the_judge_keeps_what_came_of_the_payments_and_the_severity_follows() -> None:
    """
    A failed ledger makes severity 1, and its record goes through the journal's file unchanged.
    """
    records: list[Record] = j.healthy().but(held=sold(orders=[], **GONE)).records()
    planned = IncidentPlanned(
        1.0, "a playbook", 1.0, None, None, {}, {"1": [FindingFailed(["loses_nothing"])]}
    )
    journal = j.journal([planned, *records])
    events = judge(journal, [CHECK], 2100.0).events
    (kept,) = (each for each in events if isinstance(each, PaymentsJudged))
    (severity,) = (each for each in events if isinstance(each, SeverityJudged))

    assert [(each.name, each.purchases) for each in kept.classes] == [("lost", ["i1"])]
    assert (kept.intended, kept.judged, kept.exposed) == (1, 1, 1)
    assert kept.at_risk == {"NGN": j.PRICE}
    assert severity.seen == 1
    assert read_journal([encode(kept)]).events == [kept]


def test_a_record_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If judging the payments breaks, the report says so and all other findings are still there.
    """

    def breaks(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("experiments.judge.payments_judged", breaks)
    events = judge(j.healthy().journal(), [CHECK], 2100.0).events

    assert [each.text for each in events if isinstance(each, Note)] == [
        "the payments were not judged: RuntimeError('boom')"
    ]
    assert [each.verdict for each in events if isinstance(each, Found)] == ["pass"]
