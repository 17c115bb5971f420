"""A bad release under a service, and every way back, on real containers."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest

from drill.errors import BadInput
from experiments.faults.deploy import BadRelease
from experiments.runtime.docker.claim import heal
from tests.experiments.runtime.rig import IMAGE, Rig, armed, claimed, until
from tests.experiments.runtime.test_docker_deaths import alive, drill, took

pytestmark = pytest.mark.docker
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


@pytest.fixture(scope="module", name="image")
def _image() -> Iterator[str]:
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


@pytest.fixture(name="shop")
def _shop(image: str, tmp_path: Path) -> Iterator[Shop]:
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


def bad() -> BadRelease:
    return BadRelease(target="front", release="v1.3.0")


def test_bad_release_bites_and_goes(shop: Shop, tmp_path: Path) -> None:
    """The engine shows another image under the service, all else as it was; then as before."""
    before = shop.front()

    async def rehearse() -> None:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            since = time.monotonic()
            await fault.inject(stack, undo)
            took_s = time.monotonic() - since
            proof = await fault.effective(stack, undo, since)
            assert proof.holds, proof
            assert proof.latest is not None
            during = shop.front()
            assert during["Image"] != before["Image"]
            assert variables(during)["RELEASE"] == variables(during)["OF_IMAGE"] == "v1.3.0"
            assert variables(during)["SECRET_KEY"] == "not-for-labels"
            for part in ("name", "host", "networks", "mounts", "running"):
                assert likeness(during)[part] == likeness(before)[part], part
            left = await stack.remaining()
            assert left[0].what.startswith("front runs v1.3.0")
            since = time.monotonic()
            assert await fault.heal(stack, undo) == "put back"
            print(f"deployed in {took_s:.2f} s, put back in {time.monotonic() - since:.2f} s")

            async def removed() -> bool:
                return (await fault.removed(stack, undo, since)).holds

            await until(removed, 10)
            assert await fault.heal(stack, undo) == "already"
            assert not await stack.remaining()
        assert not shop.ours()

    asyncio.run(rehearse())
    assert likeness(shop.front()) == likeness(before)


def test_no_secret_is_in_a_label(shop: Shop, tmp_path: Path) -> None:
    """The marker holds what is needed to restore, and none of the service's variables in labels."""

    async def rehearse() -> None:
        async with claimed(shop, str(tmp_path)) as stack:
            await armed(stack, bad())
            assert "not-for-labels" not in json.dumps([one.labels for one in shop.ours()])
            assert all(one.status == "created" for one in shop.ours())

    asyncio.run(rehearse())


def test_compose_leaves_what_was_put_back_and_repairs_what_was_not(
    shop: Shop, tmp_path: Path
) -> None:
    """`up` replaces the bad release, and leaves the container that was put back as it is."""

    async def rehearse(*, healed: bool) -> str:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            await fault.inject(stack, undo)
            kept = ""
            if healed:
                await fault.heal(stack, undo)
                kept = str(shop.front()["Id"])
            shop.compose("up", "-d")
            now = shop.front()
            assert now["Image"] == undo.release.digest  # type: ignore[union-attr]
            assert await fault.heal(stack, undo) == "already"
            assert shop.front()["Id"] == now["Id"]
            return kept

    asyncio.run(rehearse(healed=False))
    kept = asyncio.run(rehearse(healed=True))
    assert shop.front()["Id"] == kept


def test_a_rollback_by_compose_is_seen(shop: Shop, tmp_path: Path) -> None:
    """A release deployed by compose itself is followed by service name, and its heal is clean."""

    async def rehearse() -> None:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            shop.compose("up", "-d", "--no-deps", "front", release="v1.3.0")
            assert (await fault.effective(stack, undo, 0.0)).holds
            await fault.heal(stack, undo)
            assert not await stack.remaining()

    asyncio.run(rehearse())


@pytest.mark.parametrize("release", ["v1.2.0", "v9.9.9"])
def test_a_release_that_changes_nothing_is_refused(
    shop: Shop, tmp_path: Path, release: str
) -> None:
    """What runs already, or is no image here, is refused before anything is touched."""

    async def rehearse() -> None:
        async with claimed(shop, str(tmp_path)) as stack:
            fault = BadRelease(target="front", release=release)
            with pytest.raises(BadInput, match=r"runs v1\.2\.0 already|has no image"):
                await fault.prepare(stack, "f1")

    asyncio.run(rehearse())


def test_killed_drill_is_healed_by_the_guardian(shop: Shop, tmp_path: Path) -> None:
    """SIGKILL of a drill with a bad release in force: the guardian puts the one before back."""
    before = shop.front()
    process, told = drill(shop, tmp_path, "release")
    assert shop.front()["Image"] != before["Image"]
    begun = time.monotonic()
    process.kill()
    took(lambda: not alive(told["guardian"]), 30)
    print(f"put back {time.monotonic() - begun:.2f} s after the kill")
    assert likeness(shop.front()) == likeness(before)
    assert not shop.ours()


def kill_at(shop: Shop, folder: Path, moment: Callable[[], bool]) -> None:
    """Kill drill and guardian as soon as *moment* is seen."""
    process, told = drill(shop, folder, "releasing")
    took(moment, 10)
    os.kill(told["guardian"], signal.SIGKILL)
    process.kill()
    process.wait()


def count(shop: Shop) -> int:
    wanted = [f"com.docker.compose.project={shop.project}", "com.docker.compose.service=front"]
    return len(shop.client.api.containers(all=True, filters={"label": wanted}))


def status(shop: Shop) -> list[str]:
    wanted = [f"com.docker.compose.project={shop.project}", "com.docker.compose.service=front"]
    found = shop.client.api.containers(all=True, filters={"label": wanted})
    return [str(entry["State"]) for entry in found]


@pytest.mark.parametrize(
    "moment",
    [
        lambda shop: count(shop) == 2,
        lambda shop: status(shop) in (["created", "exited"], ["exited", "created"]),
        lambda shop: status(shop) == ["created"],
    ],
    ids=["copy-made", "old-stopped", "old-removed"],
)
def test_killed_in_the_middle_is_healed_by_hand(
    shop: Shop, tmp_path: Path, moment: Callable[[Shop], bool]
) -> None:
    """Drill and guardian killed between removal and creation: `drill heal` restores by labels."""
    before = shop.front()
    kill_at(shop, tmp_path, lambda: moment(shop))
    begun = time.monotonic()
    healing = heal(shop.project)
    print(f"healed in {time.monotonic() - begun:.2f} s: {healing.healed}")
    assert not healing.remaining
    assert likeness(shop.front()) == likeness(before)
    assert not shop.ours()


def test_nothing_is_left_of_the_service(shop: Shop, tmp_path: Path) -> None:
    """Even with every container of the service removed, the marker alone restores it."""
    before = shop.front()
    process, told = drill(shop, tmp_path, "release")
    os.kill(told["guardian"], signal.SIGKILL)
    process.kill()
    process.wait()
    shop.client.api.remove_container(shop.front()["Id"], force=True)
    assert not heal(shop.project).remaining
    assert likeness(shop.front()) == likeness(before)
