"""The Paystack sandbox: envelopes, texts and codes as the real API gives them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from uuid import uuid4

import httpx
import pytest

from tests.staging.customer import SUCCESS, Customer
from tests.staging.stack import Stack, until

pytestmark = pytest.mark.docker
GOOD: dict[str, object] = {"email": "a@drill.test", "amount": 500_000, "currency": "NGN"}
WEBHOOK_WITHIN_S = 10.0
LEASE_WITHIN_S = 10.0
GRANTED_WITHIN_S = 20.0


def answers(stack: Stack) -> bool:
    """Whether the sandbox is up."""
    try:
        return stack.paystack("GET", "/").is_success
    except httpx.TransportError:
        return False


def test_it_answers_over_tls_under_its_real_name(stack: Stack) -> None:
    """The container gives what the in-process tests have proven, with Paystack's addresses."""
    reference = uuid4().hex
    answer = stack.paystack("POST", "/transaction/initialize", {**GOOD, "reference": reference})
    again = stack.paystack("POST", "/transaction/initialize", {**GOOD, "reference": reference})
    unknown = stack.paystack("GET", "/transaction/verify/nobody-made-this")
    stranger = stack.paystack("GET", "/transaction", key="sk_test_wrong")

    data = answer.json()["data"]
    assert answer.json()["message"] == "Authorization URL created"
    assert data["authorization_url"] == f"https://checkout.paystack.com/{data['access_code']}"
    assert again.json()["code"] == "duplicate_reference"
    assert (unknown.status_code, unknown.json()["code"]) == (400, "transaction_not_found")
    assert (stranger.status_code, stranger.json()["code"]) == (401, "invalid_Key")
    counted = stack.inside("paystack", "curl", "-fsS", "http://127.0.0.1:8081/metrics")
    assert 'path="/transaction/verify/{reference:path}"' in counted


def calls_of(stack: Stack, caller: str) -> float:
    """How often the sandbox says that somebody called its API."""
    told = stack.inside("paystack", "curl", "-fsS", "http://127.0.0.1:8081/metrics")
    found = re.search(rf'^paystack_calls_total\{{caller="{caller}"\}} (\S+)$', told, re.MULTILINE)
    assert found, told
    return float(found[1])


def test_calls_are_counted_by_caller(stack: Stack) -> None:
    """What a fault answers counts as well; the drill's own calls are told from the shop's."""
    before = calls_of(stack, "shop")
    with Customer(stack).sign_up() as customer:
        customer.purchase()
    assert calls_of(stack, "shop") >= before + 2  # initialize and verify

    drills, headers = calls_of(stack, "drill"), {"user-agent": "vauntico-drills"}
    with httpx.Client(verify=False) as client:  # the certificate is the drill's own
        for path in ("/transaction/verify/nobody", "/"):
            client.get(f"https://127.0.0.1:{stack.paystack_port}{path}", headers=headers)
    assert calls_of(stack, "drill") == drills + 1


def test_the_control_port_needs_its_token(stack: Stack) -> None:
    """Published on loopback, it answers nobody who has not the token."""
    url = f"http://127.0.0.1:{stack.paystack_control_port}/faults"

    assert httpx.get(url).status_code == 401
    assert stack.control("GET", "/faults").json()["faults"] == []


def test_a_fault_ends_by_itself(stack: Stack) -> None:
    """Nobody refreshes it, and 3 s later the API is as it was."""
    stack.control("PUT", f"/faults/{uuid4().hex}", {"kind": "error", "routes": ["list"]})
    assert stack.paystack("GET", "/transaction").status_code == 500

    until(
        lambda: stack.paystack("GET", "/transaction").is_success,
        within_s=LEASE_WITHIN_S,
        what="the lease is over",
    )


