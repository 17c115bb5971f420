"""An engine that really dies is noticed; a private one, so that nobody else's is touched."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from drill.events import ENGINE_BACK, ENGINE_LOST
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.watch import Watch

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        os.geteuid() != 0 or not (shutil.which("dockerd") and shutil.which("unshare")),
        reason="a private engine needs root, dockerd and unshare",
    ),
]
UP_LIMIT_S = 60
ALONE = (
    "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
    "--containerd-namespace=drill-test", "--containerd-plugins-namespace=drill-test-plugins",
    "--storage-driver=vfs",
)  # fmt: skip


@contextmanager
def private_engine(folder: Path) -> Iterator[None]:
    """
    A Docker engine with a socket, data, state and network of its own; ended at the end.

    The network matters: a dockerd without a bridge deletes the docker0 it finds, whoever's it is.
    """
    own = [f"--host=unix://{folder}/s", f"--data-root={folder}/data", f"--exec-root={folder}/run"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            ["unshare", "--net", "dockerd", *own, f"--pidfile={folder}/pid", *ALONE],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + UP_LIMIT_S
        while not answers(folder):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the private engine does not start"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def answers(folder: Path) -> bool:
    try:
        client = docker.DockerClient(base_url=f"unix://{folder}/s", timeout=2)
        return bool(client.ping())
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False


def has_docker0() -> bool:
    """Whether this machine has a docker0, which is its own engine's and must stay."""
    return Path("/sys/class/net/docker0").exists()


async def heard(watch: Watch, count: int) -> list[str]:
    """The first *count* things that the watch says."""
    said: list[str] = []
    async with asyncio.timeout(UP_LIMIT_S):
        async for event in watch.follow():
            said.append(event.action)
            if len(said) == count:
                break
    return said


@pytest.fixture(name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e")  # A short path: that of a socket has a limit.


def test_an_engine_that_ends_and_returns_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the engine and its return are events, and a stream cut on the way is none."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/s")

    before = has_docker0()

    async def scene() -> None:
        with private_engine(folder):
            assert has_docker0() == before
            engine = Engine()
            watch = Watch(engine, "p")
            first = watch._stream
            while first is None:
                await asyncio.sleep(0.05)
                first = watch._stream
            first.close()
            async with asyncio.timeout(UP_LIMIT_S):
                while watch._stream is first:
                    await asyncio.sleep(0.05)
            assert not watch._seen
            waiting = asyncio.create_task(heard(watch, 2))
        with private_engine(folder):
            assert await waiting == [ENGINE_LOST, ENGINE_BACK]
            watch.close()
            engine.close()

    asyncio.run(scene())
