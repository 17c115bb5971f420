"""The healthy shop at the edges of a purchase: killed there, or told something odd."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.drills.conftest import twice
from tests.staging.customer import NO_FUNDS, SUCCESS, Customer, outcome
from tests.staging.planting import (
    LONGEST_S,
    PRICE,
    call_back,
    count,
    cut_off,
    grants,
    held_grants,
    newcomer,
    nothing_noted,
    paid_event,
    planted,
    signed,
    wait_until_ready,
)
from tests.staging.stack import Stack, until
from tests.staging.test_faults import paused, stopped
from tests.staging.test_money import ask_for_refund, refunds

pytestmark = pytest.mark.docker
PART = 100_000


def state_of(stack: Stack, customer: Customer) -> str:
    """The state of a customer's only order."""
    return stack.sql(f"SELECT state FROM orders WHERE email = '{customer.email}'")


@pytest.mark.parametrize(
    "service",
    [
        "postgres",
        pytest.param("redis", marks=pytest.mark.thorough),
        pytest.param("fulfillment-engine", marks=pytest.mark.thorough),
        pytest.param("vauntico-server", marks=pytest.mark.thorough),
    ],
)
def test_a_kill_at_the_grant_loses_and_repeats_nothing(stack: Stack, service: str) -> None:
    """
    Killed between verify and the grant's commit, a service leaves one pass, one receipt, one
    movement of the stock.
    """
    with newcomer(stack) as customer:
        address = customer.start()
        with held_grants(stack, kills=service):
            customer.pay(address, SUCCESS)
        until(grants(stack, customer), within_s=2 * LONGEST_S, what="the pass")
        mails = until(customer.mails, within_s=LONGEST_S, what="the receipt")

        assert count(stack, "grants", customer) == 1
        assert count(stack, "stock_movements", customer) == 1
        assert len({mail["message_id"] for mail in mails}) == 1


@twice
def test_two_tabs_of_a_product_bought_often_are_one_order(stack: Stack) -> None:
    """Pressing the button of a product that may be bought again twice at once makes one order."""
    with newcomer(stack) as customer, ThreadPoolExecutor(4) as tabs:
        pages = set(tabs.map(lambda _: customer.start("lore-pack"), range(4)))

        assert len(pages) == 1


def test_not_charged_is_said_only_where_no_page_was_shown(stack: Stack) -> None:
    """Who could have paid an earlier page is told that we are checking, not "not charged"."""
    flag = f"{stack.web_url}/api/admin/flags/checkout"
    key = {"x-api-key": stack.api_key}
    with newcomer(stack) as customer:
        customer.pay(customer.start(), NO_FUNDS)
        call_back(customer, customer.reference())
        with cut_off(stack):
            assert outcome(customer.buy()) == "pending"
        httpx.put(flag, json={"enabled": False}, headers=key).raise_for_status()
        try:
            assert outcome(customer.buy()) == "pending"
        finally:
            httpx.put(flag, json={"enabled": True}, headers=key).raise_for_status()


@pytest.mark.thorough
def test_an_event_of_nobodys_reference_is_done_with(stack: Stack) -> None:
    """A signed event of a reference that is not ours changes nothing, and is not kept waiting."""
    reference = f"van-{uuid4().hex}"
    body = b'{"event":"charge.success","data":{"domain":"test","reference":"%s"}}'
    assert signed(stack, body % reference.encode()) == 200

    waiting = f"SELECT next_try_at IS NULL FROM webhook_events WHERE reference = '{reference}'"
    until(lambda: stack.sql(waiting) == "t", within_s=LONGEST_S, what="handled")


@pytest.mark.thorough
@pytest.mark.parametrize("metadata", [0, "", "\x00", "\ud800", {"a": ["\x00"]}, None])
def test_odd_metadata_does_not_spoil_an_event(stack: Stack, metadata: object) -> None:
    """Whatever metadata holds, a signed event is acknowledged and does its work."""
    with newcomer(stack) as customer:
        customer.start()
        body = paid_event(stack, customer.reference(), metadata=metadata)
        with cut_off(stack):
            assert signed(stack, body) == 200
            until(grants(stack, customer), within_s=LONGEST_S, what="the pass")


