"""An engine that is not on a local socket is known by its ID, and no other one is touched."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import docker
import pytest

from tests.drills.conftest import Desk
from tests.drills.test_bad_input import ENVIRONMENT, PAUSE, refused, untouched

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
CHUNK = 65536

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not SOCKET.startswith("/"), reason="needs an engine on a local socket"),
]


@pytest.fixture(name="elsewhere")
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's engine behind a TCP port of loopback, as one of another machine would be."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=let_in, args=(door,), daemon=True).start()
        address = f"tcp://127.0.0.1:{door.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", address)
        yield address
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)


def let_in(door: socket.socket) -> None:
    """Join every caller with the engine's socket, until the door is shut."""
    with contextlib.suppress(OSError):
        while True:
            caller, _ = door.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(SOCKET)
            for one, other in ((caller, engine), (engine, caller)):
                threading.Thread(target=carry, args=(one, other), daemon=True).start()


def carry(one: socket.socket, other: socket.socket) -> None:
    """All that comes from one goes to the other, its end too."""
    with contextlib.suppress(OSError):
        while data := one.recv(CHUNK):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def environment(desk: Desk, engine: str) -> str:
    """The bundled environment, pinned to *engine*."""
    text = ENVIRONMENT.read_text(encoding="utf-8")
    assert "engine: local\n" in text
    text = text.replace("engine: local\n", f'engine: "{engine}"\n')
    compose = ENVIRONMENT.parent.parent / "staging" / "compose.yaml"
    return desk.write("e.yaml", text.replace("../staging/compose.yaml", str(compose)))


def engine_id() -> str:
    """The ID of the engine that the tests use."""
    with contextlib.closing(docker.DockerClient(f"unix://{SOCKET}")) as client:
        return str(client.info()["ID"])


def test_the_engine_that_is_pinned_is_drilled(desk: Desk, elsewhere: str) -> None:
    """
    With its right ID an engine behind TCP is drilled, network fault and all.
    """
    cut = "{fault: network.blackhole, target: vauntico-server, to: api.paystack.co, for: 2s}"
    pause = "{fault: container.pause, target: redis, for: 30s}"
    scenario = desk.write("s.yaml", PAUSE.replace(pause, cut))

    done = desk.run(scenario, "--env", environment(desk, engine_id()))

    # Whether the shop recovers in time is no question to the engine, and a busy machine's answer.
    assert done.code in (0, 1), done.out + done.err
    assert done.finding("fault_had_effect")["verdict"] == "pass"
    assert done.finding("leaves_staging_clean")["verdict"] == "pass"
    assert done.report["clean"]["remaining"] == []


@pytest.mark.parametrize("command", ["run", "heal"])
def test_another_engine_than_the_pinned_is_refused(desk: Desk, command: str) -> None:
    """
    A wrong ID ends with both IDs, the way out, and nothing touched.
    """
    path = environment(desk, "ABCD:EFGH")
    words = ["heal"] if command == "heal" else ["run", desk.write("s.yaml", PAUSE), *desk.kept]

    with untouched(desk.stack):
        done = desk.drill(*words, "--env", path)

    refused(done, "not the pinned ABCD:EFGH", f'write engine: "{engine_id()}"', "DOCKER_HOST")


def test_an_engine_elsewhere_needs_its_id(desk: Desk, elsewhere: str) -> None:
    """
    `engine: local` does not cover an engine behind TCP; the message says how to pin it.
    """
    with untouched(desk.stack):
        done = desk.run(desk.write("s.yaml", PAUSE))

    refused(done, f"DOCKER_HOST is {elsewhere}", "docker info -f '{{.ID}}'")


def test_an_engine_elsewhere_can_run_no_guardian_container(
    desk: Desk, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where the guardian must be a container and the engine has not our files, the drill says so.
    """
    monkeypatch.setenv("DRILL_GUARDIAN", "container")

    with untouched(desk.stack):
        done = desk.run(desk.write("s.yaml", PAUSE), "--env", environment(desk, engine_id()))

    refused(done, "the guardian must be a container", "does not share this machine's files")
    assert "DRILL_GUARDIAN=process" in done.err
