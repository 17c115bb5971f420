"""Rules in the targets' networks, through their agents."""

import contextlib
import json
import time

from drill.errors import Unsure
from experiments.runtime.docker.agents import REPLY_LIMIT_S
from experiments.runtime.docker.changing import Changing
from experiments.runtime.shapes import ArmedFault, Outcome, PathRule, PathSeen


class Blocking(Changing):
    """A part of `DockerStack`: `ports.Paths`."""

    async def block(self, service: str, rule: PathRule) -> None:
        agent = await self._agents.bound(service)
        await agent.channel.ask(
            REPLY_LIMIT_S,
            do="block",
            name=rule.name,
            to=rule.to,
            way=rule.way,
            port=rule.port,
            after=rule.after,
        )
        agent.held.add(rule.name)

    async def held_back(self, service: str, rule: str) -> int:
        agent = await self._agents.bound(service)
        reply = await agent.channel.ask(REPLY_LIMIT_S, do="count", name=rule)
        return int(reply["packets"])

    async def unblock(self, service: str, rule: str) -> None:
        agent = self._agents.by_service.get(service)
        if agent is None:
            return
        agent.held.discard(rule)
        try:
            await agent.channel.ask(REPLY_LIMIT_S, do="unblock", name=rule)
        except Unsure:
            # In an old namespace it bites nobody; in the present one a new agent sweeps it away.
            if await self._lanes.look(lambda: self._agents.same_life(agent)):
                await self.rearm(service)

    async def look_along(self, service: str, to: str, port: int, patience_s: float) -> PathSeen:
        agent = await self._agents.bound(service)
        begun = time.monotonic()
        reply = await agent.channel.ask(
            patience_s + REPLY_LIMIT_S, do="look", to=to, port=port, patience_s=patience_s
        )
        ended = time.monotonic()
        sent, got = float(reply["sent"]), float(reply["got"])
        if not begun <= sent <= got <= ended:  # Another machine's clock: our own bracket is true.
            sent, got = begun, ended
        outcome: Outcome = reply["outcome"]
        return PathSeen(outcome=outcome, sent=sent, got=got, address=str(reply["address"]))

    async def _learn(self, fault: ArmedFault) -> None:
        """Resolve the names now, so that injecting needs no resolver."""
        agent = self._agents.by_service[fault.undo.service]
        with contextlib.suppress(ValueError, Unsure):
            said = json.loads(fault.spec)
            for name in filter(None, (said.get("to"), said.get("after"))):
                await agent.channel.ask(REPLY_LIMIT_S, do="know", to=name)
