"""What the real systems answer, in the shapes of their documents; names and numbers are ours."""

STARTED = "2026-09-21T10:00:05.250Z"
STARTED_S = 1789984805.25


def alertmanager_alert(name: str = "PaystackUnreachable", **fields: object) -> dict[str, object]:
    """One alert of Alertmanager's GET /api/v2/alerts."""
    return {
        "labels": {"alertname": name, "severity": "1"},
        "annotations": {"summary": "no proper answer"},
        "receivers": [{"name": "inbox"}],
        "fingerprint": "7ee20afcb8610fbe",  # pragma: allowlist secret - of an alert
        "startsAt": STARTED,
        "updatedAt": "2026-09-21T10:00:05.300Z",
        "endsAt": "2026-09-21T10:04:05.250Z",
        "generatorURL": "http://prometheus/graph",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        **fields,
    }


def prometheus_rules(
    state: str | None = "firing", *, hold_s: float = 2, name: str = "PaystackUnreachable"
) -> dict[str, object]:
    """What Prometheus's GET /api/v1/rules answers, with one rule."""
    active = {
        "labels": {"alertname": name, "severity": "1"},
        "annotations": {},
        "state": state,
        "activeAt": "2026-09-21T10:00:03.73091461Z",
        "value": "0e+00",
    }
    rule = {
        "state": state or "inactive",
        "name": name,
        "query": "vauntico_paystack_up == 0",
        "duration": hold_s,
        "keepFiringFor": 0,
        "labels": {"severity": "1"},
        "annotations": {},
        "alerts": [active] if state else [],
        "health": "ok",
        "type": "alerting",
    }
    record = {"name": "slo:ratio", "query": "1", "health": "ok", "type": "recording"}
    group = {"name": "alerts", "file": "r.yml", "interval": 1, "rules": [rule, record]}
    return {"status": "success", "data": {"groups": [group]}}


def prometheus_targets(*targets: dict[str, object]) -> dict[str, object]:
    """What Prometheus's GET /api/v1/targets answers."""
    return {"status": "success", "data": {"activeTargets": list(targets), "droppedTargets": []}}


def target(job: str = "shop", health: str = "up", interval: str = "1s") -> dict[str, object]:
    """One target."""
    return {
        "labels": {"job": job, "instance": f"{job}:80"},
        "scrapeUrl": f"http://{job}:80/metrics",
        "lastError": "" if health == "up" else "refused",
        "health": health,
        "scrapeInterval": interval,
        "scrapeTimeout": interval,
    }


def vector(*values: tuple[dict[str, str], str]) -> dict[str, object]:
    """What an instant query answers."""
    result = [{"metric": labels, "value": [1789984805.25, value]} for labels, value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def matrix(*series: tuple[dict[str, str], list[str]]) -> dict[str, object]:
    """What a range query answers."""
    result = [
        {"metric": labels, "values": [[1789984805 + i, value] for i, value in enumerate(values)]}
        for labels, values in series
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def sentry_issue(
    number: str = "77", title: str = "PaystackUnreachable", **fields: object
) -> dict[str, object]:
    """One error group of Sentry's organisation endpoint."""
    return {
        "id": number,
        "shortId": f"SHOP-{number}",
        "title": f"{title}: no answer",
        "culprit": "checkout.start",
        "level": "error",
        "status": "unresolved",
        "count": "12",
        "userCount": 3,
        "firstSeen": "2026-09-21T10:00:05Z",
        "lastSeen": "2026-09-21T10:00:09Z",
        "permalink": "https://sentry.invalid/77/",
        "project": {"id": "4", "slug": "shop"},
        "metadata": {"type": "Error", "value": "no answer"},
        **fields,
    }


def webhook_alert(status: str = "firing") -> dict[str, object]:
    """One alert of Alertmanager's webhook, version 4."""
    return {
        "status": status,
        "labels": {"alertname": "PaystackUnreachable"},
        "annotations": {},
        "startsAt": STARTED,
        "endsAt": "2026-09-21T10:00:35.250Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "7ee20afcb8610fbe",  # pragma: allowlist secret - of an alert
    }