@pytest.mark.thorough
def test_an_event_of_the_other_domain_is_not_even_kept(stack: Stack) -> None:
    """A signed event of the live domain is acknowledged and leaves no trace."""
    with newcomer(stack) as customer:
        customer.start()
        reference = customer.reference()
        assert signed(stack, paid_event(stack, reference, domain="live")) == 200

        kept = f"SELECT count(*) FROM webhook_events WHERE reference = '{reference}'"
        assert stack.sql(kept) == "0"


@pytest.mark.thorough
def test_a_payment_reversed_before_it_bought_anything_can_be_made_again(stack: Stack) -> None:
    """Money that went back at Paystack before we heard of it grants nothing and blocks nothing."""
    with newcomer(stack) as customer:
        first, reference = customer.start(), customer.reference()
        with stopped(stack, "vauntico-server"), paused(stack, "fulfillment-engine"):
            customer.pay(first, SUCCESS)
            stack.paystack("POST", "/refund", {"transaction": reference, "amount": PRICE})
            until(
                lambda: refunds(stack, reference) == [(PRICE, "processed")],
                within_s=LONGEST_S,
                what="all of it is back",
            )
        wait_until_ready(stack)

        second = customer.start()
        assert second != first
        assert outcome(customer.come_back(customer.pay(second, SUCCESS))) == "paid"


@pytest.mark.thorough
def test_a_refund_in_parts_revokes_with_its_last(stack: Stack) -> None:
    """With one part back and the rest on its way the pass stays; with all of it back it goes."""
    with newcomer(stack) as customer:
        order = customer.purchase().url.path.rsplit("/", 1)[-1]
        until(customer.has_pass, within_s=LONGEST_S, what="the pass")
        ask_for_refund(stack, order, amount=PART).raise_for_status()
        part = f"SELECT state FROM refunds WHERE order_id = '{order}' AND amount = {PART}"
        with nothing_noted(stack, of=f"NEW.amount <> {PART}"):
            ask_for_refund(stack, order).raise_for_status()
            until(lambda: stack.sql(part) == "processed", within_s=LONGEST_S, what="the first part")
            assert (state_of(stack, customer), customer.has_pass()) == ("refunding", True)

        until(lambda: state_of(stack, customer) == "refunded", within_s=LONGEST_S, what="all back")
        assert not customer.has_pass()


@pytest.mark.thorough
def test_a_refund_that_fails_before_the_grant_still_leads_to_it(stack: Stack) -> None:
    """An order whose refund was refused before it was granted is granted after all."""
    with newcomer(stack) as customer:
        order = customer.purchase().url.path.rsplit("/", 1)[-1]
        until(customer.has_pass, within_s=LONGEST_S, what="the pass")
        # As if it had been asked for between paid and granted, and more than there is.
        stack.sql(
            f"DELETE FROM grants WHERE order_id = '{order}';"
            f"UPDATE orders SET state = 'refunding' WHERE id = '{order}';"
            "INSERT INTO refunds (id, reference, order_id, amount, reason) SELECT"
            f" gen_random_uuid(), paid_reference, id, 2 * amount, 'asked' FROM orders"
            f" WHERE id = '{order}'",
            user="postgres",
        )
        until(customer.has_pass, within_s=LONGEST_S, what="the pass again")


@pytest.mark.thorough
def test_a_late_payment_is_reinstated_and_somebody_is_told(stack: Stack) -> None:
    """Paid after it was given up, an order is reinstated, and a mail tells those who run us."""
    with (
        planted(stack, STAGING_ORDER_EXPIRES_S="4") as hurried,
        newcomer(hurried) as customer,
    ):
        address = customer.start()
        until(lambda: state_of(stack, customer) == "cancelled", within_s=20, what="given up")
        customer.pay(address, SUCCESS)
        until(grants(stack, customer), within_s=LONGEST_S, what="the pass")
        order = stack.sql(f"SELECT id FROM orders WHERE email = '{customer.email}'")
        url = f"{stack.inbox_url}/api/messages"
        until(
            lambda: order in httpx.get(url, params={"to": "payments@vauntico.test"}).text,
            within_s=LONGEST_S,
            what="the mail",
        )
