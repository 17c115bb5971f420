"""One drill at a time: a name on the engine and a file's lock on this machine."""

import contextlib
import fcntl
import os
import re
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import cast

import docker.errors

from drill.errors import StagingBusy, Unhealed
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.guardians import guardians, remove_guardian
from experiments.runtime.docker.holder import holder_of, written
from experiments.runtime.shapes import RunInfo

GUARDIAN_WAIT_S = 30.0
GRACE_S = 1.0
STEP_BACK_S = 0.1


class FileLock:
    """An flock that the guardian inherits: it is free only when drill and guardian have ended."""

    def __init__(self, engine_id: str, project: str) -> None:
        folder = Path(tempfile.gettempdir()) / f"vauntico-drills-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{engine_id}-{project}.lock")
        self.path = folder / name
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        found = os.fstat(self.fd)
        self.identity = f"{self.path}:{found.st_dev}:{found.st_ino}"

    def take(self) -> None:
        """
        Take it, waiting for a guardian at work but not for a living drill.

        Raises:
            StagingBusy: Somebody keeps it.
        """
        begun = time.monotonic()
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            waited_s = time.monotonic() - begun
            held = self.holder()
            healing = held.startswith("healing")
            if waited_s > (GUARDIAN_WAIT_S if healing else GRACE_S):
                os.close(self.fd)
                raise StagingBusy(f"this staging is held by {held or 'another drill'}; wait for it")
            time.sleep(0.05)

    def step_back(self, pause_s: float) -> None:
        """
        Let a guardian that waits for it have it, then take it again.

        Raises:
            StagingBusy: Somebody keeps it.
        """
        fcntl.flock(self.fd, fcntl.LOCK_UN)
        time.sleep(pause_s)
        self.take()

    def holder(self) -> str:
        """What its holder wrote."""
        return os.pread(self.fd, 500, 0).decode(errors="replace").strip()

    def say(self, text: str) -> None:
        """Write who holds it, for the next one to read."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, text.encode(), 0)

    def close(self) -> None:
        """Give it back, as far as this process goes."""
        os.close(self.fd)


def refuse_living(engine: Engine, project: str, flock: FileLock, command: str) -> None:
    """
    With our file lock held: a drill of another user or machine may still hold the lock container.

    Raises:
        StagingBusy: It lives, or nothing here shows that it is dead; says who and the way out.
    """
    for entry in engine.listed(f"{labels.OF}={project}", f"{labels.ROLE}=lock"):
        holder = holder_of(entry["Labels"], flock.identity)
        force = f"{command} --force"
        if holder.life == "alive":
            raise StagingBusy(
                f"this staging is held by {holder}, and it is alive: wait for it or ask them to"
                f" stop it; to heal it away under their hands: {force}"
            )
        if holder.life == "unknown":
            raise StagingBusy(
                f"this staging is held by {holder}, and from here nobody can see whether it lives;"
                f" if it is dead: {force}"
            )


def let_guardian_finish(engine: Engine, project: str, flock: FileLock) -> None:
    """
    Wait for a dead drill's guardian container, over which we may have won the file's lock.

    Of guardians that ended, those that left nothing else behind are removed.

    Raises:
        StagingBusy: It keeps the lock for longer than `GUARDIAN_WAIT_S`.
    """
    asked = (project, f"{labels.FLOCK}={flock.identity}")
    until = time.monotonic() + GUARDIAN_WAIT_S
    while found := guardians(engine, *asked):
        if all(entry["State"] in ("created", "exited", "dead") for entry in found):
            break
        if time.monotonic() > until:
            return
        flock.step_back(STEP_BACK_S)
    if len(found) == len(engine.listed(f"{labels.OF}={project}")):
        for entry in found:
            remove_guardian(engine, project, entry["Labels"][labels.RUN])


def refuse_leftovers(engine: Engine, project: str, flock: FileLock, command: str) -> None:
    """
    With our file lock held: whatever is there belongs to a dead drill, or to somebody elsewhere.

    Raises:
        StagingBusy: A drill of another machine, user or checkout holds the lock container.
        Unhealed: A drill that died left something; the message has the command.
    """
    refuse_living(engine, project, flock, command)
    found = engine.listed(f"{labels.OF}={project}")
    if found:
        left = ", ".join(sorted(_told(entry) for entry in found))
        raise Unhealed(f"a drill that died left {left}; heal it with: {command}")


def _told(entry: dict[str, object]) -> str:
    marks = cast("dict[str, str]", entry["Labels"])
    faults = [f"{f.fault} on {f.undo.service}" for f in labels.faults_on(marks)]
    act = labels.act_on(marks)
    faults += [f"act {act.id} {act.undo}"] if act else []
    return f"{marks.get(labels.ROLE)} of {marks.get(labels.RUN)} {' '.join(faults)}".strip()


def create_lock(engine: Engine, run: RunInfo, flock: FileLock, guardian: tuple[int, ...]) -> str:
    """
    Take the name on the engine; the container is never started. *guardian*: its processes.

    Raises:
        StagingBusy: The name is taken.
    """
    marks = labels.written(run.run, run.project, "lock", ())
    marks |= written(flock.identity, os.getpid(), *guardian)
    marks[labels.STARTED] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        made = engine.act.api.create_container(
            labels.AGENT_IMAGE, ["idle"], name=labels.lock_name(run.project), labels=marks
        )
    except docker.errors.APIError as error:
        if error.status_code == HTTPStatus.CONFLICT:
            raise StagingBusy(f"another drill just took {labels.lock_name(run.project)}") from error
        raise
    return str(made["Id"])
