"""A supervisor kills a whole job: drill, guardian process and all. A guardian container heals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import docker
import pytest

from tests.drills.conftest import RUN_LIMIT_S, Desk
from tests.drills.test_killed import SCENARIOS, SHORT
from tests.drills.whole import broken, wait_for_helpers, whole_after

FAULTS = {name: fault.replace("4s", "60s") for name, fault in SCENARIOS.items()}
COOKIE = "DRILL_TEST_JOB"
JOB_ENDS_S = 10

pytestmark = pytest.mark.docker


@pytest.fixture(name="job")
def _job(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a job; every process that descends from one started now carries it."""
    name = uuid4().hex
    monkeypatch.setenv(COOKIE, name)
    yield name
    kill_job(name)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.thorough) for name in sorted(FAULTS)]
)
def test_a_job_killed_whole_is_healed_by_the_guardian_container(
    desk: Desk, job: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """
    With every process of the job gone at once staging is whole in time, and no helper stays.
    """
    monkeypatch.delenv("DRILL_GUARDIAN")
    monkeypatch.setenv("GITLAB_CI", "true")
    process = desk.start("run", desk.write("j.yaml", SHORT.format(fault=FAULTS[name])), *desk.kept)
    wait_until_broken(desk, process)
    assert [c["State"] for c in guardians(desk)] == ["running"]

    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    kill_job(job)
    process.communicate(timeout=30)

    print(f"{name}: whole again after {whole_after(desk, begun, name):.2f} s")
    wait_for_helpers(desk)
    assert guardians(desk) == []
    journal = next(desk.runs.glob("2*")) / "journal.jsonl"
    assert b"the guardian healed: " in journal.read_bytes()
    done = desk.run(desk.write("next.yaml", SHORT.format(fault=SCENARIOS["redis-paused"])))
    assert done.code == 0, done.out + done.err
    assert guardians(desk) == []


def test_without_the_container_a_job_killed_whole_stays_broken(
    desk: Desk, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The guardian process dies with its job, so the container is needed; `drill heal` is left.
    """
    monkeypatch.setenv("DRILL_GUARDIAN", "process")
    fault = FAULTS["redis-paused"]
    process = desk.start("run", desk.write("j.yaml", SHORT.format(fault=fault)), *desk.kept)
    wait_until_broken(desk, process)
    kill_job(job)
    process.communicate(timeout=30)

    assert "redis is paused" in broken(desk).replace(f"{desk.stack.project}_", "").replace("_1", "")
    healed = desk.drill("heal")
    assert healed.code == 0, healed.out + healed.err
    assert broken(desk) == ""


def test_a_guardian_container_that_cannot_be_had_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where the engine does not see the run's folder the drill ends with code 2 and a way out.
    """
    monkeypatch.setenv("DRILL_GUARDIAN", "container")
    hidden = desk.folder / "hidden"
    hidden.mkdir()
    command = desk.command("run", desk.write("h.yaml", SHORT.format(fault=FAULTS["redis-paused"])))
    mount = f'mount -t tmpfs -o size=100m none {hidden} && exec "$@" --runs {hidden}/runs'
    if os.getuid() != 0:
        pytest.skip("needs root, for a mount that the engine does not see")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", *command],
        env=desk.environment,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )

    assert done.returncode == 2, done.stdout + done.stderr
    assert "the guardian must be a container here (DRILL_GUARDIAN=container)" in done.stderr
    assert "DRILL_GUARDIAN=process" in done.stderr
    assert broken(desk) == ""
    wait_for_helpers(desk)


def guardians(desk: Desk) -> list[dict[str, object]]:
    """The guardian containers of this staging."""
    client = docker.from_env()
    try:
        asked = [f"drill.project={desk.stack.project}", "drill.role=guardian"]
        return list(client.api.containers(all=True, filters={"label": asked}))
    finally:
        client.close()


def kill_job(job: str) -> None:
    """End a job as a supervisor does: SIGKILL to every process of it until there is none."""
    mark = f"{COOKIE}={job}".encode()
    until = time.monotonic() + JOB_ENDS_S
    while found := [pid for pid in pids_of(mark) if pid != os.getpid()]:
        assert time.monotonic() < until, f"still there: {found}"
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids_of(mark: bytes) -> Iterator[int]:
    """Processes whose environment holds *mark*; a zombie has none."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def wait_until_broken(desk: Desk, process: subprocess.Popen[str]) -> None:
    """Until the fault is in force."""
    deadline = time.monotonic() + 60
    while not broken(desk):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the fault never began"
        time.sleep(0.05)
