"""What is left when the drill, its guardian and its agent are killed: nothing."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drill.errors import StagingBusy, Unhealed
from drill.events import Clean, Note
from drill.journal import read_journal
from experiments.runtime.docker.claim import heal
from tests.experiments.runtime.rig import Rig, claimed, staging

pytestmark = pytest.mark.docker
HERE = Path(__file__).parent
OPEN = "import socket;socket.create_connection(('back',8000),0.1)"


@pytest.fixture(name="rig")
def _rig() -> Iterator[Rig]:
    with staging() as rig:
        yield rig


def drill(rig: Rig, directory: Path, *kinds: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """A drill in its own process, its faults in force."""
    root = str(HERE.parents[2])
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.experiments.runtime.dying",
            rig.project,
            str(directory),
            *kinds,
        ],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def took(look: Callable[[], bool], limit_s: float) -> float:
    """Poll until true; seconds it took."""
    begun = time.monotonic()
    while not look():
        assert time.monotonic() - begun < limit_s, f"not within {limit_s} s"
        time.sleep(0.005)
    return time.monotonic() - begun


def path_open(rig: Rig) -> bool:
    """Whether front reaches back."""
    code, _ = rig.container("front").exec_run(["python3", "-c", OPEN])
    return bool(code == 0)


def status(rig: Rig, service: str) -> str:
    return str(rig.container(service).status)


def alive(pid: int) -> bool:
    try:
        return b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False


def test_killed_drill_is_healed_by_agent_and_guardian(rig: Rig, tmp_path: Path) -> None:
    """SIGKILL of the drill: packets flow, the pause ends, the journal says so, children end."""
    header = {"k": "header", "t": 0, "id": "x", "scenario": "s", "title": "t", "severity": 1}
    header |= {"environment": "e", "project": rig.project, "harness": "h", "commit": "c", "seed": 1}
    header |= {"dirty": False, "command": "c", "wall_s": time.time(), "boot_id": "b"}
    header |= {"mono_s": time.monotonic()}
    journal = tmp_path / "journal.jsonl"
    journal.write_text(json.dumps(header) + '\n{"k":"torn')
    process, told = drill(rig, tmp_path, "blackhole", "pause")
    assert not path_open(rig)
    assert status(rig, "back") == "paused"
    begun = time.monotonic()
    process.kill()
    took(lambda: status(rig, "back") == "running", 3)
    print(f"unpaused {time.monotonic() - begun:.3f} s after the kill")
    took(lambda: path_open(rig), 3)
    took(lambda: not rig.ours() and not alive(told["guardian"]), 10)
    assert not alive(told["child"])
    with journal.open("rb") as lines:
        read = read_journal(lines)
    assert [note.level for note in read.every(Note)] == ["warning"]
    last = read.last(Clean)
    assert last is not None
    assert last.proof
    assert not last.remaining


def test_rule_is_gone_when_client_is_killed(rig: Rig, tmp_path: Path) -> None:
    """The agent reverts by itself when the drill is killed, before any guardian could."""
    process, told = drill(rig, tmp_path, "blackhole")
    os.kill(told["guardian"], signal.SIGKILL)
    begun = time.monotonic()
    process.kill()
    took(lambda: path_open(rig), 1)
    print(f"open {time.monotonic() - begun:.3f} s after the kill")
    healing = heal(rig.project)
    assert not healing.remaining
    assert not rig.ours()


def test_everything_killed(rig: Rig, tmp_path: Path) -> None:
    """All three killed: the kernel lets go in 4 s, and healing by labels does the rest."""
    process, told = drill(rig, tmp_path, "stop", "blackhole")
    agent = next(c for c in rig.ours() if c.labels["drill.role"] == "agent")
    os.kill(told["guardian"], signal.SIGKILL)
    process.kill()
    pid = agent.attrs["State"]["Pid"] or rig.client.api.inspect_container(agent.id)["State"]["Pid"]
    begun = time.monotonic()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        print("the agent had gone already")
    rig.client.containers.get(rig.container("back").id).start()
    took(lambda: path_open(rig), 4)
    print(f"open {time.monotonic() - begun:.3f} s after the kill of all")
    with pytest.raises(Unhealed, match="drill heal"):
        asyncio.run(claim_only(rig, tmp_path))
    assert not heal(rig.project).remaining
    assert not rig.ours()
    asyncio.run(claim_only(rig, tmp_path))


def test_stop_under_way_when_killed(rig: Rig, tmp_path: Path) -> None:
    """A drill killed inside a stop: the target runs, and still does after the server's own wait."""
    process, told = drill(rig, tmp_path, "stopping")
    took(lambda: stopping(rig), 3)
    process.kill()
    took(lambda: not alive(told["guardian"]), 30)
    assert status(rig, "back") == "running"
    assert not rig.ours()


def stopping(rig: Rig) -> bool:
    """Whether the engine was asked to stop back."""
    now = int(time.time())
    asked = {"container": rig.container("back").id, "event": "kill"}
    return bool(list(rig.client.api.events(since=now - 30, until=now + 1, filters=asked)))


def test_second_claim_is_refused(rig: Rig, tmp_path: Path) -> None:
    """One drill per environment: the second one is told who holds it."""

    async def both() -> None:
        async with claimed(rig, str(tmp_path)):
            with pytest.raises(StagingBusy, match="run1"):
                await claim_only(rig, tmp_path)

    asyncio.run(both())


async def claim_only(rig: Rig, directory: Path) -> None:
    """Claim and release."""
    async with claimed(rig, str(directory), "run2"):
        pass


def test_a_living_drill_of_another_user_is_not_healed_away(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the other user's file lock, the lock container tells who lives and what to do."""
    process, told = drill(rig, tmp_path, "pause")
    # Another user has another folder of file locks, and so has another TMPDIR.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StagingBusy) as refused:
        heal(rig.project, command="drill heal --env x")
    assert status(rig, "back") == "paused"
    said = str(refused.value)
    assert f"drill dies of {pwd.getpwuid(os.getuid()).pw_name} on " in said
    assert str(process.pid) in said
    assert "it is alive" in said
    assert said.endswith("drill heal --env x --force")
    with pytest.raises(StagingBusy, match="it is alive"):
        asyncio.run(claim_only(rig, tmp_path))

    os.kill(told["guardian"], signal.SIGKILL)
    with pytest.raises(StagingBusy, match="it is alive"):
        heal(rig.project)
    process.kill()
    took(lambda: not alive(process.pid), 5)
    with pytest.raises(Unhealed, match="drill heal"):
        asyncio.run(claim_only(rig, tmp_path))
    assert not heal(rig.project).remaining
    assert status(rig, "back") == "running"
    assert not rig.ours()


def test_a_living_drill_can_be_healed_away_by_force(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who says force gets staging back, whoever holds it."""
    process, _ = drill(rig, tmp_path, "pause")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        assert not heal(rig.project, force=True).remaining
        assert status(rig, "back") == "running"
        assert not rig.ours()
    finally:
        process.kill()
