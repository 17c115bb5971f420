"""What of a reading is still open, and for how long it is waited for."""

import pytest

from drill.payments import LedgerRead
from experiments.settling import settled
from tests.experiments.ledger_reads import (
    BY_ORDER,
    GRANTED,
    LATE,
    PROMISES,
    RECONCILE_S,
    REFUND,
    REFUND_S,
    order,
    paid,
    read_of,
)


@pytest.mark.parametrize(
    ("reads", "what", "promise_s"),
    [
        (GRANTED, "", 0),
        ([read_of("paystack.list", transactions=[paid(1, "abandoned")])], "", 0),
        ([read_of("paystack.list", transactions=[paid(1, "ongoing")])], "is ongoing", RECONCILE_S),
        ([read_of("shop.orders", orders=[order("paid")])], "order o1 is paid", RECONCILE_S),
        ([read_of("shop.orders", orders=[order("refunding")])], "being refunded", REFUND_S),
        ([read_of("paystack.refunds", refunds=[REFUND])], "refund 1 is pending", REFUND_S),
        ([read_of("shop.backlog", backlog=2)], "a backlog of 2", RECONCILE_S),
        (
            [GRANTED[0], read_of("shop.grants"), read_of("paystack.refunds", refunds=[])],
            "brought nothing",
            RECONCILE_S,
        ),
        (
            [
                GRANTED[0],
                read_of("shop.orders", orders=[order("fulfilled", "r1")]),
                read_of("shop.grants", grants=[BY_ORDER]),
            ],
            "",
            0,
        ),
        (
            [*GRANTED, read_of("paystack.list", transactions=[paid(2, "success")])],
            "r2 is one too many",
            REFUND_S,
        ),
        (
            [
                read_of("paystack.list", transactions=[paid(1, "success"), paid(2, "success")]),
                read_of("shop.orders", orders=[order("fulfilled", "r1", "r2")]),
                read_of("shop.grants", grants=[BY_ORDER]),
            ],
            "r2 is one too many",
            REFUND_S,
        ),
        (
            [read_of("paystack.deliveries", deliveries=[LATE])],
            "1 events not delivered",
            RECONCILE_S,
        ),
    ],
)
def test_what_is_open(reads: list[LedgerRead], what: str, promise_s: float) -> None:
    """Whatever is under way is waited for, by the promise that is for it; the rest is not."""
    found = settled(reads, PROMISES, refunds_settle=True)

    assert (what in found.what, found.promise_s) == (True, promise_s)
    assert bool(found.what) == bool(what)


def test_refunds_that_never_settle_are_not_waited_for() -> None:
    """In test mode a pending refund is the end of it."""
    reads = [
        *GRANTED,
        read_of("paystack.refunds", refunds=[REFUND]),
        read_of("shop.orders", orders=[order("refunding")]),
    ]

    assert settled(reads, PROMISES, refunds_settle=False).what == ""
