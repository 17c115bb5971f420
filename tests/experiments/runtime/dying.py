"""
A drill that arms, injects, says so and waits to be killed.

    dying.py PROJECT DIRECTORY KIND...
"""

import asyncio
import json
import os
import signal
import subprocess
import sys

from experiments.faults.base import FaultSpec
from experiments.faults.container import ContainerPause, ContainerStop
from experiments.faults.deploy import BadRelease
from experiments.faults.network import NetworkBlackhole
from experiments.runtime.docker.stack import DockerStack, open_stack
from experiments.runtime.shapes import ArmedFault, PathRule, RunInfo, Undo
from tests.experiments.runtime.rig import armed

STEPS = ("at-stop", "at-remove_container", "at-rename", "at-start")
KINDS: dict[str, FaultSpec] = {
    "blackhole": NetworkBlackhole(target="front", to="back", port=8000),
    "pause": ContainerPause(target="back"),
    "stop": ContainerStop(target="back"),
    "stopping": ContainerStop(target="back"),
    "release": BadRelease(target="front", release="v1.3.0"),
    **{step: BadRelease(target="front", release="v1.3.0") for step in STEPS},
}


def die_before(stack: DockerStack, step: str, guardian: int) -> None:
    """At the next call of *step* to the engine, guardian and drill are killed instead."""

    def die(*_: object, **__: object) -> None:
        os.kill(guardian, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(stack.engine.act.api, step.removeprefix("at-"), die)


async def main(project: str, directory: str, kinds: list[str]) -> None:
    async with open_stack(project) as stack:
        await stack.claim(RunInfo(run="dies", scenario="s", project=project, directory=directory))
        if kinds == ["isolating"]:
            await stack.intend("a1", '{"service": "front"}')
            await stack.cut_off("front")
            kinds = []
        if kinds == ["hold"]:
            now = await stack.state("front")
            undo = Undo(service="front", container=now.container, want="running", rule="h")
            await stack.arm([ArmedFault("f1-hold", "hold", '{"to": "back"}', undo)])
            await stack.block("front", PathRule(name="h", to="back", way="hold"))
            kinds = []
        undos = [await armed(stack, KINDS[kind], kind) for kind in kinds]
        child = subprocess.Popen(["sleep", "600"], env={"DRILL_RUN": "dies", "PATH": "/bin"})
        assert stack._claim is not None
        told = {"child": child.pid, "guardian": getattr(stack._claim._guardian, "pid", 0)}
        if kinds[:1] and kinds[0] in ("stopping", *STEPS):
            print(json.dumps(told), flush=True)
        if kinds[:1] and kinds[0] in STEPS:
            die_before(stack, kinds[0], told["guardian"])
        for kind, undo in zip(kinds, undos, strict=True):
            await KINDS[kind].inject(stack, undo)
        print(json.dumps(told), flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
