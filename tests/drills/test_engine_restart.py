"""The Docker engine crashes in the middle of a fault and comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import docker
import docker.errors
import pytest
from docker.models.containers import Container

from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import AGENT_FOLDER, Engine, folder_hash
from tests.conftest import THOROUGH
from tests.drills.private_engine import PrivateEngine, private_engine
from tests.staging.stack import until

PROJECT = "restarted"
SERVICES = {"front": "unless-stopped", "back": "no"}
WHOLE_LIMIT_S = 30
BASE_IMAGE = "debian:bookworm-slim"
GUARDIANS = ["process", pytest.param("container", marks=pytest.mark.thorough)]
RUN_LIMIT_S = 120
ENVIRONMENT = """\
schema: drill-environment/1
environment: staging
engine: "{engine}"
compose: {{project: restarted, file: compose.yaml}}
web: "{web}"
probes:
  shop: {{http: [{{url: /}}]}}
"""
SCENARIO = """\
schema: drill-scenario/1
title: The engine crashes under it
severity: 2
baseline: 1s
faults:
  - {{fault: container.pause, target: front, for: {hold}}}
  - {{fault: container.pause, target: back, for: {hold}}}
after:
  - {{check: recovers_within, probes: [shop], limit: 20s, stable_for: 1s}}
"""

pytestmark = [pytest.mark.docker, pytest.mark.slow]


class Shop(BaseHTTPRequestHandler):
    """A web page that is always there; what is drilled here is the engine."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Place:
    """A staging of two containers on an engine that may be killed."""

    engine: PrivateEngine
    client: docker.DockerClient
    folder: Path
    web: str

    def container(self, service: str) -> Container:
        """The service's container, fresh from the engine."""
        return self.client.containers.get(f"{PROJECT}-{service}")

    def statuses(self) -> set[str]:
        """The states that targets are in."""
        return {self.container(service).status for service in SERVICES}

    def wait_for(self, status: str, within_s: float) -> None:
        """Until all targets are in this state."""
        until(lambda: self.statuses() == {status}, within_s=within_s, what=f"all {status}")

    def helpers(self) -> list[str]:
        """What a drill left on the engine."""
        asked = {"label": f"drill.project={PROJECT}"}
        found = self.client.api.containers(all=True, filters=asked)
        return [str(entry["Labels"]["drill.role"]) for entry in found]

    def drill(self, *arguments: str, guardian: str = "process") -> subprocess.Popen[str]:
        """Start `drill` on the private engine."""
        return subprocess.Popen(
            [sys.executable, "-m", "experiments.cli", *arguments],
            env={**os.environ, "DOCKER_HOST": self.engine.host, "DRILL_GUARDIAN": guardian},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *, hold: str, engine: str = "local", guardian: str = "process"
    ) -> subprocess.Popen[str]:
        """Start a drill that pauses both for *hold*."""
        (self.folder / "compose.yaml").write_text("services: {front: {}, back: {}}\n")
        environment, scenario = self.folder / "e.yaml", self.folder / "s.yaml"
        environment.write_text(ENVIRONMENT.format(engine=engine, web=self.web))
        scenario.write_text(SCENARIO.format(hold=hold))
        words = [
            "run",
            str(scenario),
            "--env",
            str(environment),
            "--runs",
            str(self.folder / "runs"),
        ]
        return self.drill(*words, guardian=guardian)

    def next_run(self) -> None:
        """The next drill must start, pass, and leave nothing."""
        done = self.run(hold="1s")
        said, _ = done.communicate(timeout=RUN_LIMIT_S)
        assert done.returncode == 0, said
        assert self.statuses() == {"running"}
        assert self.helpers() == []


@pytest.fixture(scope="module", name="private")
def _private() -> Iterator[PrivateEngine]:
    if os.getuid() != 0:
        pytest.skip("needs root, to run an engine of its own")
    with private_engine() as engine:
        if os.environ.get(THOROUGH):
            ready = Engine()
            ready.ready_image()
            ready.close()
            engine.load(labels.AGENT_IMAGE)
        else:
            engine.load(BASE_IMAGE)
            stand_in(engine)
        yield engine


def stand_in(engine: PrivateEngine) -> None:
    """The base under the agent's name: pauses need no agent, and moving the real one takes long."""
    with closing(docker.DockerClient(engine.host)) as client:
        client.images.build(
            fileobj=BytesIO(f"FROM {BASE_IMAGE}".encode()),
            tag=labels.AGENT_IMAGE,
            labels={labels.AGENT_HASH: folder_hash(AGENT_FOLDER)},
        )


@pytest.fixture(name="place")
def _place(private: PrivateEngine, tmp_path: Path) -> Iterator[Place]:
    shop = HTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    client = docker.DockerClient(private.host)
    place = Place(private, client, tmp_path, f"http://127.0.0.1:{shop.server_port}")
    try:
        for service, policy in SERVICES.items():
            made = client.containers.create(
                labels.AGENT_IMAGE,
                entrypoint=["sleep", "infinity"],
                name=f"{PROJECT}-{service}",
                init=True,
                network_mode="none",
                restart_policy={"Name": policy},  # type: ignore[arg-type] # The stubs lack "no".
                labels={
                    "com.docker.compose.project": PROJECT,
                    "com.docker.compose.service": service,
                    "drill.target": "staging",
                },
            )
            made.start()
        yield place
    finally:
        if not private.answers():
            private.start()
        until(lambda: not remove_all(client), within_s=WHOLE_LIMIT_S, what="nothing is left")
        client.close()
        shop.shutdown()
        shop.server_close()


def remove_all(client: docker.DockerClient) -> bool:
    """Remove every container; whether there was one."""
    found = client.api.containers(all=True)
    for entry in found:
        with contextlib.suppress(docker.errors.APIError):  # Its removal may be under way.
            client.api.remove_container(entry["Id"], force=True)
    return bool(found)


@pytest.mark.parametrize("guardian", GUARDIANS)
def test_drill_and_engine_killed_together(place: Place, guardian: str) -> None:
    """
    With the engine gone when the drill dies, its guardian heals as soon as the engine is back.
    """
    process = place.run(hold="60s", guardian=guardian)
    place.wait_for("paused", RUN_LIMIT_S)
    place.engine.kill()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=RUN_LIMIT_S)
    place.engine.start()
    back = time.monotonic()

    place.wait_for("running", WHOLE_LIMIT_S)
    print(f"{guardian}: whole {time.monotonic() - back:.2f} s after the engine was back")
    until(lambda: not place.helpers(), within_s=WHOLE_LIMIT_S, what="no helper is left")
    place.next_run()


@pytest.mark.thorough
@pytest.mark.parametrize("guardian", ["process", "container"])
def test_a_drill_outlives_its_engine(place: Place, guardian: str) -> None:
    """
    A drill whose engine crashes in its fault heals all the same, and leaves nothing.
    """
    process = place.run(hold="8s", guardian=guardian)
    place.wait_for("paused", RUN_LIMIT_S)
    place.engine.kill()
    place.engine.start()
    said, _ = process.communicate(timeout=RUN_LIMIT_S)

    assert "Traceback" not in said
    assert process.returncode in (0, 1, 3), said
    assert place.statuses() == {"running"}
    assert place.helpers() == []
    place.next_run()
