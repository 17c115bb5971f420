"""The guardian, started as a process of its own or as a container that outlives the whole job."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import docker.errors
from docker.types import LogConfig, Mount

from drill.errors import BadInput, Unsure
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import SILENCE, Engine
from experiments.runtime.docker.frames import FrameReader
from experiments.runtime.shapes import RunInfo
from experiments.runtime.supervisor import CHOICE, guardian_kind

BYE_LIMIT_S = 10.0
READY_LIMIT_S = 20.0
READY = b"ready"
CHUNK = 65536
MODULE = "experiments.runtime.guardian"
HOST = "/host"
ROOT = Path(__file__).parents[3]


class Guardian(Protocol):
    """Heals when the drill dies."""

    @property
    def processes(self) -> tuple[int, ...]:
        """Its processes on this machine; none if it is a container, which speaks for itself."""

    def bye(self) -> None:
        """
        Say that all is well and wait until it has gone.

        Raises:
            Unsure: It does not go.
        """


def start_guardian(engine: Engine, run: RunInfo, lock: Path, lock_fd: int) -> Guardian:
    """
    Start the guardian that survives here; it is on its watch when this returns.

    Raises:
        BadInput: It must be a container, and that cannot be had.
    """
    cgroup = ""
    with contextlib.suppress(OSError):
        cgroup = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    chosen = guardian_kind(os.environ, cgroup)
    if chosen.kind == "process":
        return ProcessGuardian(engine, run, lock_fd)
    try:
        return ContainerGuardian(engine, run, lock, lock_fd)
    except (docker.errors.DockerException, Unsure, *SILENCE) as error:
        remove_guardian(engine, run.project, run.run)
        raise BadInput(
            f"the guardian must be a container here ({chosen.why}), and that cannot be had:"
            f" {error}; nothing was touched. {CHOICE}=process does without: then a job killed as a"
            f" whole leaves staging to `{run.heal}`"
        ) from error


def _told(engine: Engine, run: RunInfo) -> dict[str, object]:
    return {
        "run": run.run,
        "project": run.project,
        "directory": str(Path(run.directory).resolve()),
        "engine": engine.id,
    }


class ProcessGuardian:
    """A detached process; it inherits the file lock and learns of the death by its stdin's end."""

    def __init__(self, engine: Engine, run: RunInfo, lock_fd: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "DRILL_RUN"}
        environment["PYTHONPATH"] = str(ROOT)
        told = _told(engine, run) | {"lock_fd": lock_fd}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", MODULE, json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock_fd,),
            start_new_session=True,
            env=environment,
            cwd=ROOT,
        )
        self.pid = self._process.pid

    @property
    def processes(self) -> tuple[int, ...]:
        return (self.pid,)

    def bye(self) -> None:
        try:
            self._process.communicate(b"bye\n", timeout=BYE_LIMIT_S)
        except (subprocess.TimeoutExpired, BrokenPipeError) as error:
            raise Unsure(f"the guardian (process {self.pid}) did not end: {error}") from error


