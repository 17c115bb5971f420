"""An alert's chain, as Prometheus and Alertmanager describe it."""

import json

import pytest

from drill.incident import ChainSeen
from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Asked, Double, with_double
from validators.probes.alerts.api import Api
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.chain import Chains
from validators.probes.alerts.expressions import Selector, selectors
from validators.probes.alerts.routes import group_wait, load_config, prometheus_duration

ALERT = "PaystackUnreachable"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up == 0", ["up"]),
        ('rate(a_total{x=~"5..",y!="}"}[5m:1s] offset 1h) > 0.01', ['a_total{x=~"5..",y!="}"}']),
        (
            "sum by (job) (rate(a[1m])) / on (job) group_left (b) sum without (c) (d) > bool 1",
            ["a", "d"],
        ),
        ('{__name__=~"a|b"} and on () up unless c', ['{__name__=~"a|b"}', "up", "c"]),
        ("sum(a) by (b) + avg without(c) (d) == inf", ["a", "d"]),
        ("a @ 1609746000 + a + -1e3 * 0x1f", ["a"]),
        ("job:a:rate5m > 1 # and b", ["job:a:rate5m"]),
        ("histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m])))", ["b_bucket"]),
        ('label_replace(a, "b", "$1", "c", "(.*)")', ["a"]),
        ("sum == 1", ["sum"]),
        ("vector(1)", []),
    ],
)
def test_the_selectors_of_an_expression_are_found(expression: str, found: list[str]) -> None:
    """Metrics are told from functions, keywords, groupings, strings and numbers."""
    assert [one.text for one in selectors(expression)] == found


def test_what_is_asked_to_be_absent_needs_no_series() -> None:
    """`absent` is true because there is nothing."""
    found = selectors("a == 0 or absent(b{c='d'})")
    assert found == [Selector("a"), Selector("b{c='d'}", absent=True)]


CONFIG = """
route:
  receiver: inbox
  group_wait: 2s
  routes:
    - {matchers: ['severity="1"'], group_wait: 0s}
    - {match: {team: shop}, group_wait: 1m30s}
    - {match_re: {severity: "2|3"}, group_wait: 5s, continue: true, routes: [{matchers: [x!="y"]}]}
    - {matchers: ['severity=~"2"', 'alertname!~"A.*"'], group_wait: 7s}
"""


@pytest.mark.parametrize(
    ("labels", "wait_s"),
    [
        ({"alertname": "A", "severity": "1"}, 0.0),
        ({"alertname": "A", "severity": "4", "team": "-"}, 2.0),
        ({"alertname": "A", "severity": "4"}, 90.0),
        ({"alertname": "A", "severity": "2", "team": "-"}, 5.0),
        ({"alertname": "B", "severity": "2", "team": "-"}, 7.0),
    ],
)
def test_the_group_wait_is_that_of_the_slowest_route_it_may_take(
    labels: dict[str, str], wait_s: float
) -> None:
    """Routes are followed in order; one that depends on an unknown label may be taken or not."""
    assert group_wait(load_config(CONFIG), labels) == wait_s


def test_alertmanagers_own_default_counts_where_nothing_is_said() -> None:
    """A configuration without `group_wait` waits 30 s."""
    assert group_wait(load_config("route: {receiver: a}"), {}) == 30.0


@pytest.mark.parametrize(("text", "s"), [("1m30s", 90.0), ("250ms", 0.25), ("1d", 86400.0)])
def test_prometheus_durations_are_read(text: str, s: float) -> None:
    """They have units of their own, down to milliseconds and up to years."""
    assert prometheus_duration(text) == s


def described(double: Double, *, query: str = "vauntico_paystack_up == 0") -> None:
    """Fill a double with what Prometheus and Alertmanager say of one alert."""
    rules = json.dumps(shapes.prometheus_rules(None)).replace("vauntico_paystack_up == 0", query)
    double.answers["/api/v1/rules"] = rules.encode()
    double.answers["/api/v1/targets"] = shapes.prometheus_targets(
        shapes.target("shop", interval="1s"),
        shapes.target("shop", interval="5s"),
        shapes.target("slow", interval="1m"),
    )
    double.answers["/api/v1/query"] = shapes.vector(({"job": "shop"}, "3"))
    config = {"config": {"original": "route: {group_wait: 4s}\n"}}
    double.answers["/api/v2/status"] = config


