"""Joins, exposure and money where a row, a price or a fault is not as one would like it."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from drill import events as e
from drill import payments as p
from drill.records import Record
from drill.verdict import Verdict
from tests.validators.ledger import journals as j
from validators.ledger.judged import Judged, Payments, payments_of
from validators.ledger.told import doubts, payments_judged

PASS, UNKNOWN, FAIL = Verdict


def judged(run: j.Run) -> tuple[Payments, Judged]:
    payments = payments_of(run.journal())
    assert payments is not None
    return payments, payments.judged[0]


def sold(**changes: Any) -> j.Held:
    return replace(j.sold(1), **changes)


def test_a_row_without_an_address_joins_by_reference_then_order() -> None:
    """
    A shop that knows its customers by number is read by what they bought.
    """
    held = sold(
        orders=[msgspec.structs.replace(j.order(1), customer="17")],
        grants=[msgspec.structs.replace(j.grant(1), customer="17", reference="ref-10")],
        usable=[],
    )
    told = [p.Told(30.0, "i1", "paid", "page", order="o10")]

    assert judged(j.healthy().but(held=held, told=told))[1].verdict is PASS


def test_a_row_that_names_nobody_leaves_absence_open() -> None:
    """
    A grant without an address that joins to nothing might be the one that is missed.
    """
    nameless = p.Grant("g99", "17", "pass")
    held = sold(orders=[j.order(1, "paid")], grants=[nameless], usable=[])
    payments, each = judged(j.healthy().but(held=held))

    assert each.verdict is UNKNOWN
    assert any("rows that name nobody" in doubt for doubt in doubts(payments))


def test_a_row_read_twice_and_differently_is_not_final() -> None:
    """
    A list that moved while it was read holds two states of one charge: neither is believed.
    """
    moved = [*j.sold(1).transactions, j.transaction(1, "abandoned")]

    assert judged(j.healthy().but(held=sold(transactions=moved)))[1].verdict is UNKNOWN


def test_a_product_without_a_price_cannot_be_judged() -> None:
    """
    Whether an amount is right is not known where the list has no price.
    """
    unpriced = msgspec.structs.replace(j.PLANNED, prices=[])
    each = judged(j.healthy().but(planned=unpriced))[1]

    assert each.verdict is UNKNOWN
    assert each.axes.money >= {"one", "short_kept"}


def test_a_status_that_paystack_never_documented_is_not_believed() -> None:
    """
    An unknown word for a charge is neither a capture nor none.
    """
    held = sold(transactions=[j.transaction(1, "sealed")])

    assert judged(j.healthy().but(held=held))[1].verdict is UNKNOWN


@pytest.mark.parametrize(
    ("refunds", "transactions", "row"),
    [
        ([], [("reversed", 0)], "one_refunded"),
        ([], [("reversal-pending", 0)], "one_in_flight"),
        ([("failed", j.PRICE)], [("success", 0)], "one_failed"),
        ([("failed", j.PRICE), ("processed", j.PRICE)], [("reversed", 0)], "one_refunded"),
        ([("processed", 100)], [("reversal-pending", 0)], "one_partly_refunded"),
        ([], [("success", 0), ("success", 1)], "two_kept"),
        ([("pending", j.PRICE)], [("success", 0), ("success", 1)], "two_surplus_in_flight"),
        ([("failed", j.PRICE)], [("success", 0), ("success", 1)], "two_surplus_failed"),
        ([("processed", j.PRICE)], [("reversed", 0), ("success", 1)], "two_surplus_refunded"),
        ([("processed", j.PRICE)], [("reversed", 0), ("reversed", 1)], "two_both_refunded"),
        ([("pending", j.PRICE)], [("success", 0), ("reversed", 1)], "one_in_flight"),
        ([("failed", j.PRICE)], [("success", 0), ("reversed", 1)], "one_failed"),
    ],
)
def test_every_state_of_refunds_has_its_row(
    refunds: list[tuple[str, int]], transactions: list[tuple[str, int]], row: str
) -> None:
    """
    What became of each capture decides the row of the table.
    """
    held = sold(
        transactions=[j.transaction(1, status, attempt=n) for status, n in transactions],
        refunds=[j.refund(1, status, amount, n) for n, (status, amount) in enumerate(refunds)],
    )

    assert judged(j.healthy().but(held=held))[1].axes.money == {row}


@pytest.mark.parametrize(
    ("status", "amount", "row"),
    [
        ("processed", j.PRICE, "one_refunded"),
        ("pending", j.PRICE, "one_in_flight"),
        ("processed", j.PRICE - 1, "one_partly_refunded"),
    ],
)
def test_fees_that_the_customer_bore_need_not_come_back(status: str, amount: int, row: str) -> None:
    """
    The price is all that can be asked back of a capture that the fees were added to.
    """
    fees = 7500
    captured = msgspec.structs.replace(j.transaction(1, amount=j.PRICE + fees), fees=fees)
    held = sold(transactions=[captured], refunds=[j.refund(1, status, amount, 0)])

    assert judged(j.healthy().but(held=held))[1].axes.money == {row}


def test_one_request_carried_out_twice_is_too_much() -> None:
    """
    Two partial refunds for one request give back more than was asked, though less than was paid.
    """
    half = [j.refund(1, amount=j.PRICE // 4, n=n) for n in (0, 1)]
    asked = p.RefundAsked(40.0, "i1", j.PRICE // 4)
    run = j.healthy().but(held=sold(refunds=half), told=[j.said("paid"), asked])

    assert judged(run)[1].classes == ("over_refunded",)
    assert judged(run.but(held=sold(refunds=half[:1])))[1].verdict is PASS


@pytest.mark.parametrize(
    ("faults", "exposed"),
    [
        (j.fault(), 1),
        ([], 0),
        (j.fault()[:1], 0),
        ([x for x in j.fault() if getattr(x, "state", "") != "effective"], 0),
        ([e.Planned(1.5, [], [], [], 5.0)], 0),
    ],
)
def test_only_a_fault_proven_in_force_exposes(faults: list[Record], exposed: int) -> None:
    """
    A fault that was planned, or injected without showing, has put no purchase to the test.
    """
    assert judged(j.healthy().but(faults=faults))[0].exposed == exposed


@pytest.mark.parametrize(("paid_at", "exposed"), [(4.99, 0), (5.01, 1), (70.0, 1)])
def test_exposure_ends_when_the_customer_was_told(paid_at: float, exposed: int) -> None:
    """
    Who was served before the fault began was not exposed to it.
    """
    run = j.healthy().but(told=[j.said("paid", t=paid_at)])

    assert judged(run)[0].exposed == exposed


def test_a_purchase_that_never_began_met_nothing() -> None:
    """
    Without a first byte there is nothing that a fault could have hit.
    """
    records = [each for each in j.healthy().records() if not isinstance(each, p.Begun)]
    payments = payments_of(j.journal(records))

    assert payments is not None
    assert payments.exposed == 0


def test_without_a_plan_there_is_no_record() -> None:
    """
    A drill without payments keeps nothing about them.
    """
    assert payments_judged(j.journal([]), 1.0) is None
    assert payments_of(j.journal([])) is None


def test_a_grant_of_another_product_is_misgranted() -> None:
    """
    The right customer with the wrong product has not got what was bought.
    """
    other = msgspec.structs.replace(j.grant(1), product="course")
    each = judged(j.healthy().but(held=sold(grants=[other], usable=[])))[1]

    assert each.verdict is FAIL
    assert "misgranted" in each.classes


def test_where_no_session_can_be_asked_the_shop_s_grants_decide() -> None:
    """
    An environment without a dashboard is judged by its rows; one with it by what it shows.
    """
    sights = [ledger for ledger in j.PLANNED.sights if ledger != "shop.session"]
    blind = msgspec.structs.replace(j.PLANNED, sights=sights)
    hidden = j.healthy().but(held=sold(usable=[p.Usable(j.email(1), "pass", usable=False)]))

    assert judged(hidden)[1].classes == ("lost",)
    assert judged(hidden.but(planned=blind))[1].classes == ("ok",)


def test_each_of_two_faults_has_its_own_time() -> None:
    """
    A second fault that is still in force keeps every promise from running out.
    """
    first = j.fault()
    planned = first[0]
    assert isinstance(planned, e.Planned)
    second = msgspec.structs.replace(planned.faults[0], id="f2")
    both = msgspec.structs.replace(planned, faults=[*planned.faults, second])
    open_ = [e.FaultChange(6.0, "f2", "intent"), e.FaultChange(6.1, "f2", "effective")]
    held = sold(orders=[j.order(1, "paid")], grants=[], usable=[])
    run = j.healthy().but(held=held, faults=[both, *first[1:], *open_])

    assert judged(run)[1].verdict is UNKNOWN
    assert len(judged(run)[1].faults) == 2


def test_a_refund_on_its_way_counts_only_where_it_stays_so() -> None:
    """
    In real test mode two pending refunds of all are one too many, unless one failed meanwhile.
    """
    never = msgspec.structs.replace(j.PLANNED, refunds_settle=False)
    twice = [j.refund(1, "pending"), j.refund(1, "pending", n=1)]
    held = sold(refunds=twice) + j.CANARIES
    run = j.healthy().but(planned=never, reads=j.readings(held))
    failed = sold(refunds=[twice[0], j.refund(1, "failed", n=1)]) + j.CANARIES
    later = j.readings(held, failed, failed)

    assert judged(run)[1].classes == ("over_refunded",)
    assert "over_refunded" not in judged(run.but(reads=later))[1].classes
    assert judged(run.but(reads=later[:8]))[1].verdict is UNKNOWN


def test_a_capture_under_another_address_is_nobody_s_only_if_no_order_claims_it() -> None:
    """
    Which references are a purchase's is told by its orders: unread, money may be missing from it.
    """
    elsewhere = msgspec.structs.replace(j.transaction(1), email="else@buyers.example")
    held = sold(transactions=[elsewhere]) + j.CANARIES
    run = j.healthy().but(reads=j.readings(held))
    unread = [read for read in j.readings(held) if read.ledger != "shop.orders"]

    assert judged(run)[1].classes == ("ok",)
    assert judged(run.but(reads=unread))[1].axes.money > {"none"}
