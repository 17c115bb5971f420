"""A throwaway compose project with a service that has two releases."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker

from tests.experiments.runtime.rig import IMAGE, Rig

REPOSITORY = "drill-test-release"
COMPOSE = """\
services:
  front:
    image: {image}:${{RELEASE:-v1.2.0}}
    command: [python3, -m, http.server, "8000", --directory, /etc/apt]
    init: true
    restart: unless-stopped
    stop_grace_period: 1s
    labels: {{drill.target: staging}}
    environment: {{RELEASE: "${{RELEASE:-v1.2.0}}", SECRET_KEY: not-for-labels}}
    volumes: ["kept:/kept", "/nameless"]
    tmpfs: [/scratch]
    networks:
      default: {{aliases: [shop.example]}}
      second: {{}}
    healthcheck: {{test: [CMD, "true"], interval: 1s, retries: 3}}
  back:
    image: {image}:v1.2.0
    command: [python3, -m, http.server, "8000", --directory, /etc/apt]
    init: true
    labels: {{drill.target: staging}}
networks: {{default: {{}}, second: {{}}}}
volumes: {{kept: {{}}}}
"""


class Shop(Rig):
    """A compose project of its own with two releases of `front`."""

    folder: Path

    def compose(self, *words: str, release: str = "v1.2.0") -> str:
        """Compose as it is here, the plugin or the old command."""
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        command = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]
        done = subprocess.run(
            [*command, "-p", self.project, "-f", str(self.folder / "compose.yaml"), *words],
            env={**os.environ, "RELEASE": release},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def front(self) -> dict[str, Any]:
        """The engine's inspection of the one container of front."""
        wanted = [f"com.docker.compose.project={self.project}", "com.docker.compose.service=front"]
        found = self.client.api.containers(all=True, filters={"label": wanted})
        assert len(found) == 1, [entry["Names"] for entry in found]
        return dict(self.client.api.inspect_container(found[0]["Id"]))


@contextlib.contextmanager
def two_releases() -> Iterator[str]:
    """Two releases of an image that differ in a label and a variable."""
    client = docker.from_env()
    name = f"{REPOSITORY}-{uuid4().hex[:8]}"
    for tag in ("v1.2.0", "v1.3.0"):
        text = f"FROM {IMAGE}\nENV OF_IMAGE={tag}\nLABEL made.for={tag}\nWORKDIR /etc\n"
        subprocess.run(
            ["docker", "build", "-q", "-t", f"{name}:{tag}", "-"],
            input=text.encode(),
            capture_output=True,
            check=True,
            timeout=120,
        )
    try:
        yield name
    finally:
        for tag in ("v1.2.0", "v1.3.0"):
            client.images.remove(f"{name}:{tag}", force=True)
        client.close()


@contextlib.contextmanager
def shop_of(image: str, tmp_path: Path) -> Iterator[Shop]:
    """A project that runs the first of two releases; away again whatever happens."""
    shop = Shop(f"rt-{uuid4().hex[:8]}", docker.from_env())
    shop.folder = tmp_path
    (tmp_path / "compose.yaml").write_text(COMPOSE.format(image=image))
    try:
        shop.compose("up", "-d")
        yield shop
    finally:
        for one in shop.ours():
            one.remove(force=True)
        shop.compose("down", "--volumes", "--timeout", "1")
        shop.client.close()


def likeness(info: dict[str, Any]) -> dict[str, Any]:
    """Everything about a container that must come back, apart from its own identity."""
    own = info["Id"][:12]
    config = {k: v for k, v in info["Config"].items() if k not in ("Hostname", "Env")}
    networks = {
        name: sorted(alias for alias in end["Aliases"] or () if alias != own)
        for name, end in info["NetworkSettings"]["Networks"].items()
    }
    mounts = sorted((m["Type"], m.get("Name", ""), m["Destination"]) for m in info["Mounts"])
    host = {k: v for k, v in info["HostConfig"].items() if k != "Binds"}
    env = sorted(info["Config"]["Env"])
    return {
        "name": info["Name"],
        "image": info["Image"],
        "config": config,
        "env": env,
        "host": host,
        "networks": networks,
        "mounts": mounts,
        "running": info["State"]["Status"],
    }


def variables(info: dict[str, Any]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in info["Config"]["Env"])
