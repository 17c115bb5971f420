"""Prometheus and Alertmanager of the staging stack: from the metric to the delivered alert."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.staging.customer import PAYSTACK, Customer
from tests.staging.stack import Stack, until
from tests.staging.test_faults import Break, disconnected, paused

pytestmark = pytest.mark.docker
CUT_OFF = pytest.param(disconnected, marks=pytest.mark.thorough)

# Generous, as these machines are shared: how fast it is belongs to benchmarks.
FIRES_WITHIN_S = 20.0
ENDS_WITHIN_S = 20.0
METRICS_WITHIN_S = 1.0
ARRIVES_WITHIN_S = 10.0
WATCHED = {
    *("nginx", "vauntico-server", "trust-score-backend", "fulfillment-engine"),
    *("inbox", "paystack", "prometheus", "alertmanager"),
}


def asked(stack: Stack, path: str) -> Any:
    """What Prometheus's API says."""
    answer = httpx.get(f"{stack.prometheus_url}/api/v1/{path}").raise_for_status().json()
    assert answer["status"] == "success"
    return answer["data"]


def delivered(stack: Stack, alert: str, status: str, *, since: float) -> dict[str, Any] | None:
    """The notice of an alert that began after *since* (wall clock), once it is in the inbox."""
    for notice in httpx.get(f"{stack.inbox_url}/api/alerts").json():
        found = (notice["labels"]["alertname"], notice["status"]) == (alert, status)
        if found and notice["startsAt"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since)):
            return dict(notice)
    return None


def wait_for(stack: Stack, alert: str, status: str, *, since: float) -> dict[str, Any]:
    """As `delivered`, waiting for it."""
    within_s = FIRES_WITHIN_S if status == "firing" else ENDS_WITHIN_S
    notice = until(
        lambda: delivered(stack, alert, status, since=since),
        within_s=within_s,
        what=f"{alert} {status} in the inbox",
    )
    assert notice is not None
    return notice


def test_prometheus_and_alertmanager_accept_their_files(stack: Stack) -> None:
    """Promtool and amtool find nothing wrong with what the containers really run."""
    stack.inside("prometheus", "promtool", "check", "rules", "/tmp/rules.yml")
    stack.inside("prometheus", "promtool", "check", "config", "/etc/staging/prometheus.yml")
    stack.inside("alertmanager", "amtool", "check-config", "/etc/staging/alertmanager.yml")


@pytest.mark.parametrize("file", ["alerts_test.yml", "burn_test.yml"])
def test_each_alert_fires_when_it_should_and_only_then(stack: Stack, file: str) -> None:
    """Promtool finds every alert firing on made-up trouble, and silent on made-up health."""
    printed = stack.inside("prometheus", "promtool", "test", "rules", f"/etc/staging/{file}")

    assert "SUCCESS" in printed


