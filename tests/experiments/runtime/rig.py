"""Two throwaway containers that look like a compose project's, for tests against a real engine."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker

from experiments.faults.base import FaultSpec
from experiments.runtime.docker.stack import DockerStack, open_stack
from experiments.runtime.shapes import ArmedFault, RunInfo, Undo

IMAGE = "vauntico-drills/staging-base:1"
SERVE = ["python3", "-m", "http.server", "8000", "--directory", "/etc/apt"]
DEAF = [
    "sh",
    "-c",
    f"trap '' TERM; exec {' '.join(SERVE)}",
]  # So that a stop takes its whole grace.


@dataclass
class Rig:
    """A project with the services `front` (the target) and `back` (its deaf peer, port 8000)."""

    project: str
    client: docker.DockerClient

    def container(self, service: str) -> Any:
        """The service's container, fresh from the engine."""
        wanted = [
            f"com.docker.compose.project={self.project}",
            f"com.docker.compose.service={service}",
        ]
        return self.client.containers.list(all=True, filters={"label": wanted})[0]

    def ours(self) -> list[Any]:
        """Containers of drills on this project."""
        wanted = f"drill.project={self.project}"
        return list(
            self.client.containers.list(all=True, filters={"label": wanted}, ignore_removed=True)
        )


@contextlib.contextmanager
def staging() -> Iterator[Rig]:
    """Up, and away again whatever happens."""
    client = docker.from_env()
    project = f"rt-{uuid.uuid4().hex[:8]}"
    network = client.networks.create(project)
    rig = Rig(project, client)
    made = []
    try:
        for service, policy in (("front", "always"), ("back", "no")):
            made.append(
                client.containers.create(
                    IMAGE,
                    SERVE if service == "front" else DEAF,
                    name=f"{project}-{service}",
                    network=project,
                    init=True,
                    stop_signal="SIGTERM",
                    restart_policy={"Name": policy},  # type: ignore[arg-type] # The stubs lack "no".
                    labels={
                        "com.docker.compose.project": project,
                        "com.docker.compose.service": service,
                        "drill.target": "staging",
                    },
                )
            )
            network.disconnect(made[-1])
            network.connect(made[-1], aliases=[service])
            made[-1].start()
        yield rig
    finally:
        for one in [*rig.ours(), *made]:
            with contextlib.suppress(docker.errors.APIError):
                one.remove(force=True)
        network.remove()
        client.close()


@contextlib.asynccontextmanager
async def claimed(rig: Rig, directory: str, run: str = "run1") -> AsyncIterator[DockerStack]:
    """The stack, opened and claimed; released at the end."""
    async with open_stack(rig.project) as stack:
        await stack.claim(RunInfo(run=run, scenario="s", project=rig.project, directory=directory))
        try:
            yield stack
        finally:
            await stack.release()


async def armed(stack: DockerStack, fault: FaultSpec, name: str = "f1") -> Undo:
    """Prepare and arm one fault."""
    undo = await fault.prepare(stack, name)
    spec = fault.model_dump_json(by_alias=True)
    await stack.arm([ArmedFault(id=name, fault=fault.fault, spec=spec, undo=undo)])
    return undo


async def until(look: Callable[[], Awaitable[bool]], limit_s: float) -> float:
    """Poll until true; seconds it took. Fails after *limit_s*."""
    begun = time.monotonic()
    while not await look():
        took_s = time.monotonic() - begun
        assert took_s < limit_s, f"not within {limit_s} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun
