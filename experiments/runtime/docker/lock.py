"""One drill at a time: a name on the engine, a file's lock on this machine, and a guardian."""

import contextlib
import fcntl
import json
import os
import re
import socket
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
from experiments.runtime.ports import RunInfo

GUARDIAN_WAIT_S = 30.0
BYE_LIMIT_S = 10.0
GRACE_S = 1.0
ROOT = Path(__file__).parents[3]


def boot_id() -> str:
    """The id of the running kernel's boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


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


def refuse_leftovers(engine: Engine, project: str, flock: FileLock, command: str) -> None:
    """
    With our file lock held: whatever is there belongs to a dead drill, or to somebody elsewhere.

    Raises:
        StagingBusy: A drill of another machine, user or checkout holds the lock container.
        Unhealed: A drill that died left something; the message has the command.
    """
    found = engine.listed(f"{labels.OF}={project}")
    for entry in found:
        marks = entry["Labels"]
        if marks.get(labels.ROLE) != "lock":
            continue
        same_boot = marks.get(labels.BOOT) == boot_id()
        here = marks.get(labels.HOST) == socket.gethostname()
        dead = marks.get(labels.FLOCK) == flock.identity if same_boot else here
        if not dead:
            raise StagingBusy(
                f"drill {marks.get(labels.RUN)} on {marks.get(labels.HOST)} holds this staging"
                f" since {marks.get(labels.STARTED)}; if it is dead: {command}"
            )
    if found:
        left = ", ".join(sorted(_told(entry) for entry in found))
        raise Unhealed(f"a drill that died left {left}; heal it with: {command}")


def _told(entry: dict[str, object]) -> str:
    marks = cast("dict[str, str]", entry["Labels"])
    faults = [f"{f.fault} on {f.undo.service}" for f in labels.faults_on(marks)]
    act = labels.act_on(marks)
    faults += [f"act {act.id} {act.undo}"] if act else []
    return f"{marks.get(labels.ROLE)} of {marks.get(labels.RUN)} {' '.join(faults)}".strip()


def create_lock(engine: Engine, run: RunInfo, flock: FileLock) -> str:
    """
    Take the name on the engine; the container is never started.

    Raises:
        StagingBusy: The name is taken.
    """
    marks = labels.written(run.run, run.project, "lock", ())
    marks |= {
        labels.HOST: socket.gethostname(),
        labels.BOOT: boot_id(),
        labels.FLOCK: flock.identity,
        labels.STARTED: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
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
