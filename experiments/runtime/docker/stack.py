"""The stack of one compose project on one Docker engine, as the drill's engine asks for it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

from drill.errors import BadInput, DrillError, Unsure
from drill.events import Remaining, Service
from experiments.guards import Exposure
from experiments.runtime.browsing import Browsing
from experiments.runtime.docker import left, survey
from experiments.runtime.docker.agents import HELPER, REPLY_LIMIT_S, Agents, refuse_shared
from experiments.runtime.docker.blocking import Blocking
from experiments.runtime.docker.claim import Claim
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lanes import Lanes, all_ended
from experiments.runtime.docker.logs import read_log
from experiments.runtime.docker.restore import restore
from experiments.runtime.docker.watch import Watch
from experiments.runtime.sandbox import Leasing
from experiments.runtime.shapes import (
    ArmedFault,
    ContainerState,
    EngineEvent,
    LogPart,
    LogWindow,
    RunInfo,
    Undo,
)

log = logging.getLogger(__name__)
PING_S = 1.0
SEEN_PATIENCE_S = 0.2
AGENT_LOST = "agent.lost"


class DockerStack(Leasing, Browsing, Blocking):
    """
    Implements `ports.Stack`; make one with `open_stack`.

    Beside the engine's events, `events()` gives `agent.lost` when a service's agent ended or let go
    of a rule as the drill was silent: the fault is no longer in force; `rearm`, then inject. And
    `engine.lost` and `engine.back`, without a service, when the engine itself was away.
    """

    def __init__(self, engine: Engine, project: str, targets: Collection[str] | None) -> None:
        super().__init__()
        self.engine = engine
        self.project = project
        self._targets = targets
        self._lanes = Lanes()
        self._watch = Watch(engine, project)
        self._agents = Agents(engine, self._lanes, project, self._lost)
        self._claim: Claim | None = None
        self._armed: dict[str, ArmedFault] = {}
        self._doubtful: set[str] = set()
        self._pings = asyncio.create_task(self._ping())

    async def close(self) -> None:
        """End threads and connections; changes nothing on staging."""
        self._pings.cancel()
        self.end_leases()
        self._watch.close()
        await asyncio.to_thread(self._lanes.close)
        self.engine.close()

    async def state(self, service: str) -> ContainerState:
        return survey.to_state(service, await self._target(service))

    async def pause(self, service: str) -> None:
        name = (await self._target(service))["Id"]
        await self._lanes.act(service, lambda: self.engine.act.api.pause(name))

    async def stop(self, service: str, grace_s: float) -> None:
        name = (await self._target(service))["Id"]
        await self._act(service, lambda: self.engine.act.api.stop(name, timeout=round(grace_s)))

    async def restart(self, service: str, grace_s: float) -> None:
        name = (await self._target(service))["Id"]
        await self._act(service, lambda: self.engine.act.api.restart(name, timeout=round(grace_s)))

    async def crash(self, service: str, signal: str) -> None:
        now = await self.state(service)
        helper = self._agents.by_service.get(HELPER)
        if helper is None:
            raise Unsure("the host helper is not armed")
        await helper.channel.ask(
            REPLY_LIMIT_S, do="crash", pid=now.pid, container=now.container, signal=signal
        )

    async def restore(self, undo: Undo) -> str:
        doubt = undo.service in self._doubtful
        how = await self._lanes.act(
            undo.service, lambda: restore(self.engine, undo, self.project, doubt=doubt)
        )
        self._doubtful.discard(undo.service)
        return how

    async def seen(self, service: str, action: str, since: float) -> EngineEvent | None:
        def wanted(event: EngineEvent) -> bool:
            return event.service == service and event.action == action

        return await self._watch.first(wanted, since, SEEN_PATIENCE_S)

    # -- around the faults

    async def survey(self) -> Sequence[Service]:
        return await self._lanes.look(lambda: survey.survey(self.engine, self.project))

    async def log(self, container: str, window: LogWindow) -> LogPart | None:
        return await self._lanes.look(lambda: read_log(self.engine, container, window))

    async def exposures(self) -> Mapping[str, Exposure]:
        """Hosts and live keys in every service's variables, by service."""
        return await self._lanes.look(lambda: survey.exposures(self.engine, self.project))

    async def aliases(self) -> frozenset[str]:
        """Service names, container names, network aliases and addresses of the project."""
        return await self._lanes.look(lambda: survey.aliases(self.engine, self.project))

    async def claim(self, run: RunInfo) -> None:
        if run.project != self.project:
            raise BadInput(f"this stack is {self.project}, the drill is for {run.project}")
        self._agents.run = run.run
        self._run = run
        self._claim = await self._lanes.act("claim", lambda: Claim(self.engine, run))

    async def arm(self, faults: Sequence[ArmedFault]) -> None:
        if self._claim is None:
            raise BadInput("claim the stack before arming anything")
        infos = {fault.id: await self._target(fault.undo.service) for fault in faults}
        groups: dict[str, list[ArmedFault]] = {}
        markers = []
        for fault in faults:
            key = fault.undo.service if fault.undo.rule else HELPER
            if fault.undo.rule:
                refuse_shared(key, infos[fault.id])
            agented = bool(fault.undo.rule) or fault.fault == "container.kill"
            if agented and key not in self._agents.by_service:
                groups.setdefault(key, []).append(fault)
            else:
                markers.append(fault)
        for fault in markers:
            await self._lanes.act("claim", lambda fault=fault: self._mark(fault))  # type: ignore[misc]
        starts = [
            self._agents.start(key, infos[group[0].id] if key else None, group)
            for key, group in groups.items()
        ]
        await all_ended(starts)
        self._armed |= {fault.id: fault for fault in faults}
        await all_ended([self._learn(fault) for fault in faults if fault.undo.rule])

    async def rearm(self, service: str) -> bool:
        old = self._agents.by_service.get(service)
        if old is None:
            return False
        try:
            info = await self._target(service)
        except BadInput:
            return False
        if not info["State"]["Running"]:
            return False
        await self._agents.start(service, info, old.faults)  # First, so that the intent stays.
        old.channel.close()
        await self._lanes.act(f"agent {service}", lambda: self._agents.discard(old.container))
        await all_ended([self._learn(fault) for fault in old.faults])
        return True

    async def events(self) -> AsyncIterator[EngineEvent]:
        async for event in self._watch.follow():
            yield event

    async def remaining(self) -> Sequence[Remaining]:
        found = await left.targets(self.engine, self._lanes, self.project, self._armed.values())
        found += await left.rules(self._agents)
        found += [*left.acts(self._intended.values()), *self.leases(), *self.diverted()]
        if self._claim is None and self._agents.run:
            found += await left.containers(self.engine, self._lanes, self.project, self._agents.run)
        return found

    async def release(self) -> None:
        if self._claim is None:
            return
        await all_ended([self._agents.end(service) for service in list(self._agents.by_service)])
        claim = self._claim
        await self._lanes.act("claim", claim.give_back)
        self._claim = None

    async def _target(self, service: str) -> dict[str, Any]:
        return await self._lanes.look(
            lambda: survey.target(self.engine, self.project, service, self._targets)
        )

    async def _act(self, service: str, work: Callable[[], object]) -> None:
        try:
            await self._lanes.act(service, work)
        except Unsure:  # A cancelled stop ends in its lane; an unanswered one may yet end.
            self._doubtful.add(service)
            raise

    def _lost(self, service: str) -> None:
        agent = self._agents.by_service.get(service)
        container, now, wall_s = agent.target if agent else "", time.monotonic(), time.time()
        self._watch.add(EngineEvent(service, container, AGENT_LOST, at=now, wall_s=wall_s))

    async def _ping(self) -> None:
        """Renew every agent's lease; stops with the drill, which is the point."""
        while True:
            await asyncio.sleep(PING_S)
            living = [(s, a) for s, a in self._agents.by_service.items() if a.channel.alive]
            await asyncio.gather(*(self._ping_one(s) for s, _ in living))
            with contextlib.suppress(DrillError):  # The next second asks again.
                await self.keep_cuts()

    async def _ping_one(self, service: str) -> None:
        agent = self._agents.by_service.get(service)
        if agent is None:
            return
        try:
            before = set(agent.held)
            rules = set((await agent.channel.ask(REPLY_LIMIT_S, do="ping"))["rules"])
        except DrillError as error:
            log.warning("agent of %s: %s", service or "the host", error)
            return
        if (before & agent.held) - rules:
            agent.held &= rules
            self._lost(service)


@contextlib.asynccontextmanager
async def open_stack(
    project: str, engine: str = "local", targets: Collection[str] | None = None
) -> AsyncIterator[DockerStack]:
    """
    Connect to the engine that runs *project*.

    Args:
        project: Compose project of staging.
        engine: `local` for a local socket, else the ID that the engine must have.
        targets: Services that may be touched, None for every labelled one.

    Raises:
        BadInput: No engine answers, it is the wrong one, or the agent's image cannot be built.
    """
    stack = DockerStack(await asyncio.to_thread(Engine, engine), project, targets)
    try:
        yield stack
    finally:
        await stack.close()
