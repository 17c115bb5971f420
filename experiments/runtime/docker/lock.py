"""One drill at a time: a name on the engine, a file's lock on this machine, and a guardian."""

import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import cast

import docker.errors

from drill.errors import StagingBusy, Unhealed, Unsure
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.holder import holder_of, written
from experiments.runtime.ports import RunInfo

GUARDIAN_WAIT_S = 30.0
BYE_LIMIT_S = 10.0
GRACE_S = 1.0
ROOT = Path(__file__).parents[3]


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
    return f"{marks.get(labels.ROLE)} of {marks.get(labels.RUN)} {' '.join(faults)}".strip()


def create_lock(engine: Engine, run: RunInfo, flock: FileLock, guardian: int) -> str:
    """
    Take the name on the engine; the container is never started.

    Raises:
        StagingBusy: The name is taken.
    """
    marks = labels.written(run.run, run.project, "lock", ())
    marks |= written(flock.identity, os.getpid(), guardian)
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


class Guardian:
    """The detached process that heals when this one dies."""

    def __init__(self, run: RunInfo, pinned: str, lock_fd: int) -> None:
        told = {
            "run": run.run,
            "project": run.project,
            "directory": run.directory,
            "engine": pinned,
            "lock_fd": lock_fd,
        }
        environment = {k: v for k, v in os.environ.items() if k != "DRILL_RUN"}
        environment["PYTHONPATH"] = str(ROOT)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "experiments.runtime.guardian", json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock_fd,),
            start_new_session=True,
            env=environment,
            cwd=ROOT,
        )
        self.pid = self._process.pid

    def bye(self) -> None:
        """
        Say that all is well and wait until it has gone.

        Raises:
            Unsure: It does not go.
        """
        try:
            self._process.communicate(b"bye\n", timeout=BYE_LIMIT_S)
        except (subprocess.TimeoutExpired, BrokenPipeError) as error:
            raise Unsure(f"the guardian (process {self.pid}) did not end: {error}") from error
