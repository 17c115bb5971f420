"""Money that must go back: what was paid too often, too little, or is asked for again."""

from __future__ import annotations

import httpx
import pytest

from tests.staging.customer import SUCCESS, Customer, outcome
from tests.staging.stack import Stack, until

pytestmark = pytest.mark.docker
SETTLES_WITHIN_S = 15.0


def refunds(stack: Stack, reference: str) -> list[tuple[int, str]]:
    """Amount and status of a reference's refunds, as Paystack lists them."""
    paid = stack.paystack("GET", f"/transaction/verify/{reference}").json()["data"]
    listed = stack.paystack("GET", f"/refund?transaction={paid['id']}").json()["data"]
    return [(refund["amount"], refund["status"]) for refund in listed]


def ask_for_refund(stack: Stack, order: str, **given: int) -> httpx.Response:
    """What an operator posts."""
    url = f"{stack.web_url}/api/admin/orders/{order}/refund"
    return httpx.post(url, json=given, headers={"x-api-key": stack.api_key})


def test_a_second_capture_goes_back(stack: Stack) -> None:
    """When two attempts of one order were captured, one pass is granted and one is refunded."""
    with Customer(stack).sign_up() as customer:
        first, early = customer.start(), customer.reference()
        # As if Paystack had called the first attempt failed, and it was paid all the same.
        stack.sql(
            f"UPDATE attempts SET state = 'failed' WHERE reference = '{early}'", user="postgres"
        )
        second, late = customer.start(), customer.reference()
        assert first != second
        assert outcome(customer.come_back(customer.pay(second, SUCCESS))) == "paid"

        assert customer.pay(first, SUCCESS).status_code == 303

        until(lambda: refunds(stack, early), within_s=SETTLES_WITHIN_S, what="the refund")
        assert refunds(stack, late) == []
        assert [amount for amount, _ in refunds(stack, early)] == [500_000]
        grants = f"SELECT count(*) FROM grants WHERE reference IN ('{early}', '{late}')"
        assert stack.sql(grants) == "1"


def test_too_little_fulfils_nothing_and_goes_back(stack: Stack) -> None:
    """A capture below the price grants nothing, is refunded, and leaves the order open."""
    with Customer(stack).sign_up() as customer:
        address, reference = customer.start(), customer.reference()
        stack.sql(
            f"UPDATE orders SET amount = 2 * amount WHERE email = '{customer.email}'",
            user="postgres",
        )
        page = customer.come_back(customer.pay(address, SUCCESS))

        assert outcome(page) == "pending"
        until(lambda: refunds(stack, reference), within_s=SETTLES_WITHIN_S, what="the refund")
        assert not customer.has_pass()


def test_a_full_refund_revokes_when_the_money_is_back(stack: Stack) -> None:
    """An order refunded in full loses its pass once Paystack has processed the refund."""
    with Customer(stack).sign_up() as customer:
        page = customer.purchase()
        order, reference = page.url.path.rsplit("/", 1)[-1], customer.reference()
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")

        assert ask_for_refund(stack, order).status_code == 202
        assert ask_for_refund(stack, order).status_code == 409

        state = f"SELECT state FROM orders WHERE id = '{order}'"
        until(lambda: stack.sql(state) == "refunded", within_s=SETTLES_WITHIN_S, what="the refund")
        assert refunds(stack, reference) == [(500_000, "processed")]
        assert not customer.has_pass()


def test_a_partial_refund_keeps_the_pass(stack: Stack) -> None:
    """A part given back leaves order and pass as they are, and no more than the rest can follow."""
    with Customer(stack).sign_up() as customer:
        page = customer.purchase()
        order, reference = page.url.path.rsplit("/", 1)[-1], customer.reference()
        until(customer.has_pass, within_s=SETTLES_WITHIN_S, what="the pass")

        assert ask_for_refund(stack, order, amount=100_000).status_code == 202
        assert ask_for_refund(stack, order, amount=400_001).status_code == 422

        until(
            lambda: refunds(stack, reference) == [(100_000, "processed")],
            within_s=SETTLES_WITHIN_S,
            what="the refund",
        )
        assert customer.has_pass()
