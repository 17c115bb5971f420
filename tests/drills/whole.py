"""Whether a staging is whole again after a drill was killed."""

from __future__ import annotations

import time

import docker

from tests.drills.conftest import Desk

WHOLE_LIMIT_S = 10.0
"""Generous for a busy machine; the promise is 2 s, and what was measured is printed."""
CONNECT = "import socket; socket.create_connection(('api.paystack.co', 443), timeout=0.5).close()"


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
        for container in client.containers.list(
            all=True, filters={"label": ours}, ignore_removed=True
        ):
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
