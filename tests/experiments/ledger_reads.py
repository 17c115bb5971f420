"""Rows and readings of ledgers, for tests of the reconcile phase."""

from typing import Any

from drill.payments import (
    Delivery,
    Grant,
    Ledger,
    LedgerRead,
    Order,
    OrderState,
    Refund,
    Transaction,
)
from experiments.environment_shop import Promises

RECONCILE_S, REFUND_S = 60.0, 300.0
PROMISES = Promises(webhook="5s", reconcile="60s", refund="300s")


def read_of(ledger: Ledger, **given: Any) -> LedgerRead:
    given = {"complete": True, "reason": "", **given}
    return LedgerRead(t=0.0, ledger=ledger, round=0, source="a fake", **given)


def paid(number: int = 1, status: str = "success") -> Transaction:
    return Transaction(
        id=number, reference=f"r{number}", status=status, amount=1, currency="NGN", email="i1-x@d.e"
    )


def order(state: OrderState, *references: str) -> Order:
    return Order(
        id="o1",
        customer="i1-x@d.e",
        product="p",
        amount=1,
        currency="NGN",
        state=state,
        references=list(references),
    )


GRANT = Grant(id="g1", customer="i1-x@d.e", product="p", reference="r1")
BY_ORDER = Grant(id="g", customer="c", product="p", order="o1")
LATE = Delivery(id="d", event="charge.success", reference="r1", status="Pending", trials=1)
REFUND = Refund(id=1, transaction=1, amount=1, currency="NGN", status="pending")
GRANTED = [read_of("paystack.list", transactions=[paid()]), read_of("shop.grants", grants=[GRANT])]
