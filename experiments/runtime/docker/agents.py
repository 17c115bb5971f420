"""The sidecars: made with intent and undo on them, attached before the start, bound to one life."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker.errors
from docker.types import LogConfig

from drill.errors import BadInput, Unsure
from experiments.runtime.docker import labels
from experiments.runtime.docker.channel import Channel
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lanes import Lanes
from experiments.runtime.shapes import ArmedFault

READY_LIMIT_S = 10.0
REPLY_LIMIT_S = 3.0
HELPER = ""  # The host helper is kept under the name no service can have.


@dataclass
class Agent:
    """
    One sidecar.

    Attributes:
        target: Full id of the container whose namespace it shares, empty for the host helper.

        started_at: That container's StartedAt when the agent joined.

        held: Rules that the client put in force and has not taken away.
    """

    container: str
    target: str
    started_at: str
    channel: Channel
    faults: Sequence[ArmedFault]
    held: set[str] = field(default_factory=set)


@dataclass
class Agents:
    """Starts and ends sidecars for one drill; at most one a target."""

    engine: Engine
    lanes: Lanes
    project: str
    ended: Callable[[str], None]
    run: str = ""
    by_service: dict[str, Agent] = field(default_factory=dict)

    async def start(
        self, service: str, target: dict[str, Any] | None, faults: Sequence[ArmedFault]
    ) -> Agent:
        """
        Bring one agent up beside *target* (None: the host helper), its labels first.

        Raises:
            BadInput: The target's namespace is not its own.
            Unsure: The engine or the agent does not answer.
        """
        if target is not None:
            refuse_shared(service, target)
        container, attached = await self.lanes.act(
            f"agent {service}", lambda: self._create(target, faults)
        )
        box: list[Agent] = []
        channel = Channel(attached, lambda: self._on_end(service, box))
        await self.lanes.act(f"agent {service}", lambda: self.engine.act.api.start(container))
        agent = Agent(
            container=container,
            target=str(target["Id"]) if target else "",
            started_at=str(target["State"]["StartedAt"]) if target else "",
            channel=channel,
            faults=faults,
        )
        await channel.ready(READY_LIMIT_S)
        box.append(agent)
        self.by_service[service] = agent
        return agent

    async def end(self, service: str) -> None:
        """Close its stdin, let it revert, remove it."""
        agent = self.by_service.pop(service, None)
        if agent is not None:
            agent.channel.close()
            await self.lanes.act(f"agent {service}", lambda: self.discard(agent.container))

    async def bound(self, service: str) -> Agent:
        """
        The living agent in the target's present namespace.

        Raises:
            Unsure: There is none, it died, or the target has begun a new life without it.
        """
        agent = self.by_service.get(service)
        if agent is None or not agent.channel.alive:
            raise Unsure(f"{service} has no living fault agent; it must be armed anew")
        if not await self.lanes.look(lambda: self.same_life(agent)):
            raise Unsure(f"{service} was restarted; its fault agent is in the old namespace")
        return agent

    def same_life(self, agent: Agent) -> bool:
        """Whether the agent's target still is the process it joined."""
        info = self.engine.inspect(agent.target)
        return (
            info is not None
            and bool(info["State"]["Running"])
            and info["State"]["StartedAt"] == agent.started_at
        )

    def _on_end(self, service: str, box: list[Agent]) -> None:
        if box and self.by_service.get(service) is box[0]:
            self.ended(service)

    def _create(
        self, target: dict[str, Any] | None, faults: Sequence[ArmedFault]
    ) -> tuple[str, Any]:
        api = self.engine.act.api
        marks = labels.written(self.run, self.project, "agent", faults)
        options: dict[str, Any] = {"network_mode": "none", "pid_mode": "host"}
        options["cap_add"] = ["KILL"]
        if target is not None:
            marks[labels.FOR] = str(target["Id"])
            options = {"network_mode": f"container:{target['Id']}", "cap_add": ["NET_ADMIN"]}
        host_config = api.create_host_config(
            cap_drop=["ALL"],
            log_config=LogConfig(
                type="none", config={}
            ),  # Replies are read by us; the engine need not keep them.
            **options,
        )
        made = api.create_container(
            labels.AGENT_IMAGE,
            ["net" if target is not None else "host", self.run],
            stdin_open=True,
            labels=marks,
            host_config=host_config,
        )
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        return str(made["Id"]), api.attach_socket(made["Id"], params=streams)

    def discard(self, container: str) -> None:
        """Wait for its exit a moment, then remove it."""
        with contextlib.suppress(docker.errors.APIError, OSError):
            self.engine.act.api.wait(container, timeout=2)
        with contextlib.suppress(docker.errors.NotFound):
            self.engine.act.api.remove_container(container, force=True)


def refuse_shared(service: str, target: dict[str, Any]) -> None:
    """
    A rule must bite the target and nobody else.

    Raises:
        BadInput: It uses the host's network or another container's, or is not running.
    """
    mode = str(target["HostConfig"].get("NetworkMode", ""))
    if mode == "host" or mode.startswith("container:"):
        raise BadInput(
            f"{service} has network_mode: {mode}; a network fault would hit others too."
            " Give it a network of its own"
        )
    if not target["State"]["Running"]:
        raise BadInput(f"{service} is {target['State']['Status']}; start it first")
