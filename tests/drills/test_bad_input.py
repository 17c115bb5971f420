"""What cannot be used: one clear message, its exit code, and staging untouched."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from uuid import uuid4

import docker
import pytest
from docker.models.containers import Container

from tests.drills.conftest import Desk, Done
from tests.staging.module import STAGING
from tests.staging.ports import free_port
from tests.staging.stack import Stack

PAUSE = """\
schema: drill-scenario/1
title: Short
severity: 2
baseline: 1s
faults:
  - {fault: container.pause, target: redis, for: 30s}
after:
  - {check: recovers_within, probes: [http], limit: 20s, stable_for: 1s}
"""
BOMB = "a0: &a0 [lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
LIVE = "sk_live_" + "abc123"
ENVIRONMENT = STAGING.parent / "environments" / "bundled.yaml"
ACTS = ("create", "start", "pause", "unpause", "stop", "kill", "die", "restart", "destroy")
TMPFS = "size=1m"

pytestmark = pytest.mark.docker


@contextlib.contextmanager
def untouched(stack: Stack) -> Iterator[None]:
    """Fails if any container of *stack*, or any helper of a drill on it, saw an act meanwhile."""
    client = docker.from_env()
    begun = time.time()
    try:
        yield
        # Until now and no longer: the engine would wait for a moment that is still to come.
        window = {"since": f"{begun:.6f}", "until": f"{time.time():.6f}"}
        seen = []
        for label in ("com.docker.compose.project", "drill.project"):
            wanted = {"type": "container", "label": f"{label}={stack.project}", "event": list(ACTS)}
            events = client.api.events(  # type: ignore[call-overload] # stubs know whole seconds
                filters=wanted, decode=True, **window
            )
            seen += [event for event in events if event["timeNano"] > begun * 1e9]
        assert [(e["Action"], e["Actor"]["Attributes"]["name"]) for e in seen] == []
    finally:
        client.close()


def refused(done: Done, *words: str) -> None:
    """One clear line with all these words, at most the preflight begun, and no run kept."""
    assert done.code == 2, done.out + done.err
    assert done.out == ""
    *progress, message = done.err.splitlines()
    assert all(line.endswith("s  preflight") for line in progress), done.err
    for word in words:
        assert word in message
    assert done.directory is None


def test_a_touch_would_be_seen(stack: Stack) -> None:
    """
    The look that every other test here relies on does see a container that was touched.
    """
    container = stack.container("redis")
    try:
        with pytest.raises(AssertionError, match="pause"), untouched(stack):
            container.pause()
    finally:
        container.unpause()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((PAUSE, ""), (".yaml: the file is empty",)),
        (("severity: 2", "severity: 2\n\tbaseline: 2s"), (".yaml:4: ", "YAML allows no tabs")),
        ((PAUSE, BOMB), (".yaml:1: anchors and aliases are not allowed",)),
        (
            ("severity: 2", "severity: 2\nseverity: 1"),
            (".yaml:4: ", "'severity' stands here twice"),
        ),
        (("severity: 2", "severty: 2\nseverity: 2"), ("unknown field 'severty'", "did you mean")),
        (("container.pause", "container.paus"), (".yaml:6: ", "did you mean 'container.pause'?")),
        (("for: 30s", "for: 30"), (".yaml:6: faults.1.for: ", "a number with a unit")),
        (
            ("target: redis", "target: redi"),
            (".yaml:6: faults.1.target: ", "did you mean 'redis'?"),
        ),
        (("title: Short", f"title: {LIVE}"), (".yaml:2: ", "live Paystack key")),
    ],
)
def test_a_scenario_that_cannot_be_used(
    desk: Desk, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    """
    Each mistake in a scenario ends the command with its place and the way out.
    """
    assert change[0] in PAUSE
    path = desk.write("s.yaml", PAUSE.replace(*change, 1))

    with untouched(desk.stack):
        done = desk.run(path)

    refused(done, *words)
    assert "abc123" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/nowhere/s.yaml",), ("/nowhere/s.yaml: there is no such file",)),
        (("redis-pausd",), ("'redis-pausd'", "did you mean 'redis-paused'?")),
        (("redis-paused", "--env", "bundeld"), ("'bundeld'", "did you mean 'bundled'?")),
        (("redis-paused", "--env", "/nowhere/e.yaml"), ("/nowhere/e.yaml: there is no such file",)),
    ],
)
def test_a_file_that_is_not_there(
    desk: Desk, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """
    A scenario or an environment that does not exist is named, with the nearest that does.
    """
    with untouched(desk.stack):
        done = desk.run(*arguments)

    refused(done, *words)


def test_a_target_without_the_label_is_not_touched(desk: Desk) -> None:
    """
    A container that nobody labelled as a target is refused with the line that would label it.
    """
    desk.write("compose.yaml", "services: {redis: {}, spare: {}}\n")
    text = ENVIRONMENT.read_text(encoding="utf-8").replace(
        "../staging/compose.yaml", "compose.yaml"
    )
    environment = desk.write("e.yaml", text)
    scenario = desk.write("s.yaml", PAUSE.replace("target: redis", "target: spare"))

    with spare(desk.stack, labels={}), untouched(desk.stack):
        done = desk.run(scenario, "--env", environment)

    refused(done, "spare lacks the label drill.target=staging", "labels: {drill.target: staging}")


def test_a_live_key_stops_everything(desk: Desk) -> None:
    """
    A target whose variables hold a live Paystack key is not drilled, and the key is not printed.
    """
    labels, variables = {"drill.target": "staging"}, {"SOME_KEY": LIVE}
    with spare(desk.stack, labels=labels, environment=variables), untouched(desk.stack):
        done = desk.run(desk.write("s.yaml", PAUSE))

    refused(done, "spare: its variable SOME_KEY holds a live Paystack key")
    assert "abc123" not in done.out + done.err


def test_an_engine_that_is_down_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without an engine the drill says where it looked and how to start one.
    """
    with untouched(desk.stack), monkeypatch.context() as here:
        here.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        done = desk.run(desk.write("s.yaml", PAUSE))

    refused(done, "/nowhere/docker.sock", "systemctl start docker")


