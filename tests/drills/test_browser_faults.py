"""Faults of the journeys' browser in whole drills: felt, told, and gone however the drill dies."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.drills.conftest import Desk, twice
from tests.drills.whole import wait_for_helpers, whole_after
from tests.staging.stack import until
from tests.validators.probes.test_journeys import chromium_of

pytestmark = [pytest.mark.docker, pytest.mark.browser, pytest.mark.thorough]
JOURNEYS = ("paystack-checkout", "customer-flows")
BLOCKED = """\
schema: drill-scenario/1
title: The payment script is blocked for long
severity: 2
baseline: 1s
faults:
  - {fault: browser.block, host: js.paystack.co, for: 5m}
after:
  - {check: recovers_within, probes: [paystack-checkout], limit: 30s}
"""
IN_FORCE_WITHIN_S, OVER_WITHIN_S = 60.0, 10.0


@twice
def test_a_blocked_payment_script_is_explained_and_nothing_is_granted(desk: Desk) -> None:
    """
    Both journeys are refused politely and recover; each that was refused left no order and no
    grant, and the report shows the page that refused.
    """
    before = {table: rows(desk, table) for table in ("orders", "grants")}

    done = desk.run("paystack-js-blocked")

    assert done.code == 0, done.out + done.err
    probes = {probe["name"]: probe for probe in done.report["probes"]}
    bought = sum(probes[name]["ok"] for name in JOURNEYS)
    for name in JOURNEYS:
        assert probes[name]["degraded"] > 0
        assert probes[name]["recovered"]["status"] == "recovered"
    for table, count in before.items():
        assert rows(desk, table) - count == bought, table
    (fault,) = done.report["faults"]
    assert "js.paystack.co failed with ERR_BLOCKED_BY_CLIENT" in fault["proof"]
    assert "js.paystack.co answered 404" in fault["proof"]
    assert done.report["clean"]["remaining"] == []
    assert done.directory is not None
    assert list((done.directory / "evidence").glob("paystack-checkout-*-degraded.png"))


def test_a_dead_drill_takes_its_browser_along(desk: Desk) -> None:
    """
    Killed while its browser is diverted, the drill leaves no Chromium and staging as it was.
    """
    process = desk.start("run", desk.write("killed.yaml", BLOCKED), *desk.kept)
    try:
        until(lambda: "f1: effective" in said(desk), within_s=IN_FORCE_WITHIN_S, what="the fault")
        run = next(desk.runs.glob("2*")).name
        assert chromium_of(run)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
    begun = time.monotonic()

    until(lambda: not chromium_of(run), within_s=OVER_WITHIN_S, what="no process of the drill's")
    whole_after(desk, begun, "killed")
    wait_for_helpers(desk)


def rows(desk: Desk, table: str) -> int:
    """How many orders or grants there are."""
    return int(desk.stack.sql(f"SELECT count(*) FROM {table}"))


def said(desk: Desk) -> str:
    """What the journal of the drill says up to now, in few words."""
    for journal in desk.runs.glob("2*/journal.jsonl"):
        text = journal.read_text()
        if '"state":"effective"' in text:
            return "f1: effective"
    return ""
