"""
Healing from labels alone: used by a drill, by its guardian and by `drill heal` from any checkout.

Imports no pydantic and no asyncio, so that a guardian is at work soon after a drill's death.
"""

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import docker
import docker.errors

from drill.errors import DrillError
from drill.events import Remaining
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import SILENCE, Engine
from experiments.runtime.docker.leases import outlive
from experiments.runtime.docker.recipe import in_the_making
from experiments.runtime.docker.releases import put_back
from experiments.runtime.shapes import ArmedFault, Undo
from experiments.runtime.undo_acts import UndoAct, in_subprocess

COME_BACK_S = 3.0
GONE_LIMIT_S = 10.0
HEAL_LIMIT_S = 90.0
POLL_S = 0.02
CLEAN_SWEEPS = 2
SWEEP_PAUSE_S = 0.25
SETTLE_S = 1.0
DEFAULT_GRACE_S = 10.0
STOPPING = frozenset(
    {"container.stop", "container.restart", "deploy.bad_release", "resolve.rollback"}
)
ROLE_ORDER = {"agent": 0, "marker": 1, "lock": 2, "guardian": 3}


@dataclass
class Healing:
    """What a healing did, and what it could not do."""

    healed: list[str] = field(default_factory=list)
    remaining: list[Remaining] = field(default_factory=list)


def find(engine: Engine, undo: Undo, project: str) -> dict[str, Any] | None:
    """The container of *undo*, or the one that took its service over; None if there is none."""
    info = engine.inspect(undo.container)
    if info is not None and info["State"]["Status"] != "removing":
        return info
    asked = (f"{labels.PROJECT}={project}", f"{labels.SERVICE}={undo.service}")
    for entry in engine.listed(*asked, f"{labels.TARGET}={labels.TARGET_VALUE}"):
        if in_the_making(entry.get("Names") or ()):
            continue
        info = engine.inspect(entry["Id"])
        if info is not None and info["State"]["Status"] != "removing":
            return info
    return None


def restore(engine: Engine, undo: Undo, project: str, *, doubt: bool = False) -> str:
    """
    Put one container back into the state *undo* wants, from whatever state it is in.

    Args:
        engine: Where it runs.
        undo: What to restore.
        project: Its compose project, to find a successor.
        doubt: A stop may still be under way on the server: a plain start would be undone by it.

    Returns:
        `already`, `unpaused`, `started`, `paused`, `stopped`, or `gone`.
    """
    how = "already"
    info = find(engine, undo, project)
    if info is None:
        return "gone"
    name, api = str(info["Id"]), engine.act.api
    status = _settled(engine, name)
    if status == "gone":
        return "gone"
    if undo.want == "exited":
        if status in ("running", "paused", "restarting"):
            api.stop(name)
            how = "stopped"
        return how
    if status == "paused" and undo.want == "running":
        api.unpause(name)
        how, status = "unpaused", "running"
    if doubt and status == "running":
        with contextlib.suppress(docker.errors.APIError):
            api.kill(name)
        _wait_for(engine, name, ("exited", "dead", "gone"))
        status = "exited"
    if status in ("exited", "created", "dead"):
        api.start(name)
        how, status = "started", "running"
    if undo.want == "paused" and status == "running":
        api.pause(name)
        how = "paused"
    return how


def _status(engine: Engine, name: str) -> str:
    info = engine.inspect(name)
    return "gone" if info is None else str(info["State"]["Status"])


def _wait_for(engine: Engine, name: str, wanted: Sequence[str]) -> str:
    until = time.monotonic() + GONE_LIMIT_S
    while (status := _status(engine, name)) not in wanted and time.monotonic() < until:
        time.sleep(POLL_S)
    return status


def _settled(engine: Engine, name: str) -> str:
    """Give a restart policy at work a moment; a long back-off is cut short."""
    until = time.monotonic() + COME_BACK_S
    while (status := _status(engine, name)) == "restarting" and time.monotonic() < until:
        time.sleep(POLL_S)
    if status == "restarting":
        engine.act.api.restart(name, timeout=0)
    return _status(engine, name)


def stop_under_way(engine: Engine, container: str) -> bool:
    """Whether the engine's events show a signal sent to *container* that nothing died of yet."""
    events = engine.look.api.events(
        since=int(time.time()) - 120,
        until=int(time.time()) + 1,
        filters={"container": container, "event": ["kill", "die", "start"]},
        decode=True,
    )
    last = ""
    for event in events:
        last = str(event.get("Action", ""))
    return last == "kill"


def heal_project(
    engine: Engine,
    project: str,
    run: str | None = None,
    command: str = "drill heal",
    undo_act: UndoAct = in_subprocess,
) -> Healing:
    """
    Heal what labels say, sweep until two sweeps in a row are clean, remove what is ours.

    Args:
        engine: Where the project runs.
        project: Compose project.
        run: Only that drill's, as its guardian asks, which is spared; None for every drill's.
        command: What a person should run for what remains.
        undo_act: Undoes an act of the playbook that only the shop can undo.

    Raises:
        docker.errors.DockerException, OSError: The engine does not answer; call again.
    """
    done = Healing()
    until = time.monotonic() + HEAL_LIMIT_S
    clean = 0
    while clean < CLEAN_SWEEPS and time.monotonic() < until:
        ours = _ours(engine, project, run)
        clean = 0 if ours else clean + 1
        done.remaining = _heal_once(engine, project, ours, done.healed, command)
        done.remaining += _undo_acts(project, ours, done.healed, command, undo_act)
        if not done.remaining:
            _remove_all(engine, ours, done.healed)
        if clean < CLEAN_SWEEPS:
            time.sleep(SWEEP_PAUSE_S)
    return done


