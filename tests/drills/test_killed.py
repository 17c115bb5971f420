"""`kill -9` at random moments: staging is whole again, and the next drill starts."""

from __future__ import annotations

import os
import random
import signal
import time

import docker
import pytest

from tests.drills.conftest import Desk

KILLS = int(os.environ.get("DRILL_KILLS", "4"))
WHOLE_LIMIT_S = 10.0
"""Generous for a busy machine; the promise is 2 s, and what was measured is printed."""
LONGEST_S = 7.0
SCENARIOS = {
    "paystack-down": "network.blackhole, target: vauntico-server, to: api.paystack.co, for: 4s",
    "redis-paused": "container.pause, target: redis, for: 4s",
}
SHORT = """\
schema: drill-scenario/1
title: To be killed
severity: 2
baseline: 1s
faults:
  - {{fault: {fault}}}
after:
  - {{check: recovers_within, probes: [http], limit: 20s, stable_for: 1s}}
"""
CONNECT = "import socket; socket.create_connection(('api.paystack.co', 443), timeout=0.5).close()"

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_kill_minus_nine_leaves_nothing_behind(desk: Desk, name: str) -> None:
    """
    Whatever the moment, no rule, pause, stop or helper stays, and the next drill runs.
    """
    path = desk.write(f"{name}.yaml", SHORT.format(fault=SCENARIOS[name]))
    seed = int(os.environ.get("DRILL_KILL_SEED", str(random.randrange(10**6))))
    moments = random.Random(seed)
    took = []
    for _ in range(KILLS):
        process = desk.start("run", path, "--runs", str(desk.runs))
        after_s = moments.uniform(0.1, LONGEST_S)
        try:
            process.wait(timeout=after_s)
        except Exception:  # noqa: BLE001 - still running, which is what we want
            os.kill(process.pid, signal.SIGKILL)
        begun = time.monotonic()
        process.communicate(timeout=30)
        took.append(whole_after(desk, begun, f"seed {seed}, killed after {after_s:.3f} s"))
        wait_for_helpers(desk)
    print(f"{name}: whole again after {sorted(round(t, 2) for t in took)} s (seed {seed})")

    done = desk.run(path)

    assert done.code == 0, done.out + done.err


def whole_after(desk: Desk, begun: float, what: str) -> float:
    """Seconds until every container runs and the path to Paystack is open."""
    while True:
        wrong = broken(desk)
        if not wrong:
            return time.monotonic() - begun
        assert time.monotonic() - begun < WHOLE_LIMIT_S, f"{what}: {wrong}"
        time.sleep(0.05)


def broken(desk: Desk) -> str:
    """What is not as it was, empty when all is well."""
    client = docker.from_env()
    try:
        ours = f"com.docker.compose.project={desk.stack.project}"
        for container in client.containers.list(all=True, filters={"label": ours}):
            if "drill.target" in container.labels and container.status != "running":
                return f"{container.name} is {container.status}"
    finally:
        client.close()
    tried = desk.stack.container("vauntico-server").exec_run(["python3", "-c", CONNECT])
    return "" if tried.exit_code == 0 else "the path to Paystack is cut"


def wait_for_helpers(desk: Desk) -> None:
    """Until the guardian has swept every helper of the dead drill."""
    deadline = time.monotonic() + 30
    client = docker.from_env()
    try:
        ours = f"drill.project={desk.stack.project}"
        while left := client.containers.list(
            all=True, filters={"label": ours}, ignore_removed=True
        ):
            names = [f"{c.name} {c.labels.get('drill.role')}" for c in left]
            assert time.monotonic() < deadline, f"left behind: {names}"
            time.sleep(0.1)
    finally:
        client.close()
