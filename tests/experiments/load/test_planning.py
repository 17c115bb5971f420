"""From a scenario and an environment to the customers of one drill."""

from pathlib import Path
from typing import cast

import pytest
from pydantic import ValidationError

from drill.errors import BadInput
from experiments.describe import describe
from experiments.environment import Environment, load_environment
from experiments.load.planning import load_notes, load_problems, plan_load
from experiments.scenario import Load
from tests.experiments.conftest import ENVIRONMENT, SCENARIO, plan_of

BUNDLED = Path(__file__).resolve().parents[3] / "environments/bundled.yaml"


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> Environment:
    for name in ("STAGING_WEB_PORT", "STAGING_PAYSTACK_PORT", "STAGING_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return load_environment(BUNDLED)[0]


def test_a_scenario_says_how_many_customers_buy_how_much() -> None:
    """
    Purchases are 430 unless a scenario says otherwise, and every worker has a customer.
    """
    assert Load(customers=20) == Load(customers=20, purchases=430, workers=1)
    with pytest.raises(ValidationError, match="workers: more than customers"):
        Load(customers=1, workers=2)


def test_a_load_is_refused_in_the_plan_where_nobody_knows_the_customers() -> None:
    """
    No drill pretends to have customers.
    """
    with pytest.raises(BadInput, match="the environment has no `load`"):
        plan_of(SCENARIO + "load: {customers: 20, purchases: 430, workers: 1}\n")


def test_the_bundled_staging_has_all_that_customers_need(bundled: Environment) -> None:
    """
    The plan of a load there names the shop, Paystack's stand-in, the features and the prices.
    """
    load = Load(customers=20)
    plan = plan_load(load, bundled, "20260101T000000Z-x", 7)

    assert list(load_problems(load, bundled)) == []
    assert len(plan.purchases) == 430
    assert plan.site.resolve["checkout.paystack.com"] == "127.0.0.1:8443"
    assert sorted(plan.site.features) == [
        "lore-generator",
        "love-loops",
        "trust-score",
        "ubuntu-echo",
    ]
    write, read = plan.site.features["love-loops"]
    assert (write.method, write.body, write.save) == ("POST", '{"note":"{nonce}"}', {"id": "id"})
    assert read.headers == {"X-API-Key": "drill-staging-key"}
    assert plan.site.prices["creator-pass"] == 500_000
    assert plan.site.refund_path == "/api/admin/orders/{order}/refund"


def test_an_environment_without_customers_is_told_what_it_lacks() -> None:
    """
    Each missing thing is a problem with its place; without a load there is none.
    """
    bare = Environment.model_validate(ENVIRONMENT)
    problems = dict(load_problems(Load(customers=2), bare))

    assert "whose addresses" in problems[("load",)]
    assert "needs a browser" in problems[("load", "purchases")]
    assert list(load_problems(None, bare)) == []
    assert list(load_notes(None, bare)) == []


def test_looking_around_needs_no_prices() -> None:
    """
    A load without purchases needs no sandbox and nothing for sale.
    """
    made_up = "long enough"
    customers = {"domain": "drill.test", "password": made_up}
    bare = Environment.model_validate(ENVIRONMENT | {"load": customers})
    load = Load(customers=2, purchases=0)

    assert list(load_problems(load, bare)) == []
    assert plan_load(load, bare, "r", 1).purchases == ()
    assert list(load_notes(load, bare)) == []


def test_what_cannot_be_done_is_said_in_the_plan(bundled: Environment) -> None:
    """
    Without refunds or a sandbox's control port the plan says which purchases are not made.
    """
    customers = cast(
        "dict[str, object]",
        {"load": bundled.load and bundled.load.model_copy(update={"refund": None})},
    )
    poor = bundled.model_copy(update=customers | {"sandbox": None})
    notes = " ".join(load_notes(Load(customers=2), poor))

    assert "nobody asks for a refund" in notes
    assert "nobody pays too little" in notes


def test_keys_do_not_show_in_a_plan_of_the_environment(bundled: Environment) -> None:
    """
    The environment keeps its secrets to itself.
    """
    assert "correct horse" not in repr(bundled)
    assert "drill-staging-key" not in repr(bundled.load)


def test_the_plan_says_who_comes() -> None:
    """
    `drill plan` names the customers and what they buy, before anything is touched.
    """
    # Made up, of nobody.
    customers = {"domain": "drill.test", "password": "long enough"}  # pragma: allowlist secret
    lines = describe(plan_of(SCENARIO + "load: {customers: 5, purchases: 0}\n", load=customers))

    assert "  load      5 customers, who only look around, 1 processes" in lines
