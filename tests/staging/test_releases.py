"""Releases of the shop: put in place, found out, taken back, and refused by tables too new."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import httpx
import pytest

from tests.staging.customer import Customer, outcome
from tests.staging.stack import Stack, until
from tests.staging.test_faults import BACK_WITHIN_S, all_features_work
from tests.staging.test_monitoring import wait_for

pytestmark = pytest.mark.docker

STABLE, BAD, COMPATIBLE, INCOMPATIBLE = "v1.2.0", "v1.3.0", "v1.3.1", "v1.4.0"
SHOP = "vauntico-server"


def version(stack: Stack) -> str:
    """What the shop says it is; empty while it says nothing."""
    try:
        answer = httpx.get(f"{stack.web_url}/api/version")
        return str(answer.json()["release"]) if answer.is_success else ""
    except (httpx.HTTPError, ValueError):
        return ""


def put(stack: Stack, release: str) -> None:
    """Put a release of the shop in place, and wait until the door leads to it."""
    stack.script("release", SHOP, release)
    until(lambda: version(stack) == release, within_s=BACK_WITHIN_S, what=f"{release} answers")


@contextmanager
def afterwards_stable(stack: Stack) -> Iterator[None]:
    """Whatever happens, the stable release and its tables are back for the next test."""
    try:
        yield
    finally:
        stack.script("schema-back")
        put(stack, STABLE)


def other_containers(stack: Stack) -> dict[str, str]:
    """Which container each of the other services runs in, and since when."""
    found = docker.from_env().containers.list(
        filters={"label": f"com.docker.compose.project={stack.project}"}
    )
    return {
        str(one.id): one.attrs["State"]["StartedAt"]
        for one in found
        if one.labels["com.docker.compose.service"] != SHOP
    }


def test_each_release_is_an_image_of_its_own(stack: Stack) -> None:
    """Releases differ in digest and say their name in a label."""
    image = stack.container(SHOP).attrs["Config"]["Image"].rsplit(":", 1)[0]
    releases = (STABLE, BAD, COMPATIBLE, INCOMPATIBLE)
    images = [docker.from_env().images.get(f"{image}:{release}") for release in releases]

    assert len({one.id for one in images}) == len(releases)
    labels = [one.labels["org.opencontainers.image.version"] for one in images]
    assert labels == list(releases)


@pytest.mark.thorough
def test_the_bad_release_breaks_only_checkout_and_is_found_out(stack: Stack) -> None:
    """With v1.3.0 every start of a payment is a 500 and an alert; all else works; v1.2.0 heals."""
    others, since = other_containers(stack), time.time()
    with Customer(stack).sign_up() as customer:
        with afterwards_stable(stack):
            put(stack, BAD)

            assert [customer.buy().status_code for _ in range(3)] == [500, 500, 500]
            ready = httpx.get(f"{stack.web_url}/api/checkout/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "degraded")
            wait_for(stack, "CheckoutFailing", "firing", since=since)
            assert all_features_work(stack)
            with Customer(stack).sign_up() as another:
                assert another.web.get("/plans").status_code == 200
                assert another.web.get("/dashboard").status_code == 200

        wait_for(stack, "CheckoutFailing", "resolved", since=since)
        assert outcome(customer.purchase()) == "paid"
    assert other_containers(stack) == others


@pytest.mark.thorough
def test_the_stable_release_runs_on_the_tables_of_a_compatible_one(stack: Stack) -> None:
    """After v1.3.1 has migrated the tables, v1.2.0 comes back and sells."""
    with afterwards_stable(stack):
        put(stack, COMPATIBLE)
        with Customer(stack).sign_up() as customer:
            assert stack.sql("SELECT max(version) FROM schema_versions") >= "2"
            put(stack, STABLE)

            assert outcome(customer.purchase()) == "paid"


@pytest.mark.thorough
def test_the_stable_release_refuses_tables_it_cannot_work_with(stack: Stack) -> None:
    """After v1.4.0 the older release says why it does not start, and v1.4.0 still works."""
    with Customer(stack).sign_up() as customer, afterwards_stable(stack):
        put(stack, INCOMPATIBLE)
        assert outcome(customer.purchase()) == "paid"

        code, printed = stack.try_script("release", SHOP, STABLE)

        assert code == 1
        assert f"refusing to start: the tables need schema version 3, release {STABLE}" in printed
        put(stack, INCOMPATIBLE)
        with Customer(stack).sign_up() as another:
            assert outcome(another.purchase()) == "paid"
    with Customer(stack).sign_up() as after:
        assert outcome(after.purchase()) == "paid"


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((SHOP,), 2, "usage: release SERVICE TAG"),
        (("nobody", STABLE), 2, "no service is called nobody"),
        ((SHOP, "v0.0.0"), 1, "there is no image"),
    ],
)
def test_a_release_that_cannot_be_is_refused_untouched(
    stack: Stack, args: tuple[str, ...], code: int, says: str
) -> None:
    """A wrong service or tag is answered with a reason, and nothing is replaced."""
    before = stack.container_id(SHOP)

    assert stack.try_script("release", *args)[0] == code
    assert says in stack.try_script("release", *args)[1]
    assert stack.container_id(SHOP) == before
