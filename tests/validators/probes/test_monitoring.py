"""Looks at the monitoring itself, against a double that says what Prometheus would say."""

from collections.abc import Mapping
from typing import Any

import pytest

from drill.incident import MonitoringSeen
from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Asked, Double, with_double
from validators.probes import monitoring
from validators.probes.alerts.api import Api
from validators.probes.monitoring import (
    MonitoredPanel,
    MonitoringTargets,
    look_at_monitoring,
    look_whether_moved,
)
from validators.probes.panels import Spread, moved

Looks = dict[str, MonitoringSeen]


def whole(double: Double) -> None:
    """Everything as it should be."""
    double.answers["/-/ready"] = b"ready"
    double.answers["/api/v1/rules"] = shapes.prometheus_rules(None)
    double.answers["/api/v1/targets"] = shapes.prometheus_targets(shapes.target())
    config = {"status": "success", "data": {"yaml": "global: {scrape_interval: 1s}"}}
    double.answers["/api/v1/status/config"] = config
    active = {"activeAlertmanagers": [{"url": "http://a/api/v2/alerts"}]}
    double.answers["/api/v1/alertmanagers"] = {"status": "success", "data": active}
    labels = {"job": "shop", "instance": "shop:80"}
    double.answers["/api/v1/query"] = shapes.vector((labels, "0.4"))
    double.answers["/api/v2/alerts"] = []
    double.answers["/api/health"] = {"database": "ok", "version": "13.0.0", "commit": "c"}


def look(double: Double, **fields: Any) -> MonitoringTargets:
    api = Api(double.url)
    return MonitoringTargets(
        **{
            "prometheus": api,
            "alertmanager": api,
            "grafana": api,
            "rules": ("PaystackUnreachable",),
            "panels": (MonitoredPanel("errors", "rate(errors[1m])"),),
            **fields,
        }
    )


def looks(spoil: Mapping[str, object], **fields: Any) -> Looks:
    """What is seen of a whole monitoring of which these answers are spoiled."""

    async def work(double: Double) -> Looks:
        whole(double)
        double.answers.update(spoil)
        for path, answer in spoil.items():
            if answer is None:
                del double.answers[path]
        at = look(double, **fields)
        seen = await look_at_monitoring(at, "after", lambda: 3.0)
        assert at.grafana is not None
        await at.grafana.close()
        return {one.what: one for one in seen}

    return with_double(work)


def test_a_whole_monitoring_is_seen_whole() -> None:
    """Each question has its answer, with what was found."""
    seen = looks({})
    assert {what: one.detail for what, one in seen.items()} == {
        "Prometheus is ready": "answered 200",
        "rules are healthy": "2 rules",
        "targets are up": "1 targets",
        "values are fresh": "oldest 0.4 s",
        "Prometheus has an Alertmanager": "1 active",
        "panel errors has data": "1 series, first 0.4",
        "Alertmanager is ready": "answered 200",
        "Grafana is healthy": "version 13.0.0, database ok",
        "no alert is firing": "nothing fires",
    }
    assert all(one.ok for one in seen.values())


LABELS = {"job": "shop", "instance": "shop:80"}


@pytest.mark.parametrize(
    ("spoil", "what", "ok", "detail"),
    [
        ({"/-/ready": None}, "Prometheus is ready", False, "answered 404"),
        (
            {"/api/v1/rules": shapes.prometheus_rules(None, name="Other")},
            "rules are healthy",
            False,
            "PaystackUnreachable is missing",
        ),
        (
            {"/api/v1/targets": shapes.prometheus_targets(shapes.target(health="down"))},
            "targets are up",
            False,
            "shop shop:80 is down",
        ),
        (
            {"/api/v1/targets": shapes.prometheus_targets()},
            "targets are up",
            False,
            "there is no target",
        ),
        (
            {"/api/v1/query": shapes.vector((LABELS, "2.5"))},
            "values are fresh",
            False,
            "shop shop:80: 2.5 s old",
        ),
        ({"/api/v1/query": shapes.vector()}, "values are fresh", False, "shop shop:80: no value"),
        ({"/api/v1/query": shapes.vector()}, "panel errors has data", False, "no data"),
        (
            {"/api/v1/query": shapes.vector((LABELS, "NaN"))},
            "panel errors has data",
            False,
            "no data",
        ),
        (
            {"/api/v1/alertmanagers": {"status": "success", "data": {}}},
            "Prometheus has an Alertmanager",
            False,
            "0 active",
        ),
        (
            {"/api/health": {"database": "failing"}},
            "Grafana is healthy",
            False,
            "version , database failing",
        ),
        (
            {"/api/v1/rules": shapes.prometheus_rules("firing")},
            "no alert is firing",
            False,
            "PaystackUnreachable",
        ),
        (
            {"/api/v2/alerts": [shapes.alertmanager_alert("Odd")]},
            "no alert is firing",
            False,
            "Odd",
        ),
        ({"/api/v1/rules": None}, "rules are healthy", None, "answered 404"),
        ({"/api/v2/alerts": b"["}, "no alert is firing", None, "another shape"),
    ],
)
def test_what_is_wrong_is_named(
    spoil: dict[str, object], what: str, ok: bool | None, detail: str
) -> None:
    """One spoiled answer is one look that is not ok; what nobody can tell is neither."""
    one = looks(spoil)[what]
    assert (one.ok, detail in one.detail) == (ok, True), one.detail


