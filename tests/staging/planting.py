"""Bugs planted into a running staging, and what their tests look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import httpx

from tests.staging.customer import PAYSTACK, Customer
from tests.staging.stack import POLL_S, Stack, until
from tests.staging.test_faults import disconnected
from tests.staging.test_purchase import post_webhook

SERVICES = ("vauntico-server", "fulfillment-engine")
UP_WITHIN_S = 20.0
LONGEST_S = 15.0
PRICE = 500_000
HELD_S = 30
LEFT_BEHIND = "TRUNCATE orders, webhook_events, outbox CASCADE"


@contextmanager
def planted(stack: Stack, *bugs: str, **settings: str) -> Iterator[Stack]:
    """The stack with bugs in its shop; afterwards the healthy shop, and no trace of the bugs."""
    ill = replace(
        stack, settings={**stack.settings, "STAGING_PLANTED_BUGS": ",".join(bugs), **settings}
    )
    try:
        start(ill, *bugs)
        yield ill
    finally:
        # While the old ones are down: they would find the healthy shop's indexes impossible.
        stack.compose("stop", "-t", "1", *SERVICES)
        stack.sql(LEFT_BEHIND, user="postgres")
        start(stack)


def start(stack: Stack, *bugs: str) -> None:
    """Both services anew, until they say that these bugs are planted in them."""
    stack.compose("up", "-d", "--no-deps", "-t", "1", *SERVICES)
    until(lambda: told(stack) == [list(bugs)] * 2, within_s=UP_WITHIN_S, what=f"with {bugs}")
    wait_until_ready(stack)


@contextmanager
def newcomer(stack: Stack) -> Iterator[Customer]:
    """Somebody who has signed up; tried again where the shop has only just started."""

    def signed_up() -> list[Customer]:
        customer = Customer(stack)
        try:
            return [customer.sign_up()]
        except (AssertionError, httpx.TransportError):
            customer.__exit__(None, None, None)
            return []

    with until(signed_up, within_s=UP_WITHIN_S, what="somebody can sign up")[0] as customer:
        yield customer


def wait_until_ready(stack: Stack) -> None:
    """Until the shop serves customers."""

    def ready() -> bool:
        try:
            return httpx.get(f"{stack.web_url}/api/ready").is_success
        except httpx.TransportError:
            return False

    until(ready, within_s=UP_WITHIN_S, what="the shop is ready")


def told(stack: Stack) -> list[object]:
    """Which bugs each service says are planted."""
    try:
        shop = httpx.get(f"{stack.web_url}/api/version").json()["planted_bugs"]
    except (httpx.HTTPError, ValueError, KeyError):  # nginx answers for it, or nobody
        return []
    asked = stack.container("fulfillment-engine").exec_run(
        ["curl", "-sm1", "http://127.0.0.1:3002/api/version"]
    )
    assert isinstance(asked.output, bytes)
    try:
        return [shop, json.loads(asked.output)["planted_bugs"]]
    except ValueError:
        return []


def soon(look: Callable[[], bool], within_s: float = LONGEST_S) -> bool:
    """Whether it is seen in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(POLL_S)
    return look()


def count(stack: Stack, table: str, customer: Customer) -> int:
    """A customer's rows of a table that names orders."""
    return int(
        stack.sql(
            f"SELECT count(*) FROM {table} t JOIN orders o ON o.id = t.order_id"
            f" WHERE o.email = '{customer.email}'"
        )
    )


def grants(stack: Stack, customer: Customer, at_least: int = 1) -> Callable[[], bool]:
    """Looks whether a customer was granted so much."""
    return lambda: count(stack, "grants", customer) >= at_least


def cut_off(stack: Stack) -> AbstractContextManager[None]:
    """Paystack is not there, so that a signed event is all there is."""
    return disconnected(stack, "paystack", *PAYSTACK)


def paid_event(stack: Stack, reference: str, **changes: object) -> bytes:
    """The event that would tell of this reference's success."""
    data = stack.paystack("GET", f"/transaction/verify/{reference}").json()["data"]
    data |= {"status": "success", "fees": 17_500, **changes}
    return json.dumps({"event": "charge.success", "data": data}, separators=(",", ":")).encode()


def signed(stack: Stack, body: bytes) -> int:
    """Deliver an event as Paystack would; the answer's code."""
    return post_webhook(stack, body, key=stack.secret_key).status_code


def call_back(customer: Customer, reference: str) -> httpx.Response:
    """Visit the callback's address."""
    return customer.web.get(
        "/checkout/callback", params={"reference": reference}, follow_redirects=True
    )


def set_order(stack: Stack, customer: Customer, change: str) -> None:
    """Change a customer's order behind the shop's back."""
    stack.sql(f"UPDATE orders SET {change} WHERE email = '{customer.email}'", user="postgres")


def kill(stack: Stack, service: str) -> None:
    """Kill a service, and wait until it is dead."""
    container = stack.container(service)
    container.kill()
    container.wait()


@contextmanager
def held_grants(stack: Stack, *, kills: str = "fulfillment-engine") -> Iterator[None]:
    """
    Nobody can commit a grant; left when somebody waits to do so.

    A service is killed at that moment, and started when the way is free again.
    """
    lock = f"BEGIN; LOCK TABLE grants IN EXCLUSIVE MODE; SELECT pg_sleep({HELD_S})"
    stack.container("postgres").exec_run(
        ["psql", "-h", "/tmp", "-U", "postgres", "-d", "vauntico", "-qc", lock], detach=True
    )
    until(lambda: _seen(stack, "wait_event = 'PgSleep'"), within_s=UP_WITHIN_S, what="the lock")
    try:
        yield
        until(
            lambda: _seen(stack, "wait_event_type = 'Lock'"),
            within_s=UP_WITHIN_S,
            what="somebody waits to grant",
        )
        kill(stack, kills)
        if kills == "postgres":
            stack.container(kills).start()
    finally:
        until(lambda: _released(stack), within_s=UP_WITHIN_S, what="nothing holds the grants")
        stack.container(kills).start()
        wait_until_ready(stack)


def _seen(stack: Stack, what: str) -> bool:
    """Whether PostgreSQL has a session of which this is true."""
    return stack.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {what}", user="postgres") != "0"


def _released(stack: Stack) -> bool:
    """End the session that holds the grants; whether it is gone."""
    stop = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    try:
        return stack.sql(f"{stop} WHERE wait_event = 'PgSleep'", user="postgres") == "0"
    except AssertionError:
        return False  # PostgreSQL is only just coming back


@contextmanager
def nothing_noted(stack: Stack, of: str = "true") -> Iterator[None]:
    """What Paystack answers to such refunds is lost before it is written down."""
    stack.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'lost' USING ERRCODE = '57014'; END $$;"
        " CREATE TRIGGER lose BEFORE UPDATE OF paystack_id ON refunds"
        f" FOR EACH ROW WHEN ({of}) EXECUTE FUNCTION lose()",
        user="postgres",
    )
    try:
        yield
    finally:
        stack.sql("DROP FUNCTION lose CASCADE", user="postgres")
