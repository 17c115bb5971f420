"""What of a drill is still in force, looked up afresh."""

from collections.abc import Iterable

from drill.errors import Unsure
from drill.events import Remaining
from experiments.runtime.docker import labels
from experiments.runtime.docker.agents import REPLY_LIMIT_S, Agents
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.lanes import Lanes
from experiments.runtime.docker.releases import running
from experiments.runtime.docker.restore import find
from experiments.runtime.shapes import ArmedFault, Intended, Undo

COMMAND = "drill heal"


async def targets(
    engine: Engine, lanes: Lanes, project: str, faults: Iterable[ArmedFault]
) -> list[Remaining]:
    """Targets that are not as they were found; one that is gone took its fault along."""
    found = []
    for undo in (fault.undo for fault in faults):
        what = await lanes.look(lambda undo=undo: _wrong(engine, project, undo))  # type: ignore[misc]
        found += [Remaining(what=what, command=COMMAND)] if what else []
    return list(dict.fromkeys(found))


def _wrong(engine: Engine, project: str, undo: Undo) -> str:
    """What is not as *undo* wants it, empty if nothing; whoever took the service over counts."""
    info = find(engine, undo, project)
    if info is None:
        return ""
    status = str(info["State"]["Status"])
    if status != undo.want:
        return f"{undo.service} is {status}"
    if undo.release is not None and info["Image"] != undo.release.digest:
        now = running(engine, info)
        return f"{undo.service} runs {now.tag} ({now.digest[:19]}) and not {undo.release.tag}"
    return ""


def acts(intended: Iterable[Intended]) -> list[Remaining]:
    """Acts of the playbook that were announced and whose undo nobody has reported."""
    return [
        Remaining(what=f"act {act.id} is not undone: {act.undo}", command=COMMAND)
        for act in intended
    ]


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
