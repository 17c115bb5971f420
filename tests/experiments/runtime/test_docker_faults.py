"""The real fault classes against two real containers."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.faults.base import FaultSpec
from experiments.faults.container import (
    ContainerKill,
    ContainerPause,
    ContainerRestart,
    ContainerStop,
)
from experiments.faults.network import NetworkBlackhole, NetworkReject
from tests.experiments.runtime.rig import Rig, armed, claimed, staging, until

pytestmark = pytest.mark.docker


@pytest.fixture(name="rig")
def _rig() -> Iterator[Rig]:
    with staging() as rig:
        yield rig


FAULTS: list[FaultSpec] = [
    ContainerPause(target="front"),
    ContainerStop(target="front"),
    ContainerRestart(target="front"),
    ContainerKill(target="front"),
    NetworkBlackhole(target="front", to="back", port=8000),
    NetworkBlackhole.model_validate({"target": "front", "to": "back"}),
    NetworkReject(target="front", to="back", port=8000),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.fault}-{getattr(f, 'port', '')}")
def test_fault_bites_and_goes(rig: Rig, tmp_path: Path, fault: FaultSpec) -> None:
    """Every fault is shown to be in force by something else than its call, and shown to be gone."""

    async def drill() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            since = time.monotonic()
            await fault.inject(stack, undo)

            async def effective() -> bool:
                return (await fault.effective(stack, undo, since)).holds

            await until(effective, 3)
            since = time.monotonic()
            await fault.heal(stack, undo)

            async def removed() -> bool:
                if getattr(fault, "port", 1) is None:  # Nobody serves 443 here.
                    return (await stack.look_along("front", "back", 8000, 0.25)).outcome == "open"
                return (await fault.removed(stack, undo, since)).holds

            await until(removed, 3)
            assert not await stack.remaining()
        assert not rig.ours()

    asyncio.run(drill())


def test_rearm_after_restart(rig: Rig, tmp_path: Path) -> None:
    """A target restarted under a blackhole gets its agent into the new namespace."""
    fault = NetworkBlackhole(target="front", to="back", port=8000)

    async def drill() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            await fault.inject(stack, undo)
            await stack.restart("front", 1)
            assert await stack.rearm("front")
            await fault.inject(stack, undo)
            assert (await stack.look_along("front", "back", 8000, 0.25)).outcome == "silent"
            await fault.heal(stack, undo)
            assert (await stack.look_along("front", "back", 8000, 0.25)).outcome == "open"

    asyncio.run(drill())
