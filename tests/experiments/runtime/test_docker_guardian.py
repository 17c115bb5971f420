"""The guardian as a container, and the drill that comes right after a dead one."""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.runtime.docker import labels
from experiments.runtime.docker.claim import heal
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lock import FileLock
from tests.experiments.runtime.rig import Rig, claimed, staging
from tests.experiments.runtime.test_docker_deaths import drill, status, took

pytestmark = pytest.mark.docker
TARDY_S = 1.0


@pytest.fixture(name="rig")
def _rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("DRILL_GUARDIAN", "container")
    with staging() as rig:
        yield rig


def next_drill(rig: Rig, directory: Path) -> None:
    """Claim at once, and give back."""

    async def main() -> None:
        async with claimed(rig, str(directory), "run2"):
            assert status(rig, "back") == "running"

    asyncio.run(main())
    assert rig.ours() == []


def kill_whole(process: subprocess.Popen[bytes], told: dict[str, Any]) -> None:
    """End the drill and, as its supervisor would, what it had started."""
    process.kill()
    os.kill(told["child"], signal.SIGKILL)
    process.communicate(timeout=10)


def guardian(rig: Rig) -> str:
    """The one guardian container's id."""
    found = [c for c in rig.ours() if c.labels["drill.role"] == "guardian"]
    assert len(found) == 1
    return str(found[0].id)


def test_the_next_drill_waits_for_the_guardian_container(rig: Rig, tmp_path: Path) -> None:
    """
    Begun the moment after a death, the next drill finds staging whole and everything swept.
    """
    for _ in range(3):
        process, told = drill(rig, tmp_path, "pause", "blackhole")
        assert status(rig, "back") == "paused"
        kill_whole(process, told)
        next_drill(rig, tmp_path)


def test_a_drill_quicker_than_the_guardian_steps_back(rig: Rig, tmp_path: Path) -> None:
    """
    A drill that wins the file's lock over a slow guardian lets it have it, and starts after it.
    """
    process, told = drill(rig, tmp_path, "pause")
    slow = guardian(rig)
    rig.client.api.pause(slow)
    kill_whole(process, told)
    threading.Timer(TARDY_S, rig.client.api.unpause, [slow]).start()

    next_drill(rig, tmp_path)


def test_a_guardian_that_is_not_needed_leaves(rig: Rig, tmp_path: Path) -> None:
    """
    When all is well the drill takes its guardian container along, and heals nothing by it.
    """

    async def main() -> None:
        async with claimed(rig, str(tmp_path)):
            assert guardian(rig)

    asyncio.run(main())
    assert rig.ours() == []


def test_a_guardian_that_never_began_is_no_obstacle(rig: Rig, tmp_path: Path) -> None:
    """
    A drill killed between creating and starting its guardian has touched nothing to be healed.
    """
    engine = Engine()
    lock = FileLock(engine.id, rig.project)
    marks = labels.written("dead", rig.project, "guardian", ())
    engine.ready_image()
    engine.act.api.create_container(
        labels.AGENT_IMAGE, ["idle"], labels=marks | {labels.FLOCK: lock.identity}
    )
    lock.close()
    engine.close()

    next_drill(rig, tmp_path)


def test_a_killed_guardian_container_is_swept_by_hand(rig: Rig, tmp_path: Path) -> None:
    """
    With drill and guardian container both killed, `drill heal` puts back and removes the rest.
    """
    process, told = drill(rig, tmp_path, "pause")
    policy: Any = {"Name": "no"}  # The stubs lack "no".
    rig.client.api.update_container(guardian(rig), restart_policy=policy)
    rig.client.api.kill(guardian(rig))
    kill_whole(process, told)
    assert status(rig, "back") == "paused"

    assert not heal(rig.project).remaining
    assert status(rig, "back") == "running"
    took(lambda: not rig.ours(), 5)