def _ours(engine: Engine, project: str, run: str | None) -> list[dict[str, object]]:
    asked = [f"{labels.OF}={project}"] + ([f"{labels.RUN}={run}"] if run else [])
    found = engine.listed(*asked)
    if run:
        found = [entry for entry in found if entry["Labels"].get(labels.ROLE) != "guardian"]
    return sorted(found, key=lambda entry: ROLE_ORDER.get(entry["Labels"].get(labels.ROLE), 0))


def _heal_once(
    engine: Engine,
    project: str,
    ours: Sequence[dict[str, object]],
    healed: list[str],
    command: str,
) -> list[Remaining]:
    faults = {fault.id: fault for entry in ours for fault in labels.faults_on(_labels_of(entry))}
    problems: list[Remaining] = []
    with ThreadPoolExecutor(8) as pool:
        for text, problem in pool.map(
            lambda fault: _heal_fault(engine, project, fault, command), faults.values()
        ):
            healed.extend([text] if text else [])
            problems.extend([problem] if problem else [])
    if faults and not problems:
        _hold(engine, project, list(faults.values()))
    # Intent and lock stay until all that they stand for is healed.
    _remove_all(engine, [e for e in ours if _labels_of(e).get(labels.ROLE) == "agent"], healed)
    return problems


def _undo_acts(
    project: str,
    ours: Sequence[dict[str, object]],
    healed: list[str],
    command: str,
    undo_act: UndoAct,
) -> list[Remaining]:
    problems = []
    for act in filter(None, (labels.act_on(_labels_of(entry)) for entry in ours)):
        try:
            healed.append(undo_act(act, project))
        except (DrillError, OSError) as error:
            what = f"act {act.id} is not undone ({act.undo}): {error}"
            problems.append(Remaining(what=what, command=command))
    return problems


def _remove_all(engine: Engine, entries: Sequence[dict[str, object]], healed: list[str]) -> None:
    for entry in (each for each in entries if engine.inspect(str(each["Id"])) is not None):
        _remove(engine, entry)
        healed.append(f"removed {_labels_of(entry).get(labels.ROLE)} {str(entry['Id'])[:12]}")


def _labels_of(entry: dict[str, object]) -> dict[str, str]:
    found = entry.get("Labels")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _heal_fault(
    engine: Engine, project: str, fault: ArmedFault, command: str
) -> tuple[str, Remaining | None]:
    undo = fault.undo
    try:
        back = put_back(engine, project, undo) if undo.release is not None else outlive(undo)
        doubt = fault.fault in STOPPING and stop_under_way(engine, undo.container)
        how = restore(engine, undo, project, doubt=doubt)
    except (docker.errors.APIError, DrillError) as error:
        return "", Remaining(what=f"{undo.service} is not {undo.want}: {error}", command=command)
    how = back if how == "already" else how
    return (f"{undo.service}: {how}" if how not in ("already", "gone") else ""), None


def _hold(engine: Engine, project: str, faults: Sequence[ArmedFault]) -> None:
    """Keep what may have been asked of the server just before a death from landing afterwards."""
    stops = [fault for fault in faults if fault.fault in STOPPING]
    if not stops:
        return
    until = time.monotonic() + SETTLE_S
    asked = {f.id: labels.number_in(f.spec, "grace", DEFAULT_GRACE_S) for f in stops}
    while time.monotonic() < until:
        for fault in stops:
            if stop_under_way(engine, fault.undo.container):
                until = max(until, time.monotonic() + asked.pop(fault.id, 0.0) + SETTLE_S)
                restore(engine, fault.undo, project, doubt=True)
            else:
                restore(engine, fault.undo, project)
        time.sleep(POLL_S * 5)


def _remove(engine: Engine, entry: dict[str, object]) -> None:
    name = str(entry["Id"])
    api = engine.act.api
    with contextlib.suppress(docker.errors.NotFound):
        if _labels_of(entry).get(labels.ROLE) == "agent":
            with contextlib.suppress(docker.errors.APIError):
                api.stop(name, timeout=1)  # SIGTERM: it reverts, then exits.
            info = engine.inspect(name)
            if info is not None and info["State"]["ExitCode"] != 0:
                _sweep_tables(engine, _labels_of(entry))
        try:
            api.remove_container(name, force=True)
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:  # Its removal is under way already.
                raise


def _sweep_tables(engine: Engine, marks: dict[str, str]) -> None:
    """A killed agent's rules expire by themselves; its empty tables are tidied up here."""
    target = marks.get(labels.FOR)
    if not target or marks.get(labels.RUN) is None:
        return
    with contextlib.suppress(docker.errors.APIError, *SILENCE):
        engine.act.containers.run(
            labels.AGENT_IMAGE,
            ["sweep", marks[labels.RUN]],
            network_mode=f"container:{target}",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN"],
            labels={labels.OF: marks.get(labels.OF, ""), labels.RUN: marks[labels.RUN]},
            remove=True,
        )
