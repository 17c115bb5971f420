"""What a response changes on the stack: releases, services cut off, and the markers of both."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import docker.errors
import msgspec

from drill.errors import BadInput, Unsure
from experiments.runtime.docker import labels, releases, survey
from experiments.runtime.docker.agents import HELPER, REPLY_LIMIT_S, Agent, Agents
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lanes import Lanes
from experiments.runtime.shapes import ArmedFault, Intended, Release, RunInfo, Undo

EVERYONE = "%everyone"
DISCARD_PORT = 9
CUT_PATIENCE_S = 0.5
PEERS = 3


class Changing(ABC):
    """
    Half of `DockerStack`: `ports.Releases`, `ports.Cuts` and `ports.Intents`.

    The other half gives `_target`, `_mark` and `arm`, and the parts that both work with.
    """

    engine: Engine
    project: str
    _lanes: Lanes
    _agents: Agents
    _armed: dict[str, ArmedFault]
    _run: RunInfo | None = None

    def __init__(self) -> None:
        self._markers: dict[str, str] = {}
        self._intended: dict[str, Intended] = {}
        self._cut: set[str] = set()

    @abstractmethod
    async def _target(self, service: str) -> dict[str, Any]:
        """The target's container as the engine inspects it."""

    @abstractmethod
    async def arm(self, faults: Sequence[ArmedFault]) -> None:
        """Write intents and undos on the engine and start the agents that the faults need."""

    @abstractmethod
    async def rearm(self, service: str) -> bool:
        """Bring the agent of a restarted target into its new namespace; False if it is gone."""

    # -- releases

    async def running(self, service: str) -> Release:
        info = await self._target(service)
        return await self._lanes.look(lambda: releases.running(self.engine, info))

    async def find_release(self, service: str, tag: str, image: str = "") -> Release:
        info = await self._target(service)
        return await self._lanes.look(lambda: releases.find_release(self.engine, info, tag, image))

    async def deploy(self, service: str, image: str) -> Release:
        info = await self._target(service)
        return await self._lanes.act(
            service, lambda: releases.deploy(self.engine, self.project, info, image)
        )

    async def put_back(self, undo: Undo) -> str:
        return await self._lanes.act(
            undo.service, lambda: releases.put_back(self.engine, self.project, undo)
        )

    async def release_before(self, service: str) -> Release:
        """What *service* ran before this drill: a fault may have put another release there."""
        for fault in self._armed.values():
            if fault.undo.service == service and fault.undo.release is not None:
                return fault.undo.release
        return await self.running(service)

    # -- a service cut off

    async def cut_off(self, service: str) -> str:
        agent = await self._agent_of(service)
        self._cut.add(service)
        await self._cut_now(agent, service)
        outcome = await self._from_inside(agent, service)
        if outcome != "silent":
            raise Unsure(f"{service} was to be cut off, but a connection from it was {outcome}")
        return f"every packet of {service} is dropped: a connection from inside it was {outcome}"

    async def join(self, service: str) -> str:
        self._cut.discard(service)
        agent = self._agents.by_service.get(service)
        if agent is None:
            return f"{service} is not cut off: no agent is in its network"
        await self._uncut(agent, service)
        agent = self._agents.by_service.get(service, agent)
        if not await self._same_life(agent):
            return f"{service} has begun a new life since, in a network where no rule of ours is"
        outcome = await self._from_inside(agent, service)
        if outcome == "silent":
            raise Unsure(f"{service} was to talk again, but a connection from it was {outcome}")
        return f"the rule is deleted: a connection from inside {service} was {outcome}"

    async def _uncut(self, agent: Agent, service: str) -> None:
        rule = _rule_of(service)
        agent.held.discard(rule)
        try:
            await agent.channel.ask(REPLY_LIMIT_S, do="unblock", name=rule)
        except Unsure:
            # In an old namespace it bites nobody; in the present one a new agent sweeps it away.
            if await self._same_life(agent):
                await self.rearm(service)

    async def _same_life(self, agent: Agent) -> bool:
        return await self._lanes.look(lambda: self._agents.same_life(agent))

    async def keep_cuts(self) -> None:
        """A service that was restarted has a new network: cut it off there too."""
        for service in tuple(self._cut):
            agent = self._agents.by_service.get(service)
            if agent is None or await self._same_life(agent):
                continue
            if await self.rearm(service) and service in self._cut:
                await self._cut_now(self._agents.by_service[service], service)

    async def _cut_now(self, agent: Agent, service: str) -> None:
        rule = _rule_of(service)
        await agent.channel.ask(REPLY_LIMIT_S, do="block", name=rule, to=EVERYONE, way="isolate")
        agent.held.add(rule)

    async def _agent_of(self, service: str) -> Agent:
        try:
            return await self._agents.bound(service)
        except Unsure:
            if not await self.rearm(service):
                raise
        return await self._agents.bound(service)

    async def _from_inside(self, agent: Agent, service: str) -> str:
        """A connection to a neighbour: refused or open if packets pass, silent if they do not."""
        addresses = await self._lanes.look(
            lambda: survey.neighbours(self.engine, self.project, service)
        )
        outcome = "without a neighbour to try"
        for address in addresses[:PEERS]:
            reply = await agent.channel.ask(
                CUT_PATIENCE_S + REPLY_LIMIT_S,
                do="look",
                to=address,
                port=DISCARD_PORT,
                patience_s=CUT_PATIENCE_S,
            )
            outcome = str(reply["outcome"])
            if outcome != "silent":  # A neighbour may be frozen or cut off itself.
                return outcome
        return outcome

    # -- intents of acts

    async def intend(self, act: str, undo: str) -> None:
        try:
            said = json.loads(undo)
        except ValueError as error:
            raise BadInput(f"the undo of act {act} is no JSON: {error}") from None
        if "feature" in said:
            where = self._run.environment if self._run else ""
            self._intended[act] = Intended(id=act, undo=undo, environment=where)
            self._markers[act] = await self._lanes.act("claim", lambda: self._mark_act(act))
            return
        service = str(said["service"])
        if "release" in said:
            before = msgspec.convert(said["release"], Release)
            fault = ArmedFault(
                id=act,
                fault="resolve.rollback",
                spec=undo,
                undo=Undo(service, before.container, "running", release=before),
            )
        else:
            now = await self._target(service)
            rule = _rule_of(service)
            undoing = Undo(service, str(now["Id"]), "running", rule=rule)
            fault = ArmedFault(id=act, fault="contain.isolate", spec=undo, undo=undoing)
        await self.arm([fault])

    async def forget(self, act: str) -> None:
        fault = self._armed.pop(act, None)
        self._intended.pop(act, None)
        marker = self._markers.pop(act, None)
        if marker is not None:
            await self._lanes.act("claim", lambda: self._unmark(marker))
        service = fault.undo.service if fault is not None else HELPER
        agent = self._agents.by_service.get(service)
        if service != HELPER and agent and [one.id for one in agent.faults] == [act]:
            await self._agents.end(service)

    def _mark(self, fault: ArmedFault) -> None:
        """Intent and undo on a container that never starts; of a release, a copy of what ran."""
        marks = labels.written(self._agents.run, self.project, "marker", [fault])
        release, service = fault.undo.release, fault.undo.service
        kept = release is not None and not self.engine.listed(
            f"{labels.OF}={self.project}", f"{labels.KEEPS}={service}"
        )
        if kept:
            self._markers[fault.id] = releases.keep(self.engine, fault.undo, marks)
            return
        made = self.engine.act.api.create_container(labels.AGENT_IMAGE, ["idle"], labels=marks)
        self._markers[fault.id] = str(made["Id"])

    def _mark_act(self, act: str) -> str:
        marks = labels.written(self._agents.run, self.project, "marker", ())
        marks |= {labels.ACT: labels.act_text(self._intended[act])}
        made = self.engine.act.api.create_container(labels.AGENT_IMAGE, ["idle"], labels=marks)
        return str(made["Id"])

    def _unmark(self, marker: str) -> None:
        try:
            self.engine.act.api.remove_container(marker, force=True)
        except docker.errors.NotFound:
            return


def _rule_of(service: str) -> str:
    return f"isolate-{service}"