def test_alerts_to_be_ignored_may_fire() -> None:
    """A watchdog always fires."""
    listed = {"/api/v2/alerts": [shapes.alertmanager_alert("Watchdog")]}
    assert looks(listed, ignored=("Watchdog",))["no alert is firing"].ok


def test_only_what_is_configured_is_looked_at() -> None:
    """An environment with Grafana alone is asked for that alone."""
    assert set(looks({}, prometheus=None, alertmanager=None)) == {"Grafana is healthy"}


def test_without_alertmanager_what_fires_is_prometheus_own_word() -> None:
    """An alert that fires there is told, whoever else could not be asked."""
    firing = {"/api/v1/rules": shapes.prometheus_rules("firing")}
    seen = looks(firing, alertmanager=None)["no alert is firing"]
    assert (seen.ok, seen.detail) == (False, "PaystackUnreachable")


def test_a_prometheus_without_rules_watches_nothing() -> None:
    """Nothing expected and nothing there is not all well."""
    empty = {"/api/v1/rules": {"status": "success", "data": {"groups": []}}}
    seen = looks(empty, rules=())
    assert "there is no rule" in [one.detail for one in seen.values() if one.ok is False]


def test_a_system_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question has its limit, and no answer to it is said to be none."""
    monkeypatch.setattr(monitoring, "LOOK_LIMIT_S", 0.05)

    async def work(double: Double) -> None:
        whole(double)
        double.delay_s = 1.0
        at = look(double, prometheus=None, alertmanager=None)
        (seen,) = await look_at_monitoring(at, "during", lambda: 3.0)
        assert (seen.ok, seen.detail) == (False, "no answer within 0.05 s")

    with_double(work)


def test_without_prometheus_no_panel_can_move() -> None:
    """Where there is nothing to ask nothing is claimed of panels."""

    async def work(double: Double) -> None:
        panels = (MonitoredPanel("errors", "y", moves=True),)
        at = look(double, prometheus=None, panels=panels)
        assert await look_whether_moved(at, lambda: 3.0, (0.0, 1.0), (1.0, 2.0)) == []

    with_double(work)


def test_the_last_alert_is_waited_for_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert ends some seconds after its cause; the wait ends either way."""
    monkeypatch.setattr(monitoring, "AGAIN_S", 0.02)

    async def work(double: Double) -> None:
        whole(double)
        left = [[shapes.alertmanager_alert()]] * 3
        double.answers["/api/v2/alerts"] = lambda _: left.pop() if left else []
        at = look(double, prometheus=None, grafana=None)
        seen = await look_at_monitoring(at, "after", lambda: 0.0, quiet_within_s=5.0)
        assert (seen[-1].ok, len(left)) == (True, 0)
        double.answers["/api/v2/alerts"] = [shapes.alertmanager_alert()]
        seen = await look_at_monitoring(at, "after", lambda: 0.0, quiet_within_s=0.1)
        assert (seen[-1].ok, seen[-1].detail) == (False, "PaystackUnreachable")

    with_double(work)


@pytest.mark.parametrize(
    ("before", "during", "ok"),
    [
        ({"a": (0.0, 1.0)}, {"a": (0.5, 1.0)}, False),
        ({"a": (0.0, 1.0)}, {"a": (0.5, 1.1)}, True),
        ({"a": (0.5, 1.0)}, {"a": (0.0, 1.0)}, True),
        ({}, {"a": (0.0, 0.0)}, True),
        ({"a": (0.0, 1.0)}, {}, True),
        ({}, {}, None),
    ],
)
def test_a_panel_moves_by_leaving_its_range(before: Spread, during: Spread, ok: bool) -> None:
    """What it showed before the fault is its range; appearing and vanishing are moves too."""
    assert moved(before, during)[0] is ok


def test_panels_that_must_move_are_asked_for_both_spans() -> None:
    """The span before the fault and that of the fault, and only panels that say `moves`."""

    async def work(double: Double) -> None:
        def spread(asked: Asked) -> object:
            early = asked.query["start"] == ["100.000"]
            return shapes.matrix(({"job": "a"}, ["0", "NaN"] if early else ["0", "3"]))

        double.answers["/api/v1/query_range"] = spread
        panels = (MonitoredPanel("still", "x"), MonitoredPanel("errors", "y", moves=True))
        at = look(double, panels=panels)
        (seen,) = await look_whether_moved(at, lambda: 3.0, (100.0, 160.0), (160.0, 180.0))
        assert (seen.what, seen.when, seen.ok) == ("panel errors moved", "during", True)
        assert seen.detail == "job=a: 0 to 0 before, 0 to 3 during"

    with_double(work)
