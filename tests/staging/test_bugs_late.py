"""Each planted bug bites under what exposes it, and the healthy shop does not; part two."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.staging.customer import SUCCESS, Customer, outcome
from tests.staging.planting import (
    LONGEST_S,
    call_back,
    cut_off,
    grants,
    newcomer,
    nothing_noted,
    paid_event,
    planted,
    signed,
    soon,
)
from tests.staging.stack import Stack, until
from tests.staging.test_faults import paused, stopped
from tests.staging.test_money import ask_for_refund, refunds

NOT_SEEN_FOR_S = 6.0
EXPIRES = {"STAGING_ORDER_EXPIRES_S": "4"}
NOTHING: dict[str, str] = {}
PART = 100_000
Exposure = Callable[[Stack, Customer], bool]
"""Exposes the shop, and says whether the bug bit."""


def state(stack: Stack, customer: Customer) -> str:
    """The state of a customer's only order."""
    return stack.sql(f"SELECT state FROM orders WHERE email = '{customer.email}'")


def order_of(stack: Stack, customer: Customer) -> str:
    """A customer's only order."""
    return stack.sql(f"SELECT id FROM orders WHERE email = '{customer.email}'")


def bought(stack: Stack, customer: Customer) -> str:
    """Buy, wait for the pass, and give the order."""
    customer.purchase()
    until(customer.has_pass, within_s=LONGEST_S, what="the pass")
    return order_of(stack, customer)


def expired_unheard(stack: Stack, customer: Customer) -> bool:
    """15: the time is over before Paystack's success is heard of, and no webhook comes."""
    address = customer.start()
    with stopped(stack, "vauntico-server"):
        with paused(stack, "fulfillment-engine"):
            customer.pay(address, SUCCESS)
            paystack_gone = cut_off(stack)
            paystack_gone.__enter__()
        try:
            gone = "SELECT now() - created_at > interval '7 seconds' FROM orders WHERE email"
            until(
                lambda: stack.sql(f"{gone} = '{customer.email}'") == "t",
                within_s=LONGEST_S,
                what="older than the expiry, and than a round of the reconciler",
            )
        finally:
            paystack_gone.__exit__(None, None, None)
        return not soon(grants(stack, customer))


def paid_after_expiry(stack: Stack, customer: Customer) -> bool:
    """16: the page is paid after its order was given up (edge K11)."""
    address = customer.start()
    until(lambda: state(stack, customer) == "cancelled", within_s=20, what="given up")
    customer.come_back(customer.pay(address, SUCCESS))
    return not soon(grants(stack, customer))


def callback_unanswered(stack: Stack, customer: Customer) -> bool:
    """17: Paystack cannot be asked at the callback, and can be later."""
    address = customer.start()
    with paused(stack, "fulfillment-engine"):
        customer.pay(address, SUCCESS)
        with cut_off(stack):
            call_back(customer, customer.reference())
    return not soon(grants(stack, customer))


def paid_after_abandoning(stack: Stack, customer: Customer) -> bool:
    """18: cancelled on the hosted page, and paid there afterwards."""
    address = customer.start()
    customer.come_back(customer.hosted("POST", f"{address}/cancel"))
    customer.come_back(customer.pay(address, SUCCESS))
    return not soon(grants(stack, customer))


def verified_too_late(stack: Stack, customer: Customer) -> bool:
    """19: another tab while Paystack is slow to verify the page of the first; both are paid."""
    first, early = customer.start(), customer.reference()
    server = stack.container("vauntico-server")
    logged = server.logs().count(b"cannot verify")
    paystack = stack.container("paystack")
    with ThreadPoolExecutor(1) as tabs:
        paystack.pause()
        try:
            answer = tabs.submit(customer.buy)
            until(
                lambda: server.logs().count(b"cannot verify") > logged,
                within_s=NOT_SEEN_FOR_S,
                what="the verification is given up",
            )
        finally:
            paystack.unpause()
        second = answer.result()
    if second.status_code != 303:
        return False
    assert second.headers["location"] != first
    customer.come_back(customer.pay(second.headers["location"], SUCCESS))
    assert customer.pay(first, SUCCESS).status_code == 303
    return not soon(lambda: refunds(stack, early) != [], NOT_SEEN_FOR_S)


def two_tabs(stack: Stack, customer: Customer) -> bool:
    """20: two tabs, and every page they lead to is paid."""
    for address in {customer.start(), customer.start()}:
        customer.come_back(customer.pay(address, SUCCESS))
    return soon(grants(stack, customer, 2), NOT_SEEN_FOR_S)


def other_session(stack: Stack, customer: Customer) -> bool:
    """21: the callback is visited by another customer."""
    answer = customer.pay(customer.start(), SUCCESS)
    with newcomer(stack) as other:
        other.come_back(answer)
        return soon(other.has_pass, NOT_SEEN_FOR_S)