def test_an_answer_is_lost_over_tls(stack: Stack) -> None:
    """The connection ends without a byte of an answer, and the money has moved."""
    given = {**GOOD, "reference": uuid4().hex}
    made = stack.paystack("POST", "/transaction/initialize", given).json()["data"]
    page = f"https://checkout.paystack.com/{made['access_code']}/pay"
    fault: dict[str, object] = {"kind": "answer_lost", "only": made["access_code"]}
    stack.control("PUT", f"/faults/{uuid4().hex}", fault)

    with Customer(stack) as customer, pytest.raises(httpx.TransportError):
        customer.hosted("POST", page, SUCCESS)

    seen = stack.paystack("GET", f"/transaction/verify/{made['reference']}").json()["data"]
    assert seen["status"] == "success"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer_lost", "routes": ["capture"]},
        {"kind": "verify_lag", "lag_s": 1},
        {"kind": "late_success", "delay_s": 1},
        {"kind": "webhook_dropped", "for_good": True},
        {"kind": "webhook_duplicated", "copies": 5},
        {"kind": "cloudflare", "routes": ["verify"], "count": 2},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_careful_shop_grants_it_once_all_the_same(stack: Stack, fault: dict[str, object]) -> None:
    """Whatever becomes of the answer, the webhook or the look, the payment is one pass."""
    with Customer(stack).sign_up() as customer:
        address = customer.start()
        name = uuid4().hex
        stack.control("PUT", f"/faults/{name}", {**fault, "only": customer.reference()})
        with contextlib.suppress(httpx.TransportError):
            customer.pay(address, SUCCESS)
        until(customer.has_pass, within_s=GRANTED_WITHIN_S, what="the pass")
        grants = f"SELECT count(*) FROM grants WHERE reference = '{customer.reference()}'"

        assert stack.sql(grants) == "1"


def test_a_capture_survives_a_kill(stack: Stack) -> None:
    """What the hosted page called paid is still paid after the sandbox was killed."""
    with Customer(stack).sign_up() as customer:
        address, reference = customer.start(), customer.reference()
        assert customer.pay(address, SUCCESS).status_code == 303
        container = stack.container("paystack")
        container.kill()
        container.wait()
        container.start()

        def status() -> str:
            try:
                answer = stack.paystack("GET", f"/transaction/verify/{reference}")
            except httpx.TransportError:
                return "not up yet"
            return str(answer.json()["data"]["status"])

        until(lambda: status() == "success", within_s=WEBHOOK_WITHIN_S, what="success")
        until(customer.has_pass, within_s=WEBHOOK_WITHIN_S, what="the pass, by webhook")


@pytest.mark.thorough
def test_a_crash_loses_nothing_that_was_answered(stack: Stack) -> None:
    """What was answered while the container was crashed is there when it is back, once each."""
    told: list[str] = []
    over = threading.Event()

    def buy() -> None:
        while not over.is_set():
            with contextlib.suppress(httpx.TransportError), Customer(stack) as customer:
                given = {**GOOD, "reference": uuid4().hex}
                made = stack.paystack("POST", "/transaction/initialize", given).json()["data"]
                page = f"https://checkout.paystack.com/{made['access_code']}/pay"
                customer.hosted("POST", page, SUCCESS).raise_for_status()
                told.append(made["reference"])

    threads = [threading.Thread(target=buy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: told, within_s=GRANTED_WITHIN_S, what="a first payment")
        pid = stack.container("paystack").attrs["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)  # the container's init, so that its policy restarts it
    finally:
        over.set()
        for thread in threads:
            thread.join()
    until(lambda: answers(stack), within_s=GRANTED_WITHIN_S, what="the sandbox is back")

    captured = [one["reference"] for one in stack.control("GET", "/captures").json()["captures"]]
    assert set(told) <= set(captured)
    assert len(captured) == len(set(captured))


def test_names_outside_the_stack_do_not_exist_in_it(stack: Stack) -> None:
    """With the sandbox stopped its name is unknown, so that nothing ever asks the real Paystack."""
    container = stack.container("paystack")
    container.stop(timeout=3)
    try:
        for service in ("vauntico-server", "fulfillment-engine"):
            looked = stack.container(service).exec_run(["getent", "hosts", "api.paystack.co"])
            assert (looked.exit_code, looked.output) == (2, b"")
    finally:
        container.start()
        until(lambda: answers(stack), within_s=WEBHOOK_WITHIN_S, what="the sandbox is back")
