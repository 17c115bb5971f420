"""Customers buy while things break, and the ledgers say what came of it: a whole drill."""

from __future__ import annotations

import pytest

from tests.drills.conftest import Desk, twice

SCENARIO = """\
schema: drill-scenario/1
title: Bought in a small storm
severity: 2
baseline: 1s
load: {customers: 5, purchases: 20}
faults:
  - {fault: paystack.webhook_duplicated, copies: 3, for: 10s}
  - {fault: container.kill, target: fulfillment-engine, at: 3s}
after:
  - {check: recovers_within, probes: [shop], limit: 30s, stable_for: 1s}
  - {check: loses_nothing, exposed: 1}
"""

pytestmark = pytest.mark.docker


@twice
def test_what_customers_buy_in_a_storm_is_not_lost_and_not_granted_twice(desk: Desk) -> None:
    """
    Customers, canaries, three ledgers and a restart: every capture is one grant, and it is proven.
    """
    done = desk.run(desk.write("storm.yaml", SCENARIO), "--seed", "7")

    assert done.code == 0, done.out + done.err
    payments = done.report["payments"]
    assert payments["intended"] >= 20
    assert payments["judged"] > 0
    assert payments["exposed"] > 0
    assert not payments["classes"]["lost"]
    assert not payments["classes"]["duplicated"]
    assert "could have hidden" in payments["sensitivity"]
    assert done.finding("fulfils_each_capture")["verdict"] == "pass"
    assert "payments ledger" not in str(done.report["not_checked"])
