"""A held edge between two real containers: data stays, connections and answers pass."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.runtime.docker.stack import DockerStack
from experiments.runtime.shapes import ArmedFault, PathRule, Undo
from tests.experiments.runtime.rig import Rig, claimed, staging

pytestmark = pytest.mark.docker
RULE = "r-hold"
GET = (
    "import socket,sys;"
    "s=socket.create_connection(('back',8000),1);print('connected');"
    "s.settimeout(1);s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');print(s.recv(4).decode())"
)
# Waits for a word from the other side, then answers it: as a consumer does with a queue.
CONSUME = (
    "import socket,time;s=socket.create_connection(('back',9000),5);"
    "print(s.recv(3).decode(),flush=True);s.sendall(b'ack');time.sleep(60)"
)
QUEUE = """
import socket, time
server = socket.create_server(("", 9000))
while True:
    peer, _ = server.accept()
    print("taken", flush=True)
    time.sleep(1.5)
    peer.sendall(b"job")
    peer.settimeout(6)
    try:
        print("got", peer.recv(3), flush=True)
    except OSError as error:
        print("got nothing", type(error).__name__, flush=True)
"""


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
