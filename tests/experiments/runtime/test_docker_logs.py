"""The logs of real containers: the drill's window and nothing else, and no secret."""

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import anyio
import docker
import pytest

from drill.events import EvidenceKept, Note, StackSeen
from drill.journal import Journal
from experiments.evidence import LogKeeper
from experiments.faults.base import FaultSpec
from experiments.faults.container import ContainerKill, ContainerPause
from experiments.recorder import Recorder
from experiments.run_folder import provenance, writer
from experiments.runtime.docker.stack import open_stack
from experiments.runtime.shapes import LogWindow
from tests.experiments.fakes import FakeSink
from tests.experiments.runtime.rig import IMAGE, Rig, armed, claimed, staging, until

pytestmark = pytest.mark.docker
REFUSED = 404


@pytest.fixture(name="rig")
def _rig() -> Iterator[Rig]:
    with staging() as rig:
        yield rig


def ask(rig: Rig, service: str, path: str) -> bool:
    """Whether the service answered a request for *path*, which is then in its log."""
    rig_container = rig.container(service)
    address = rig_container.attrs["NetworkSettings"]["Networks"][rig.project]["IPAddress"]
    try:
        urllib.request.urlopen(f"http://{address}:8000/{path}", timeout=1)
    except urllib.error.HTTPError as error:
        return error.code == REFUSED
    except OSError:
        return False
    return True


async def asked(rig: Rig, service: str, path: str) -> None:
    """Ask until it answers."""

    async def answers() -> bool:
        return await asyncio.to_thread(ask, rig, service, path)

    await until(answers, 10)


@pytest.mark.parametrize(
    "fault",
    [ContainerPause(target="front"), ContainerKill(target="front")],
    ids=lambda fault: fault.fault,
)
def test_the_log_holds_the_drill_and_nothing_older(
    rig: Rig, tmp_path: Path, fault: FaultSpec
) -> None:
    """The log of what was broken has its lines from before, in and after the fault, none older."""
    journals: list[Journal] = []

    async def logged() -> bool:
        """The engine reads what a container writes in its own time, after the answer was here."""
        words = await asyncio.to_thread(rig.container("front").logs)
        return b"GET /after-the-fault" in words

    async def drill() -> None:
        await asked(rig, "front", "older-than-the-drill")
        async with claimed(rig, str(tmp_path)) as stack:
            recorder = Recorder(FakeSink(), anyio.current_time())
            head = provenance("r", scenario="s", title="t", project=rig.project, command="c")
            recorder.add(head)
            services = list(await stack.survey())
            recorder.add(StackSeen(t=recorder.t(), when="before", services=services))
            undo = await armed(stack, fault)
            await asked(rig, "front", "before-the-fault?api_key=Zq9secret")
            called = time.monotonic()
            recorder.fault("f1", "intent")
            await fault.inject(stack, undo)

            async def removed() -> bool:
                return (await fault.removed(stack, undo, called)).holds

            recorder.fault("f1", "healing")
            await fault.heal(stack, undo)
            await until(removed, 10)
            await asked(rig, "front", "after-the-fault")
            await until(logged, 10)
            await LogKeeper(stack, recorder, writer(tmp_path)).keep()
            journals.append(recorder.journal)

    asyncio.run(drill())

    text = (tmp_path / "evidence" / "logs" / "front.log").read_text(encoding="utf-8")
    assert "GET /before-the-fault?api_key=[redacted]" in text
    assert "GET /after-the-fault" in text
    assert "older-than-the-drill" not in text
    assert "Zq9secret" not in text
    kept = {one.subject: one.path for one in journals[0].every(EvidenceKept)}
    assert kept == {name: f"evidence/logs/{name}.log" for name in ("front", "back")}
    assert not list(journals[0].every(Note))


def test_a_chatty_container_is_cut_and_a_gone_one_is_none(rig: Rig) -> None:
    """A long log keeps the part around the fault and the end, and one removed has no log."""
    shell = "for i in $(seq 1 5000); do echo line $i of key sk_test_Zq9secret; done; sleep 60"
    container = rig.client.containers.run(
        IMAGE, ["sh", "-c", shell], detach=True, labels={"drill.project": rig.project}
    )
    zero = time.monotonic()

    async def read() -> None:
        async with open_stack(rig.project) as stack:

            async def written() -> bool:
                return b"line 5000 " in await asyncio.to_thread(container.logs, tail=1)

            await until(written, 30)
            window = LogWindow(zero - 60, zero - 60, time.monotonic(), limit_bytes=16_000)
            part = await stack.log(str(container.id), window)
            assert part is not None
            assert part.complete
            assert "line 1 of key [redacted]" in part.first[0]
            assert "line 5000 of key [redacted]" in part.last[-1]
            assert part.cut_before == 0
            assert len(part.first) + part.cut_between + len(part.last) == 5_000
            await asyncio.to_thread(container.remove, force=True)
            assert await stack.log(str(container.id), window) is None

    try:
        asyncio.run(read())
    finally:
        with contextlib.suppress(docker.errors.NotFound):
            container.remove(force=True)