def replayed(stack: Stack, customer: Customer) -> bool:
    """22: another customer brings a used reference to an order of the same price."""
    bought(stack, customer)
    with newcomer(stack) as other:
        other.start()
        call_back(other, customer.reference())
        return soon(other.has_pass, NOT_SEEN_FOR_S)


def answer_lost(stack: Stack, customer: Customer) -> bool:
    """23: captured, and nobody can be asked when the customer comes back."""
    address = customer.start()
    with paused(stack, "fulfillment-engine"):
        customer.pay(address, SUCCESS)
        with cut_off(stack):
            page = call_back(customer, customer.reference())
            again = customer.buy()
    return "not been charged" in page.text + again.text


def abandoned_and_back(stack: Stack, customer: Customer) -> bool:
    """24: the callback is visited and nothing was paid."""
    customer.start()
    return outcome(call_back(customer, customer.reference())) == "paid"


def refund_unanswered(stack: Stack, customer: Customer) -> bool:
    """25: Paystack has taken a partial refund, and its answer is lost (edge K10)."""
    order, reference = bought(stack, customer), customer.reference()
    with nothing_noted(stack):
        ask_for_refund(stack, order, amount=PART).raise_for_status()
        until(lambda: refunds(stack, reference), within_s=LONGEST_S, what="the refund")
    return soon(lambda: len(refunds(stack, reference)) > 1, LONGEST_S)


def partly_refunded(stack: Stack, customer: Customer) -> bool:
    """26: a part of the money goes back."""
    ask_for_refund(stack, bought(stack, customer), amount=PART).raise_for_status()
    return soon(lambda: not customer.has_pass(), NOT_SEEN_FOR_S)


def refund_event(stack: Stack, customer: Customer) -> bool:
    """27: a refund's event, which has no `reference`."""
    customer.start()
    body = b'{"event":"refund.processed","data":{"status":"processed","amount":"10000",'
    body += b'"domain":"test","transaction_reference":"%s"}}' % customer.reference().encode()
    return signed(stack, body) != 200


def unknown_event(stack: Stack, customer: Customer) -> bool:
    """28: an event that no shop needs."""
    return signed(stack, b'{"event":"paymentrequest.pending","data":{"id":1}}') != 200


def other_domain(stack: Stack, customer: Customer) -> bool:
    """29: a signed event of the live domain."""
    customer.start()
    assert signed(stack, paid_event(stack, customer.reference(), domain="live")) == 200
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def open_orders(stack: Stack, customer: Customer) -> bool:
    """30: an order that has been open for an hour."""
    customer.start()
    reference = customer.reference()
    stack.sql(
        "UPDATE attempts SET created_at = now() - interval '1 hour', next_check_at = now()"
        f" WHERE reference = '{reference}'",
        user="postgres",
    )
    checks = f"SELECT checks FROM attempts WHERE reference = '{reference}'"
    return soon(lambda: int(stack.sql(checks)) > 3, 10)


THOROUGH = pytest.mark.thorough
CASES = [
    pytest.param("cancelled_unverified", expired_unheard, EXPIRES),
    pytest.param("success_after_cancel_ignored", paid_after_expiry, EXPIRES),
    pytest.param("unavailable_is_failed", callback_unanswered, NOTHING),
    pytest.param("abandoned_is_final", paid_after_abandoning, NOTHING),
    pytest.param("new_reference_on_timeout", verified_too_late, NOTHING),
    pytest.param("order_each_tab", two_tabs, NOTHING),
    pytest.param("grant_to_session", other_session, NOTHING),
    pytest.param("reference_replayed", replayed, NOTHING),
    pytest.param("not_charged_on_lost_answer", answer_lost, NOTHING),
    pytest.param("paid_before_verified", abandoned_and_back, NOTHING),
    pytest.param("refund_sent_again", refund_unanswered, NOTHING),
    pytest.param("partial_refund_revokes", partly_refunded, NOTHING),
    pytest.param("refund_needs_reference", refund_event, NOTHING),
    pytest.param("unknown_event_refused", unknown_event, NOTHING),
    pytest.param("other_domain_fulfils", other_domain, NOTHING),
    pytest.param("polling_without_budget", open_orders, NOTHING),
]


@pytest.mark.docker
@pytest.mark.thorough
@pytest.mark.parametrize(("bug", "expose", "settings"), CASES)
def test_a_planted_bug_bites_and_the_healthy_shop_does_not(
    stack: Stack, bug: str, expose: Exposure, settings: dict[str, str]
) -> None:
    """What exposes a bug does harm with it, and none without it."""
    if settings:
        with planted(stack, **settings) as hurried, newcomer(hurried) as customer:
            assert not expose(hurried, customer)
    else:
        with newcomer(stack) as customer:
            assert not expose(stack, customer)
    with planted(stack, bug, **settings) as ill, newcomer(ill) as customer:
        assert expose(ill, customer)
