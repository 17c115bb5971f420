"""The part of an environment that says how the ledgers are read: what it takes, and refuses."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from drill.errors import BadInput
from experiments.bookkeeping import shop_of
from experiments.environment import (
    ENVIRONMENTS,
    Environment,
    compose_services,
    load_environment,
)
from experiments.environment_shop import Shop
from experiments.files import parse_document
from experiments.problems import build_model

ENVIRONMENT = """\
schema: drill-environment/1
environment: staging
compose: {project: fake, file: compose.yaml}
outside: [{name: db, host: db.staging.example, kind: staging}]
web: http://127.0.0.1:1
probes: {shop: {http: [{url: /}]}}
shop:
"""
VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
LOCAL = "sql: {dsn: 'postgresql://r@localhost/x', orders: '%s', grants: SELECT 1}"
LISTS = "orders: {path: /o, fields: {id: id}}, grants: {path: /g, fields: {id: /id}}"
API = f"api: {{url: 'http://a', {LISTS}}}"
WHO = "r:word"
SQL = f"sql: {{dsn: 'postgresql://{WHO}@%s/shop', orders: SELECT 1, grants: SELECT 1}}"


def read(*lines: str) -> Environment:
    """An environment whose shop has these lines."""
    text = ENVIRONMENT + "".join(f"  {line}\n" for line in lines)
    return build_model(Environment, parse_document("e.yaml", text.encode(), {}))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (SQL % "db.production.example", "db.production.example is no host of `outside`"),
        ("sql: {dsn: 'mysql://x', orders: SELECT 1, grants: SELECT 1}", "postgresql://user"),
        (LOCAL % "DELETE FROM orders", "this is not one SELECT"),
        (LOCAL % "SELECT 1; SELECT 2", "this is not one SELECT"),
        ("paystack: {key: sk_" + "live_abc}", "live"),
        ("paystack: {key: sk_test_a, calls_a_minute: 0}", "greater than or equal to 1"),
        ("mailbox: {}", "either `imap` or `http`"),
        ("mailbox: {http: 'http://127.0.0.1:1', receipt: 'Order'}", "names neither"),
        ("mailbox: {http: 'http://127.0.0.1:1', receipt: '('}", "no regular expression"),
        (f"mailbox: {{imap: 'imap://{WHO}@mail.example'}}", "use imaps://"),
        (f"mailbox: {{imap: 'pop://{WHO}@mail.example'}}", "imaps://user"),
        (API, "JSON pointer"),
        ("out_of_sight: {I-16: never}", "no invariant"),
        ("out_of_sight: {I-6: ' '}", "needs a reason"),
        ("canaries: {product: pass, domain: d.test, password: word}", "has no price"),
        ("service: [a]", "did you mean 'services'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_safely_is_refused(line: str, says: str) -> None:
    """The place, what is wrong, and no secret of it."""
    with pytest.raises(BadInput) as refused:
        read(line)

    assert says in str(refused.value)
    assert "e.yaml:" in str(refused.value)
    assert "word" not in str(refused.value).replace("password", "")


def test_a_classified_or_local_database_is_taken() -> None:
    """A database is read where `outside` calls its host staging, or where it is this machine."""
    for host in ("db.staging.example", "127.0.0.1:5432"):
        shop = read(SQL % host).shop
        assert shop
        assert shop.sql
        assert "word" not in repr(shop)


def test_the_bundled_environment_sees_every_ledger() -> None:
    """Paystack, tables, mailbox, sessions and canaries are there; only calls are out of sight."""
    environment, _ = load_environment(ENVIRONMENTS / "bundled.yaml")

    shop = shop_of(environment)

    assert shop.paystack
    assert shop.sql
    assert shop.mailbox
    assert shop.session
    assert shop.canaries
    assert shop.calls
    assert set(shop.sql.sights) == {"order", "event", "job", "grant"}
    assert not shop.out_of_sight


def test_the_example_says_what_nobody_can_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vauntico's own environment reads what it can and owns up to the rest."""
    text = (ENVIRONMENTS / "vauntico.yaml").read_text()
    for name in set(VARIABLE.findall(text)):
        monkeypatch.setenv(name, "a@b.example" if "MAIL" in name else "http://a.example")
    monkeypatch.setenv("PAYSTACK_TEST_SECRET_KEY", "sk_test_a")
    monkeypatch.setenv("STAGING_DATABASE_HOST", "db.staging.example")
    monkeypatch.setenv("STAGING_REDIS_HOST", "redis.staging.example")
    monkeypatch.setenv("SHOP_READ_DSN", "postgresql://r@db.staging.example/shop")

    shop = shop_of(load_environment(ENVIRONMENTS / "vauntico.yaml")[0])

    assert not shop.refunds_settle
    assert set(shop.out_of_sight) == {"I-6", "I-15"}


def test_a_service_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    """What is restarted at the end must exist, or the last reading would prove nothing."""
    path = ENVIRONMENTS / "bundled.yaml"
    environment, _ = load_environment(path)
    services = compose_services(environment, path)

    assert shop_of(environment, services).services == ("vauntico-server", "fulfillment-engine")
    with pytest.raises(BadInput) as refused:
        shop_of(environment, {"vauntico-server", "fulfilment-engine"})
    assert str(refused.value) == (
        "shop.services: no service is called 'fulfillment-engine'"
        "; did you mean 'fulfilment-engine'?"
    )


def test_reading_an_environment_loads_no_client() -> None:
    """A scenario is read fast: neither the HTTP nor the database client comes along."""
    program = (
        "import sys, experiments.environment, experiments.reconcile, experiments.reconciling;"
        "print(sorted({'httpx', 'psycopg', 'docker'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    ("shop", "says"),
    [(None, "does not say how its shop is read"), (Shop(), "shop.prices")],
)
def test_a_shop_that_cannot_be_judged_is_refused_plainly(shop: Shop | None, says: str) -> None:
    """A drill that promises that nothing is lost does not start without the means to see it."""
    environment, _ = load_environment(Path(ENVIRONMENTS / "bundled.yaml"))

    with pytest.raises(BadInput, match=says):
        shop_of(environment.model_copy(update={"shop": shop}))
