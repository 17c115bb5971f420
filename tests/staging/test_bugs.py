"""Each planted bug bites under what exposes it, and the healthy shop does not; part one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.staging.customer import SUCCESS, Customer
from tests.staging.module import STAGING
from tests.staging.planting import (
    PRICE,
    call_back,
    count,
    cut_off,
    grants,
    held_grants,
    kill,
    newcomer,
    paid_event,
    planted,
    set_order,
    signed,
    soon,
    wait_until_ready,
)
from tests.staging.stack import Stack, until
from tests.staging.test_faults import paused, stopped
from tests.staging.test_purchase import post_webhook

FEES = 17_500  # of a Creator Pass, by Paystack's tariff
NOT_SEEN_FOR_S = 6.0
Exposure = Callable[[Stack, Customer], bool]
"""Exposes the shop, and says whether the bug bit."""


def forged_event(stack: Stack, customer: Customer) -> bool:
    """1: an unsigned event of an unpaid reference."""
    customer.start()
    post_webhook(stack, paid_event(stack, customer.reference()))
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def escaped_event(stack: Stack, customer: Customer) -> bool:
    """2: a signed event in another spelling, while Paystack cannot be asked."""
    customer.start()
    body = paid_event(stack, customer.reference()).replace(b"@", b"\\u0040")
    with cut_off(stack):
        signed(stack, body)
        return not soon(grants(stack, customer))


def cancelled_page(stack: Stack, customer: Customer) -> bool:
    """3: cancelling on the hosted page."""
    customer.come_back(customer.hosted("POST", f"{customer.start()}/cancel"))
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def unpaid_callback(stack: Stack, customer: Customer) -> bool:
    """4: visiting the callback without having paid."""
    customer.start()
    call_back(customer, customer.reference())
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def underpaid(stack: Stack, customer: Customer) -> bool:
    """5: paying half the price."""
    address = customer.start()
    set_order(stack, customer, "amount = 2 * amount")
    customer.come_back(customer.pay(address, SUCCESS))
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def fee_included(stack: Stack, customer: Customer) -> bool:
    """6: paying the price and Paystack's fee."""
    address = customer.start()
    set_order(stack, customer, f"amount = amount - {FEES}")
    customer.come_back(customer.pay(address, SUCCESS))
    return not soon(grants(stack, customer))


def other_currency(stack: Stack, customer: Customer) -> bool:
    """7: paying the number in another currency."""
    address = customer.start()
    set_order(stack, customer, "currency = 'USD'")
    customer.come_back(customer.pay(address, SUCCESS))
    return soon(grants(stack, customer), NOT_SEEN_FOR_S)


def any_purchase(stack: Stack, customer: Customer) -> bool:
    """8: any purchase, by the price list."""
    customer.purchase()
    until(grants(stack, customer), within_s=NOT_SEEN_FOR_S, what="the pass")
    found = stack.paystack("GET", f"/transaction/verify/{customer.reference()}").json()["data"]
    return bool(found["amount"] != PRICE)


def duplicate_event(stack: Stack, customer: Customer) -> bool:
    """9: the same event twice more."""
    customer.purchase()
    body = paid_event(stack, customer.reference())
    assert {signed(stack, body), signed(stack, body)} == {200}
    return soon(grants(stack, customer, 2), NOT_SEEN_FOR_S)


def both_at_once(stack: Stack, customer: Customer) -> bool:
    """10: the webhook's job and the callback's, taken together (edge K12)."""
    address = customer.start()
    with paused(stack, "fulfillment-engine"):
        blocked = ("redis-cli", "info", "clients")
        until(
            lambda: "blocked_clients:0" in stack.inside("redis", *blocked),
            within_s=NOT_SEEN_FOR_S,
            what="the engine's own wait for jobs is over",
        )
        customer.come_back(customer.pay(address, SUCCESS))
        queued = "SELECT (SELECT count(*) FROM outbox) = 0 AND (SELECT count(*) FROM webhook_events"
        queued += f" WHERE reference = '{customer.reference()}') = 1"
        until(lambda: stack.sql(queued) == "t", within_s=NOT_SEEN_FOR_S, what="both jobs in Redis")
    return soon(grants(stack, customer, 2), NOT_SEEN_FOR_S)


def redis_killed(stack: Stack, customer: Customer) -> bool:
    """11: acknowledged, and Redis dead before the job is there (edge K5); no Paystack to ask."""
    customer.start()
    body = paid_event(stack, customer.reference())
    with cut_off(stack):
        with stopped(stack, "redis"):
            assert signed(stack, body) == 200
        return not soon(grants(stack, customer))


def nowhere_to_store(stack: Stack, customer: Customer) -> bool:
    """12: killed at the answer to an event while PostgreSQL is frozen (K4); no Paystack to ask."""
    customer.start()
    body = paid_event(stack, customer.reference())
    with cut_off(stack):
        with paused(stack, "postgres"):
            acknowledged = signed(stack, body) == 200
            kill(stack, "vauntico-server")
        stack.container("vauntico-server").start()
        wait_until_ready(stack)
        if not acknowledged:  # as Paystack does
            until(lambda: signed(stack, body) == 200, within_s=NOT_SEEN_FOR_S, what="stored")
        return not soon(grants(stack, customer))


