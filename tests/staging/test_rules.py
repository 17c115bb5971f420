"""The alert rules as they are generated: complete, tested, and spoiled where that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.staging.module import STAGING

PROMETHEUS = STAGING / "prometheus"
# DESIGN section 11 names the first four.
WANTED = {
    "HighErrorRate",
    "HighResponseTime",
    "DatabaseConnectionFailure",
    "SacredFeatureFailure",
    "PaystackUnreachable",
    "CheckoutFailing",
    "ServiceDown",
    "ErrorBudgetBurn",
    "ForgedWebhooks",
    "WrongPayments",
}


def generate(folder: Path, planted: str = "") -> subprocess.CompletedProcess[str]:
    """Run the generator as Prometheus's container does."""
    command = [sys.executable, str(PROMETHEUS / "rules.py"), str(folder / "rules.yml"), planted]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def alerts(folder: Path, planted: str = "") -> list[dict[str, Any]]:
    """The alerts among the rules."""
    done = generate(folder, planted)
    assert done.returncode == 0, done.stderr
    groups = json.loads((folder / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_the_alerts_are_those_the_design_names(tmp_path: Path) -> None:
    """Each alert is there once, with a severity of the playbook's and a sentence for people."""
    found = alerts(tmp_path)

    assert sorted(rule["alert"] for rule in found) == sorted(WANTED)
    assert {rule["labels"]["severity"] for rule in found} <= {"1", "2", "3", "4"}
    assert all(rule["annotations"]["summary"] for rule in found)


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """No alert is without a test of promtool's for both."""
    fires: set[str] = set()
    silent: set[str] = set()
    for file in sorted(PROMETHEUS.glob("*_test.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for look in test["alert_rule_test"]:
                (fires if look["exp_alerts"] else silent).add(look["alertname"])

    assert fires == WANTED
    assert silent == WANTED


def test_a_planted_failure_changes_one_alert_only(tmp_path: Path) -> None:
    """A blinded alert looks at a series nobody exports, a wrong one bears another's name."""
    sound = alerts(tmp_path)
    spoiled = alerts(tmp_path, "blind:SacredFeatureFailure,wrong:PaystackUnreachable")

    changed = [(a, b) for a, b in zip(sound, spoiled, strict=True) if a != b]
    assert [a["alert"] for a, _ in changed] == ["SacredFeatureFailure", "PaystackUnreachable"]
    assert changed[0][1]["expr"] == "vauntico_series_that_nobody_exports == 0"
    assert changed[1][1]["alert"] == "HighResponseTime"
    assert changed[1][1]["expr"] == changed[1][0]["expr"]


@pytest.mark.parametrize("planted", ["blind:Nobody", "wrong", "loud:ServiceDown"])
def test_what_cannot_be_planted_is_refused(tmp_path: Path, planted: str) -> None:
    """A mistyped plant stops Prometheus with a reason, rather than rehearse nothing."""
    done = generate(tmp_path, planted)

    assert done.returncode == 1
    assert f"cannot plant {planted!r}" in done.stderr
