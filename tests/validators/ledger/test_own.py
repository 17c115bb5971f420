"""What is of this run, and what is somebody else's."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from drill.payments import Delivery, Effect, Grant, Intended, Order, Refund, Transaction
from validators.ledger.own import MARK_LIMIT, NAMELESS_KEPT, Own, Row, mark_of

MINE, OTHER = "i1-run@drill.test", "ada@customers.example"


def intent(number: int = 1) -> Intended:
    return Intended(
        t=0.0,
        id=f"i{number}",
        ordinal=number,
        email=f"i{number}-run@drill.test",
        product="p",
        stratum="plain",
    )


def transaction(number: int, email: str) -> Transaction:
    return Transaction(
        id=number, reference=f"r{number}", status="success", amount=1, currency="NGN", email=email
    )


def order(name: str, customer: str, *references: str) -> Order:
    return Order(
        id=name,
        customer=customer,
        product="p",
        amount=1,
        currency="NGN",
        state="paid",
        references=list(references),
    )


ROWS: list[Row] = [
    transaction(1, MINE),
    transaction(2, OTHER),
    transaction(3, OTHER),
    order("o1", MINE, "r1", "r3"),
    order("o2", OTHER, "r2"),
    Grant(id="g1", customer=OTHER, product="p", order="o1"),
    Grant(id="g2", customer=OTHER, product="p", reference="r2"),
    Effect(kind="receipt", key="k1", customer=OTHER, reference="r3"),
    Refund(id=1, transaction=1, amount=1, currency="NGN", status="pending"),
    Refund(id=2, transaction=2, amount=1, currency="NGN", status="pending"),
    Delivery(id="d1", event="charge.success", reference="#1", status="Delivered", trials=1),
    Delivery(id="d2", event="charge.success", reference="r2", status="Delivered", trials=1),
]
OURS = [0, 2, 3, 5, 7, 8, 10]


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_rows_are_joined_in_whatever_order_they_come(seed: int) -> None:
    """By address, then by what rows of ours name: the same rows are ours in every order."""
    rows = list(ROWS)
    Random(seed).shuffle(rows)
    own = Own([intent()])

    own.learn(rows)

    assert [index for index, row in enumerate(ROWS) if own.has(row)] == OURS


def test_no_strangers_address_is_kept() -> None:
    """A grant of ours in a stranger's hands keeps its holder apart, and not their address."""
    own = Own([intent()])
    own.learn(ROWS)
    grants = [row for row in ROWS if isinstance(row, Grant)]

    kept, others = own.kept(grants)

    assert (len(kept), others) == (1, 1)
    assert kept[0].order == "o1"
    assert kept[0].customer.endswith("@masked.invalid")
    assert own.kept([grants[0]])[0] == kept


def test_an_address_of_this_run_is_ours_without_an_intent() -> None:
    """A row that nobody meant is found by the run in its address, and not by the domain alone."""
    own = Own([intent()])

    assert own.has(transaction(9, "i77-run@drill.test"))
    assert not own.has(transaction(9, "i77-gun@drill.test"))
    assert not own.has(transaction(9, "run@drill.test"))


def test_what_customers_were_shown_is_ours() -> None:
    """A reference or an order that a page named joins rows of whatever address."""
    own = Own([intent()], references=["r2", ""], orders=["o9"])

    assert own.has(transaction(2, OTHER))
    assert own.has(order("o9", OTHER))
    assert not own.has(Grant(id="g", customer=OTHER, product="p"))


def test_some_rows_that_name_nobody_are_kept() -> None:
    """They might be ours, so they stay in sight, though not all of them."""
    own = Own([intent()])
    nameless = [Grant(id=f"g{n}", customer="user-4711", product="p") for n in range(100)]

    kept, others = own.kept(nameless)

    assert (len(kept), others) == (NAMELESS_KEPT, 100 - NAMELESS_KEPT)
    assert {"4711" in one.customer or "@" in one.customer for one in kept} == {False}


def test_a_runs_mark_fits_into_an_address() -> None:
    """A long name gives way to its beginning and a hash of it, and two never share one."""
    long = "20261126T214500Z-" + "charged-answer-lost-" * 4

    assert mark_of("Run-1") == "run-1"
    assert len(mark_of(long)) <= MARK_LIMIT
    assert mark_of(long) != mark_of(long + "x")
    assert mark_of(long).startswith("20261126t214500z-charged")