def killed_before_the_grant(stack: Stack, customer: Customer) -> bool:
    """13: the engine killed when it is about to grant (edge K7); no Paystack to ask."""
    customer.start()
    body = paid_event(stack, customer.reference())
    with cut_off(stack):
        with held_grants(stack):
            assert signed(stack, body) == 200
        return not soon(grants(stack, customer))


def job_done_again(stack: Stack, customer: Customer) -> bool:
    """14: a job that is not acknowledged comes again (edge K8)."""
    customer.start()
    body = paid_event(stack, customer.reference())
    with cut_off(stack):
        with held_grants(stack):
            assert signed(stack, body) == 200
        until(grants(stack, customer), within_s=20, what="the pass")
        pending = ("redis-cli", "xpending", "fulfillment:jobs", "fulfillment-engine")
        until(
            lambda: stack.inside("redis", *pending).startswith("0"),
            within_s=20,
            what="the job is acknowledged",
        )
    assert count(stack, "grants", customer) == 1
    return count(stack, "stock_movements", customer) > 1


THOROUGH = pytest.mark.thorough
CASES = [
    pytest.param("no_signature_check", forged_event, marks=THOROUGH),
    pytest.param("reserialised_signature", escaped_event, marks=THOROUGH),
    pytest.param("envelope_trusted", cancelled_page, marks=THOROUGH),
    pytest.param("redirect_trusted", unpaid_callback, marks=THOROUGH),
    pytest.param("amount_unchecked", underpaid, marks=THOROUGH),
    pytest.param("amount_must_be_equal", fee_included, marks=THOROUGH),
    pytest.param("currency_unchecked", other_currency, marks=THOROUGH),
    pytest.param("hundredfold_price", any_purchase, marks=THOROUGH),
    pytest.param("no_dedupe", duplicate_event, marks=THOROUGH),
    pytest.param("select_then_insert", both_at_once, marks=THOROUGH),
    pytest.param("seen_before_done", redis_killed, marks=THOROUGH),
    pytest.param("acknowledged_before_stored", nowhere_to_store, marks=THOROUGH),
    pytest.param("job_acknowledged_first", killed_before_the_grant, marks=THOROUGH),
    pytest.param("effects_on_redo", job_done_again, marks=THOROUGH),
]


@pytest.mark.docker
@pytest.mark.parametrize(("bug", "expose"), CASES)
def test_a_planted_bug_bites_and_the_healthy_shop_does_not(
    stack: Stack, bug: str, expose: Exposure
) -> None:
    """What exposes a bug does harm with it, and none without it."""
    with newcomer(stack) as customer:
        assert not expose(stack, customer)
    with planted(stack, bug) as ill, newcomer(ill) as customer:
        assert expose(ill, customer)


@pytest.mark.docker
@pytest.mark.thorough
def test_the_healthy_shop_refuses_what_a_bug_left_behind(stack: Stack) -> None:
    """With a purchase granted twice in its tables, the healthy shop says so and does not start."""
    with planted(stack, "no_dedupe") as ill, newcomer(ill) as customer:
        assert duplicate_event(ill, customer)
        stack.compose("up", "-d", "--no-deps", "-t", "1", "vauntico-server")
        says = "refusing to start: a planted bug left duplicates"
        until(
            lambda: says in stack.compose("logs", "--no-color", "vauntico-server"),
            within_s=20,
            what="the refusal",
        )


def run(code: str, planted_bugs: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line of the shop's own Python with its modules."""
    return subprocess.run(
        [sys.executable, "-c", f"from shop import bugs; {code}"],
        env={"PYTHONPATH": str(STAGING / "common"), "PLANTED_BUGS": planted_bugs},
        capture_output=True,
        text=True,
        check=False,
    )


def test_bugs_are_planted_by_number_or_name_and_none_by_default() -> None:
    """Numbers and names mean the same, in any order; an empty variable plants nothing."""
    assert run("print(*bugs.current().listed)").stdout.split() == []
    both = run("print(*bugs.current().listed)", "no_dedupe, 1").stdout.split()
    assert both == ["no_signature_check", "no_dedupe"]
    assert "PLANTED BUG 9: no_dedupe" in run("bugs.announce()", "9").stderr


@pytest.mark.parametrize("wrong", ["31", "0", "no_such_thing", "1,two"])
def test_an_unknown_bug_ends_the_service(wrong: str) -> None:
    """A number or name that is not in the table ends a service with one line that names it."""
    done = run("bugs.announce()", wrong)

    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert f"no such bug: {wrong.rsplit(',', maxsplit=1)[-1]}" in done.stderr


def test_the_table_of_bugs_is_that_of_the_shop() -> None:
    """staging/bugs.md names every bug of the shop by its number, and no other."""
    rows = [
        line.split("|")[1:3]
        for line in (STAGING / "bugs.md").read_text().splitlines()
        if line.startswith("| ") and line.split()[1].isdigit()
    ]
    names = run("print(*bugs.NAMES)").stdout.split()

    assert [(number.split()[0], name.strip(" `")) for number, name in rows] == [
        (str(number), name) for number, name in enumerate(names, 1)
    ]