def test_everything_is_watched(stack: Stack) -> None:
    """Every service is a target that is up, every rule is healthy, Alertmanager is known."""

    def all_up() -> bool:
        targets = asked(stack, "targets")["activeTargets"]
        up = {t["labels"]["service"] for t in targets if t["health"] == "up"}
        return up == WATCHED and len(targets) == len(WATCHED)

    def rules_healthy() -> bool:
        groups = asked(stack, "rules")["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    until(all_up, within_s=FIRES_WITHIN_S, what="all targets are up")
    until(rules_healthy, within_s=FIRES_WITHIN_S, what="all rules are healthy")
    assert len(asked(stack, "alertmanagers")["activeAlertmanagers"]) == 1
    assert httpx.get(f"{stack.alertmanager_url}/-/ready").status_code == 200


@pytest.mark.parametrize("how", [paused, CUT_OFF])
def test_sacred_features_without_their_database_are_an_alert(stack: Stack, how: Break) -> None:
    """Without PostgreSQL the right alert is delivered, /metrics still answers, and it ends."""
    since = time.time()
    with how(stack, "postgres"):
        notice = wait_for(stack, "SacredFeatureFailure", "firing", since=since)
        wait_for(stack, "DatabaseConnectionFailure", "firing", since=since)
        started = time.monotonic()
        metrics = stack.inside("trust-score-backend", "curl", "-fsS", "127.0.0.1:3001/metrics")
        assert time.monotonic() - started < METRICS_WITHIN_S
        assert 'vauntico_sacred_features_up{feature="love-loops"} 0.0' in metrics

    assert notice["labels"]["severity"] == "1"
    assert notice["labels"]["service"] == "trust-score-backend"
    assert notice["received_at"] > notice["startsAt"][:19]
    wait_for(stack, "SacredFeatureFailure", "resolved", since=since)
    wait_for(stack, "DatabaseConnectionFailure", "resolved", since=since)


@pytest.mark.parametrize("how", [paused, CUT_OFF])
def test_paystack_out_of_reach_is_an_alert(stack: Stack, how: Break) -> None:
    """Whether Paystack is silent or gone, the alert is delivered, and ends when it is back."""
    since = time.time()
    aliases = PAYSTACK if how is disconnected else ()
    with how(stack, "paystack", *aliases):
        wait_for(stack, "PaystackUnreachable", "firing", since=since)

    wait_for(stack, "PaystackUnreachable", "resolved", since=since)


def test_looking_at_paystack_uses_nothing_of_the_rate_limit(stack: Stack) -> None:
    """The shop's regular look at Paystack goes where no key is needed, and nowhere else."""
    calls = 'sum by (path) (increase(http_requests_total{service="paystack"}[5s]))'

    def looks() -> list[str]:
        result = asked(stack, f"query?query={calls}")["result"]
        return [one["metric"]["path"] for one in result if float(one["value"][1]) > 0]

    until(lambda: looks() == ["/"], within_s=FIRES_WITHIN_S, what="only looks that need no key")


def notification(fingerprint: str, status: str = "firing") -> dict[str, object]:
    """A call of Alertmanager's webhook, version 4."""
    alert = {
        "status": status,
        "labels": {"alertname": "MadeUp"},
        "annotations": {},
        "startsAt": "2024-05-06T07:08:09.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint,
    }
    return {"version": "4", "groupKey": "{}:{}", "receiver": "inbox", "alerts": [alert]}


def test_the_inbox_keeps_each_piece_of_news_once(stack: Stack) -> None:
    """Alertmanager's repetition is counted, not listed again; its end is news of its own."""
    fingerprint, hook = uuid4().hex[:16], f"{stack.inbox_url}/alertmanager"
    for status in ("firing", "firing", "resolved"):
        assert httpx.post(hook, json=notification(fingerprint, status)).status_code == 200

    listed = httpx.get(f"{stack.inbox_url}/api/alerts").json()
    mine = [(n["status"], n["times"]) for n in listed if n["fingerprint"] == fingerprint]
    assert mine == [("resolved", 1), ("firing", 2)]


def test_the_inbox_refuses_another_version_of_the_webhook(stack: Stack) -> None:
    """What is not version 4 is answered 400 and not kept."""
    fingerprint = uuid4().hex[:16]
    given = {**notification(fingerprint), "version": "5"}

    assert httpx.post(f"{stack.inbox_url}/alertmanager", json=given).status_code == 400
    assert fingerprint not in httpx.get(f"{stack.inbox_url}/api/alerts").text


def support(stack: Stack, text: str) -> list[dict[str, str]]:
    """What support has got with these words in it."""
    listed = httpx.get(f"{stack.inbox_url}/api/support").json()
    return [message for message in listed if text in message["text"]]


def test_customers_reach_support_directly(stack: Stack) -> None:
    """A message posted to the mailbox is listed with an id and a time; an empty one is refused."""
    text = f"Checkout is broken {uuid4().hex}"
    url = f"{stack.inbox_url}/api/support"
    given = {"from": "ada@drill.test", "subject": "Help", "text": text}

    answer = httpx.post(url, json=given)

    assert answer.status_code == 201
    [kept] = support(stack, text)
    assert {name: kept[name] for name in given} == given
    assert kept["id"] == answer.json()["id"]
    assert kept["received_at"]
    assert httpx.post(url, json={**given, "text": ""}).status_code == 422


def test_what_is_written_on_the_support_page_reaches_the_mailbox(stack: Stack) -> None:
    """The shop's page stores the message and mails it to support, with who wrote it."""
    text = f"My pass is missing {uuid4().hex}"
    with Customer(stack).sign_up() as customer:
        page = customer.web.post("/support", data={"message": text})
        assert "support-thanks" in page.text

        until(lambda: support(stack, text), within_s=ARRIVES_WITHIN_S, what="the message")

    [kept] = support(stack, text)
    assert customer.email in kept["subject"]
    assert kept["via"] == "smtp"