def test_a_missing_chromium_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A scenario with journeys is refused where there is no browser, before anything is broken.
    """
    monkeypatch.setenv("DRILL_CHROMIUM", "/nowhere/chromium")

    with untouched(desk.stack):
        done = desk.run("paystack-down")

    refused(done, "DRILL_CHROMIUM names /nowhere/chromium, which does not exist")


def test_a_full_disk_is_named(desk: Desk) -> None:
    """
    A run whose journal would not fit is not begun.
    """
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    disk = desk.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", TMPFS, "none", str(disk)], check=True)
    try:
        with untouched(desk.stack):
            done = desk.drill("run", desk.write("s.yaml", PAUSE), "--runs", str(disk / "runs"))
        refused(done, f"{disk / 'runs'}: the disk is full (", "make room, nothing was touched")
        assert list(disk.rglob("journal*")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_place_that_is_no_folder_is_named(desk: Desk) -> None:
    """
    Runs that cannot be kept at the place given are not begun.
    """
    place = desk.write("file", "") + "/runs"
    with untouched(desk.stack):
        done = desk.drill("run", desk.write("s.yaml", PAUSE), "--runs", place)

    refused(done, f"{place}: runs cannot be kept there")


@pytest.mark.parametrize("variable", ["STAGING_WEB_PORT", "STAGING_PAYSTACK_PORT"])
def test_a_port_that_is_taken_is_named(variable: str) -> None:
    """
    Staging is not begun over somebody's port; the message has the port and the variable.
    """
    stack = Stack(f"stg-port-{uuid4().hex[:8]}", free_port(), free_port(), free_port())
    with socket.create_server(("127.0.0.1", 0)) as taken, untouched(stack):
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [str(STAGING / "bin" / "up")],
            env=stack.environment | {variable: port},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert f"port {port} is taken" in done.stderr
    assert f"{variable}=PORT" in done.stderr


@contextlib.contextmanager
def spare(
    stack: Stack, labels: dict[str, str], environment: dict[str, str] | None = None
) -> Iterator[Container]:
    """One more container of the staging, never started."""
    client = docker.from_env()
    ours = {
        "com.docker.compose.project": stack.project,
        "com.docker.compose.service": "spare",
    }
    container = client.containers.create(
        str(stack.container("redis").attrs["Image"]),
        ["sleep", "1"],
        environment=environment or {},
        labels=ours | labels,
    )
    try:
        yield container
    finally:
        container.remove(force=True)
        client.close()
