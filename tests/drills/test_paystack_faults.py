"""Faults of Paystack in whole drills: they bite, end, and leave nothing however the drill dies."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.drills.conftest import Desk, twice
from tests.drills.whole import wait_for_helpers, whole_after
from tests.staging.stack import until

pytestmark = pytest.mark.docker
SCENARIO = """\
schema: drill-scenario/1
title: Paystack answers 503
severity: 2
baseline: 1s
faults:
  - {{fault: paystack.error, routes: [{route}], status: 503, for: {lasts}}}
after:
  - {{check: recovers_within, probes: [http], limit: 20s, stable_for: 1s}}
"""
IN_FORCE_WITHIN_S, OVER_WITHIN_S = 60.0, 6.0


def in_force(desk: Desk) -> list[str]:
    """Names of the faults that the control port lists."""
    with suppress(httpx.TransportError):
        listed = desk.stack.control("GET", "/faults").json()["faults"]
        return [one["name"] for one in listed]
    return []


def guardians_of(pid: int) -> list[int]:
    """The drill's guardian, among its children."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and b"runtime.guardian" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


@twice
def test_it_bites_and_is_gone(desk: Desk) -> None:
    """
    The fault is proven by its bites, the shop's checkout is degraded meanwhile, and it recovers.
    """
    done = desk.run(desk.write("errors.yaml", SCENARIO.format(route="welcome", lasts="5s")))

    assert done.code == 0, done.out + done.err
    (fault,) = done.report["faults"]
    assert "the sandbox says that by then it bit" in fault["proof"]
    assert fault["healed_by"].startswith("ended, having bitten")
    checkout = next(p for p in done.report["probes"] if p["name"] == "checkout-ready")
    assert checkout["degraded"] > 0
    assert done.report["clean"]["remaining"] == []
    assert in_force(desk) == []


@pytest.mark.thorough
def test_what_meets_nothing_is_unknown(desk: Desk) -> None:
    """
    A fault on a route that nobody calls bites nothing, and the drill proves nothing by it.
    """
    done = desk.run(desk.write("idle.yaml", SCENARIO.format(route="plan", lasts="2s")))

    assert done.code == 3, done.out + done.err
    assert done.finding("fault_had_effect")["verdict"] == "unknown"


@pytest.mark.parametrize("with_guardian", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_a_dead_drill_leaves_no_fault(desk: Desk, with_guardian: bool) -> None:
    """
    Killed alone or with its guardian, the drill's lease is over within seconds, and `drill heal`
    says that it needed no more than that.
    """
    path = desk.write("killed.yaml", SCENARIO.format(route="welcome", lasts="5m"))
    process = desk.start("run", path, *desk.kept)
    try:
        until(lambda: in_force(desk), within_s=IN_FORCE_WITHIN_S, what="the fault is in force")
        doomed = [process.pid, *(guardians_of(process.pid) if with_guardian else ())]
        assert len(doomed) == 1 + with_guardian
    finally:
        for pid in (process.pid, *(guardians_of(process.pid) if with_guardian else ())):
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=30)
    begun = time.monotonic()
    until(lambda: not in_force(desk), within_s=OVER_WITHIN_S, what="the lease is over")
    whole_after(desk, begun, "killed")
    if with_guardian:
        healed = desk.drill("heal", "--force")
        assert healed.code == 0, healed.out + healed.err
        assert "the lease of" in healed.out
    wait_for_helpers(desk)
