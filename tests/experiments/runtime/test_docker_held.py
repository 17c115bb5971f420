"""A held edge between two real containers: data stays, connections and answers pass."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from drill.events import FaultChange
from experiments.faults.container import ContainerKill
from experiments.holding import Hold
from experiments.injection import Injection
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.docker.claim import heal
from experiments.runtime.docker.stack import DockerStack
from experiments.runtime.shapes import ArmedFault, PathRule, Undo
from tests.experiments.fakes import FakeSink
from tests.experiments.runtime.rig import Rig, claimed, staging, until
from tests.experiments.runtime.test_docker_deaths import drill as drill_in_its_own_process
from tests.experiments.runtime.test_docker_deaths import took

pytestmark = pytest.mark.docker
RULE = "r-hold"
GET = (
    "import socket,sys;"
    "s=socket.create_connection(('back',8000),1);print('connected');"
    "s.settimeout(1);s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');print(s.recv(4).decode())"
)
# A queue hands out one job and waits for its acknowledgement; what it did is in files.
QUEUE = """
import socket, time
server = socket.create_server(("", 9000))
peer, _ = server.accept()
open("/tmp/taken", "w")
while not open("/tmp/go", "a+").seek(0, 2):
    time.sleep(0.01)
peer.sendall(b"job")
open("/tmp/sent", "w").write("x")
peer.settimeout(4)
try:
    said = repr(peer.recv(3))
except OSError as error:
    said = type(error).__name__
open("/tmp/said", "w").write(said)
"""
# The queue may start later than who works for it.
WORK = """
import socket, time
for _ in range(1000):
    try:
        work = socket.create_connection(("back", 9000), 5)
        break
    except OSError:
        time.sleep(0.01)
work.recv(3)
work.sendall(b"ack")
time.sleep(60)
"""


class Jobs:
    """Counts the jobs that the queue in `back` has handed out."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    async def count(self, sight: str) -> int:
        return await asyncio.to_thread(lambda: len(self.file("sent")))

    def file(self, name: str) -> str:
        """What a file of the queue says, empty if there is none."""
        code, said = self.rig.container("back").exec_run(["cat", f"/tmp/{name}"])
        return str(said.decode()) if code == 0 else ""

    def there(self, name: str) -> bool:
        """Whether the queue has come so far."""
        return bool(self.rig.container("back").exec_run(["test", "-e", f"/tmp/{name}"])[0] == 0)


@pytest.fixture(name="rig")
def _rig() -> Iterator[Rig]:
    with staging() as rig:
        yield rig


def get(rig: Rig) -> str:
    """What front hears from back: whether it could connect, and the answer's first bytes."""
    _, said = rig.container("front").exec_run(["python3", "-c", GET])
    words = said.decode().split()
    return " ".join(word for word in words if word in ("connected", "HTTP"))


async def held(stack: DockerStack, after: str = "") -> PathRule:
    """Arm an agent in front for an edge to back, and hold it."""
    now = await stack.state("front")
    undo = Undo(service="front", container=now.container, want="running", rule=RULE)
    spec = json.dumps({"to": "back", "after": after or None})
    await stack.arm([ArmedFault(id="f1-hold", fault="hold", spec=spec, undo=undo)])
    rule = PathRule(name=RULE, to="back", way="hold", after=after)
    await stack.block("front", rule)
    return rule


def test_a_hold_drops_data_and_lets_go(rig: Rig, tmp_path: Path) -> None:
    """While held a connection opens and its data is dropped and counted; then data passes."""

    async def drill() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            assert get(rig) == "connected HTTP"
            await held(stack)
            assert await stack.held_back("front", RULE) == 0
            assert get(rig) == "connected"
            assert await stack.held_back("front", RULE) > 0
            assert [one.what for one in await stack.remaining()] == [f"front: rule {RULE}"]
            await stack.unblock("front", RULE)
            await stack.unblock("front", RULE)
            assert get(rig) == "connected HTTP"
            assert not await stack.remaining()
        assert not rig.ours()

    asyncio.run(drill())


