"""
Makes Prometheus rules of objectives.toml: python3 rules.py FILE [PLANTED].

PLANTED spoils alerts on purpose, for drills that must find it out: `blind:NAME` takes the series
away from under alert NAME, `wrong:NAME` lets another alert fire in its place; several are
separated by commas.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from string import Template
from typing import Any

Rule = dict[str, Any]
OBJECTIVES = Path(__file__).with_name("objectives.toml")
# How much faster than evenly the error budget is spent, over a long window and over a short one
# that ends the alert soon: 2 % of a month's budget in an hour, 5 % in six hours (Google's set).
# Short drills cannot fire these: at 99.9 % a total outage must last 52 s before the first does.
BURNS = ((14.4, "1h", "5m"), (6.0, "6h", "30m"))
BURN_EVERY = "5s"
# Of a staging that is ten minutes old, an hour's mean is that of ten minutes: nothing to judge by.
SEEN_BEFORE = 'up{service="prometheus"}'
OTHER_ALERT = "HighResponseTime"  # what a wrong alert is called instead
MISSING_METRIC = "vauntico_series_that_nobody_exports"


def alert_rule(name: str, given: Rule, values: dict[str, Any]) -> Rule:
    """One alert, its expression filled in from the objectives."""
    labels = {"severity": str(given["severity"])}
    if "service" in given:
        labels["service"] = given["service"]
    return {
        "alert": name,
        "expr": Template(given["expr"]).substitute(values).strip(),
        "for": given["for"],
        "labels": labels,
        "annotations": {"summary": given["summary"]},
    }


def burn_rules(values: dict[str, Any]) -> list[Rule]:
    """The error ratio over each window, and the alerts on how fast the budget goes."""
    counted = 'service=~"$services",path!~"$apart"'
    total = f"http_requests_total{{{counted}}}"
    failed = f'http_requests_total{{{counted},status=~"5.."}}'
    ratio = f"sum by (service) (rate({failed}[%s])) / sum by (service) (rate({total}[%s]))"
    rules: list[Rule] = [
        {
            "record": f"slo:sli_error:ratio_rate{window}",
            "expr": Template(ratio % (window, window)).substitute(values),
        }
        for burn in BURNS
        for window in burn[1:]
    ]
    budget = 1 - values["availability"]
    pages = [
        f"(slo:sli_error:ratio_rate{short} > {factor * budget:.6g}"
        f" and slo:sli_error:ratio_rate{long} > {factor * budget:.6g}"
        f" and on () {SEEN_BEFORE} offset {long})"
        for factor, long, short in BURNS
    ]
    page = {
        "severity": 2,
        "for": "0s",
        "expr": " or ".join(pages),
        "summary": "{{ $labels.service }} spends its month's error budget too fast",
    }
    return [*rules, alert_rule("ErrorBudgetBurn", page, values)]


def plant(rules: list[Rule], planted: str) -> None:
    """Spoil what is named; a name that is no alert stops Prometheus, rather than do nothing."""
    by_name = {rule["alert"]: rule for rule in rules}
    for word in filter(None, planted.split(",")):
        kind, _, name = word.partition(":")
        if kind not in ("blind", "wrong") or name not in by_name:
            raise SystemExit(f"cannot plant {word!r}: blind:NAME or wrong:NAME, of {list(by_name)}")
        if kind == "blind":
            by_name[name]["expr"] = f"{MISSING_METRIC} == 0"
        else:
            by_name[name]["alert"] = OTHER_ALERT


def groups(planted: str = "") -> dict[str, Any]:
    """The whole rule file. JSON is YAML, so nothing but Python is needed to write it."""
    given = tomllib.loads(OBJECTIVES.read_text())
    values = given["objectives"]
    alerts = [alert_rule(name, alert, values) for name, alert in given["alerts"].items()]
    plant(alerts, planted)
    burns = burn_rules(values)
    return {
        "groups": [
            {"name": "alerts", "rules": alerts},
            {"name": "burn-rate", "interval": BURN_EVERY, "rules": burns},
        ]
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(groups(*sys.argv[2:]), indent=1) + "\n")