class ContainerGuardian:
    """
    The same guardian with the same interpreter and files, in a container.

    It runs changed-root in this machine's own file system, mounted read-only but for the run's
    folder and the lock's, so that there is no second copy of the code that heals. It waits for the
    file lock, which the kernel gives it when the drill is dead. The engine starts it anew after a
    restart of the engine itself.
    """

    def __init__(self, engine: Engine, run: RunInfo, lock: Path, lock_fd: int) -> None:
        if not engine.where.startswith("unix://"):
            raise Unsure(f"the engine at {engine.where} does not share this machine's files")
        self._engine = engine
        self._run = run
        found = os.fstat(lock_fd)
        told = _told(engine, run)
        told |= {"lock": str(lock.resolve()), "lock_is": f"{found.st_dev}:{found.st_ino}"}
        writable = [Path(str(told["directory"])), lock.resolve().parent]
        socket = Path(engine.where.removeprefix("unix://"))
        api = engine.act.api
        marks = labels.written(run.run, run.project, "guardian", ())
        made = api.create_container(
            labels.AGENT_IMAGE,
            entrypoint=["chroot", HOST, sys.executable, "-B", "-m", MODULE, json.dumps(told)],
            environment={"PYTHONPATH": str(ROOT), "DOCKER_HOST": engine.where},
            labels=marks | {labels.FLOCK: f"{lock}:{told['lock_is']}"},
            host_config=api.create_host_config(
                network_mode="none",
                cap_drop=["ALL"],
                cap_add=["SYS_CHROOT", "DAC_OVERRIDE"],
                security_opt=["label=disable"],
                restart_policy={"Name": "on-failure"},
                log_config=LogConfig(type="none", config={}),
                mounts=mounts([*_needed(), socket], writable, mount_points()),
            ),
        )
        self._await_ready(str(made["Id"]))

    def _await_ready(self, container: str) -> None:
        api = self._engine.act.api
        streams = {"stdout": 1, "stderr": 1, "stream": 1}
        attached: Any = api.attach_socket(container, params=streams)
        try:
            api.start(container)
            lines = _lines(getattr(attached, "_sock", attached))
        finally:
            attached.close()
        if READY not in lines:
            said = b" ".join(lines[-1:]).decode(errors="replace")
            raise Unsure(f"it said {said!r}" if said else f"silent for {READY_LIMIT_S:g} s")

    @property
    def processes(self) -> tuple[int, ...]:
        return ()

    def bye(self) -> None:
        try:
            remove_guardian(self._engine, self._run.project, self._run.run)
        except (docker.errors.DockerException, *SILENCE) as error:
            raise Unsure(f"the guardian of {self._run.run} did not end: {error}") from error


def _lines(stream: Any) -> list[bytes]:  # noqa: ANN401 - docker-py's socket, whatever kind
    """What a starting guardian says, until it is ready, ends, or the time is over."""
    reader, lines = FrameReader(), list[bytes]()
    until = time.monotonic() + READY_LIMIT_S
    with contextlib.suppress(TimeoutError):
        while READY not in lines and (left_s := until - time.monotonic()) > 0:
            stream.settimeout(left_s)
            data = stream.recv(CHUNK)
            if not data:
                break
            lines += [line for _, line in reader.feed(data)]
    return lines


def _needed() -> Iterable[Path]:
    """Everything that our interpreter reads, and where symbolic links lead."""
    yield from (ROOT, Path(sys.executable), Path(sys.prefix), Path(sys.base_prefix), Path("/usr"))
    yield from (Path(entry) for entry in sys.path if entry)


def mount_points() -> Sequence[Path]:
    """Where something is mounted on this machine."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    escaped = (line.split(" ")[4] for line in lines)
    return [Path(text.encode().decode("unicode_escape")) for text in escaped]


def mounts(needed: Iterable[Path], writable: Sequence[Path], points: Iterable[Path]) -> list[Mount]:
    """
    The mounts through which *needed* can be read below `HOST`, and *writable* folders written.

    Each file system on the way is mounted without those below it: nothing else of the machine is
    seen, and no other container's file system is kept from being unmounted.
    """
    wanted = {place for path in [*needed, *writable] for place in (path.absolute(), path.resolve())}
    shown = {point for point in points if any(place.is_relative_to(point) for place in wanted)}
    made = [_mount(point, read_only=True) for point in sorted(shown - set(writable))]
    return made + [_mount(folder, read_only=False) for folder in writable]


def _mount(path: Path, *, read_only: bool) -> Mount:
    target = HOST if path == Path("/") else f"{HOST}{path}"
    mount = Mount(target, str(path), type="bind", read_only=read_only)
    mount["BindOptions"] = {"NonRecursive": True}
    return mount


def guardians(engine: Engine, project: str, *filters: str) -> Sequence[dict[str, Any]]:
    """The containers that are guardians of *project*, running or not."""
    return engine.listed(f"{labels.OF}={project}", f"{labels.ROLE}=guardian", *filters)


def remove_guardian(engine: Engine, project: str, run: str) -> None:
    """Remove the container of one drill's guardian, if it has one."""
    for entry in guardians(engine, project, f"{labels.RUN}={run}"):
        with contextlib.suppress(docker.errors.NotFound):
            engine.act.api.remove_container(entry["Id"], force=True)