def test_a_hold_outlives_its_expiry_and_not_its_drill(rig: Rig, tmp_path: Path) -> None:
    """Renewed each second it stays past the kernel's 3 s; with the stack released it is gone."""

    async def drill() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            await held(stack)
            await asyncio.sleep(4)  # The very time that an element without renewal lives, and more.
            assert get(rig) == "connected"
        assert get(rig) == "connected HTTP"
        assert not rig.ours()

    asyncio.run(drill())


def test_a_hold_after_another_host_begins_with_its_data(rig: Rig, tmp_path: Path) -> None:
    """With `after` everything passes until the service has sent data to that host."""
    gateway = rig.client.networks.get(rig.project).attrs["IPAM"]["Config"][0]["Gateway"]

    async def drill() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            await held(stack, after=gateway)
            assert get(rig) == "connected HTTP"
            server = await asyncio.start_server(lambda *_: None, gateway, 0)
            port = server.sockets[0].getsockname()[1]
            say = f"import socket;socket.create_connection(('{gateway}',{port}),1).sendall(b'x')"
            code = await asyncio.to_thread(
                lambda: rig.container("front").exec_run(["python3", "-c", say])[0]
            )
            assert code == 0
            assert get(rig) == "connected"
            server.close()

    asyncio.run(drill())


def test_what_a_killed_service_had_sent_never_arrives(rig: Rig, tmp_path: Path) -> None:
    """Killed with its acknowledgement held, and let go: the queue never gets it."""
    spec = ContainerKill.model_validate(
        {"target": "front", "at": {"held": {"from": "front", "to": "back"}, "seen": "job"}}
    )
    each, jobs = ArmedSpec("f1", spec), Jobs(rig)

    async def drill() -> list[FaultChange]:
        async with claimed(rig, str(tmp_path)) as stack:
            recorder = Recorder(FakeSink(), anyio.current_time())
            undo = await spec.prepare(stack, "f1")
            injection = Injection(each, undo, stack, recorder, lambda *, momentary: None)
            held = Undo(service="front", container=undo.container, want="running", rule=RULE)
            injection.wait_at(Hold(each, held, stack=stack, recorder=recorder, sights=jobs))
            await stack.arm(injection.armed())
            rig.container("back").exec_run(["python3", "-c", QUEUE], detach=True)
            rig.container("front").exec_run(["python3", "-c", WORK], detach=True)
            await until(lambda: asyncio.to_thread(jobs.there, "taken"), 10)
            async with anyio.create_task_group() as group:
                group.start_soon(injection.live, anyio.current_time())
                await until(lambda: seen(recorder, "held"), 5)
                await asyncio.to_thread(
                    rig.container("back").exec_run, ["sh", "-c", "echo>/tmp/go"]
                )
            await until(lambda: asyncio.to_thread(jobs.there, "said"), 10)
            assert not await stack.remaining()
        assert not rig.ours()
        return list(recorder.journal.every(FaultChange))

    changes = asyncio.run(drill())
    assert [one.state for one in changes] == [
        "holding", "held", "seen", "intent", "injected", "effective", "let_go", "healed",
    ]  # fmt: skip
    assert jobs.file("sent") == "x"
    assert "ack" not in jobs.file("said")


async def seen(recorder: Recorder, state: str) -> bool:
    """Whether the fault has come so far."""
    await anyio.lowlevel.checkpoint()
    return any(one.state == state for one in recorder.journal.every(FaultChange))


@pytest.mark.parametrize("guardian", [True, False], ids=["alone", "with its guardian"])
def test_a_drill_killed_while_it_holds_leaves_nothing(
    rig: Rig, tmp_path: Path, *, guardian: bool
) -> None:
    """SIGKILL of the drill: its agent lets data pass by itself, and all of ours can be removed."""
    process, told = drill_in_its_own_process(rig, tmp_path, "hold")
    assert get(rig) == "connected"
    if not guardian:
        os.kill(told["guardian"], signal.SIGKILL)
    process.kill()
    took(lambda: get(rig) == "connected HTTP", 3)
    if guardian:
        took(lambda: not rig.ours(), 15)
    else:
        assert not heal(rig.project).remaining
    assert not rig.ours()