async def chain_of(double: Double, alert: str = ALERT) -> ChainSeen:
    prometheus, alertmanager = Api(double.url), Api(double.url)
    chains = Chains(prometheus, alertmanager, lambda: 7.0)
    (chain,) = await chains.read([alert, alert])
    await chains.close()
    return chain


def test_a_chain_is_put_together_from_what_the_systems_say() -> None:
    """The scrape is the slowest of the jobs that have its series, the rest is the rule's own."""

    async def work(double: Double) -> None:
        described(double)
        assert await chain_of(double) == ChainSeen(
            t=7.0,
            alert=ALERT,
            source="prometheus",
            present=True,
            health="ok",
            series=3,
            scrape_s=5.0,
            evaluation_s=1.0,
            for_s=2.0,
            group_wait_s=4.0,
        )
        asked = [one.query["query"] for one in double.asked if one.path == "/api/v1/query"]
        assert asked == [["count by (job) (vauntico_paystack_up)"]]

    with_double(work)


def test_an_expression_without_series_has_none() -> None:
    """Nobody exports the metric: zero series, every job's scrape, and its name is told."""

    async def work(double: Double) -> None:
        described(double)
        double.answers["/api/v1/query"] = shapes.vector()
        chain = await chain_of(double)
        assert (chain.series, chain.scrape_s) == (0, 60.0)
        assert chain.detail == "no series now: vauntico_paystack_up"

    with_double(work)


def test_an_error_ratio_without_errors_yet_can_fire() -> None:
    """That nothing has failed so far is no blindness; it is told and does not make zero."""

    async def work(double: Double) -> None:
        described(double, query="a{code='5'} / a > 0.01")

        def count(asked: Asked) -> object:
            none = "code" in asked.query["query"][0]
            return shapes.vector() if none else shapes.vector(({"job": "shop"}, "2"))

        double.answers["/api/v1/query"] = count
        chain = await chain_of(double)
        assert (chain.series, chain.detail) == (2, "no series now: a{code='5'}")

    with_double(work)


@pytest.mark.parametrize("query", ["absent(a)", "vector(1)"])
def test_an_expression_that_needs_no_series_can_fire(query: str) -> None:
    """Absence, or no selector at all, counts as one series."""

    async def work(double: Double) -> None:
        described(double, query=query)
        double.answers["/api/v1/query"] = shapes.vector()
        assert (await chain_of(double)).series == 1

    with_double(work)


def test_a_rule_that_is_not_there_is_not_present() -> None:
    """A misspelt alert is told, not raised."""

    async def work(double: Double) -> None:
        described(double)
        chain = await chain_of(double, "Paystackk")
        assert (chain.present, chain.series, chain.detail) == (False, None, "no rule of this name")

    with_double(work)


def test_an_older_prometheus_gives_its_scrape_interval_in_its_configuration() -> None:
    """Where targets have no interval of their own the global one counts, then the default."""

    async def work(double: Double) -> None:
        described(double)
        double.answers["/api/v1/targets"] = shapes.prometheus_targets(shapes.target(interval=""))
        config = {"status": "success", "data": {"yaml": "global: {scrape_interval: 15s}"}}
        double.answers["/api/v1/status/config"] = config
        assert (await chain_of(double)).scrape_s == 15.0
        double.answers["/api/v1/status/config"] = {"status": "success", "data": {"yaml": "{}"}}
        assert (await chain_of(double)).scrape_s == 60.0

    with_double(work)


def test_without_alertmanager_the_group_wait_is_unknown() -> None:
    """The rest of the chain is told nevertheless."""

    async def work(double: Double) -> None:
        described(double)
        del double.answers["/api/v2/status"]
        chain = await chain_of(double)
        assert (chain.group_wait_s, chain.for_s) == (None, 2.0)
        assert chain.detail == "group wait unknown: Alertmanager answered 404"

    with_double(work)


def test_a_prometheus_that_refuses_is_unreadable() -> None:
    """Without rules there is no chain to tell of."""

    async def work(double: Double) -> None:
        described(double)
        double.answers["/api/v1/rules"] = {"status": "error", "errorType": "x", "error": "y"}
        with pytest.raises(Unreadable):
            await chain_of(double)

    with_double(work)
