"""What of a drill is still in force, looked up afresh."""

from collections.abc import Iterable

from drill.errors import Unsure
from drill.events import Remaining
from experiments.runtime.docker import labels
from experiments.runtime.docker.agents import REPLY_LIMIT_S, Agents
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lanes import Lanes
from experiments.runtime.ports import ArmedFault

COMMAND = "drill heal"


async def targets(engine: Engine, lanes: Lanes, faults: Iterable[ArmedFault]) -> list[Remaining]:
    """Targets that are not as they were found; one that is gone took its fault along."""
    found = []
    for undo in (fault.undo for fault in faults):
        name = undo.container
        info = await lanes.look(lambda name=name: engine.inspect(name))  # type: ignore[misc]
        status = info["State"]["Status"] if info is not None else undo.want
        if status != undo.want:
            found.append(Remaining(what=f"{undo.service} is {status}", command=COMMAND))
    return list(dict.fromkeys(found))


async def rules(agents: Agents) -> list[Remaining]:
    """Rules that agents hold, in their own words."""
    found = []
    for service, agent in agents.by_service.items():
        try:
            held = (await agent.channel.ask(REPLY_LIMIT_S, do="ping"))["rules"]
        except Unsure as error:
            held = [f"unknown ({error}); rules expire by themselves within 3 s"]
        found += [Remaining(what=f"{service or 'host'}: rule {r}", command=COMMAND) for r in held]
    return found


async def containers(engine: Engine, lanes: Lanes, project: str, run: str) -> list[Remaining]:
    """Agents, markers and the lock of a drill that has given its staging back."""
    asked = (f"{labels.OF}={project}", f"{labels.RUN}={run}")
    return [
        Remaining(
            what=f"{entry['Labels'].get(labels.ROLE)} container {entry['Id'][:12]}",
            command=COMMAND,
        )
        for entry in await lanes.look(lambda: engine.listed(*asked))
    ]
