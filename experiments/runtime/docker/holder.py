"""
Who holds a staging, by the labels of the lock container, and whether that drill still lives.

A file's lock only knows this user's drills on this machine. The lock container names the processes
of its drill, so that anybody on the same machine can see whether they run.
"""

import os
import pwd
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from experiments.runtime.docker import labels

Life = Literal["alive", "dead", "unknown"]
AFTER_NAME, START_TIME = ")", 19
"""In /proc/PID/stat: what follows the process's name, and the start time's place in it."""


class Holder(msgspec.Struct, frozen=True):
    """The drill that a lock container stands for."""

    run: str
    who: str
    since: str
    life: Life

    def __str__(self) -> str:
        """Whom a person has to ask."""
        return f"drill {self.run} of {self.who}, since {self.since}"


def written(flock: str, *pids: int) -> dict[str, str]:
    """
    The labels that say who holds it: this user, on this boot of this machine.

    Args:
        flock: Identity of the file lock it holds.
        pids: Its processes; while one of them runs, the drill is alive or is being healed.
    """
    return {
        labels.HOST: socket.gethostname(),
        labels.BOOT: boot_id(),
        labels.FLOCK: flock,
        labels.USER: _user(),
        labels.SPACE: _pid_space(),
        labels.PROCESSES: " ".join(f"{pid}@{_started(pid)}" for pid in pids),
    }


def holder_of(marks: Mapping[str, str], flock: str) -> Holder:
    """
    Read the labels of a lock container.

    Args:
        marks: All of its labels.
        flock: Identity of the file lock that this process holds.
    """
    user, host = marks.get(labels.USER, "somebody"), marks.get(labels.HOST, "an unknown machine")
    pids = ", ".join(pid for pid, _ in _processes(marks))
    who = f"{user} on {host}" + (f" (process {pids})" if pids else "")
    return Holder(
        run=marks.get(labels.RUN, "unknown"),
        who=who,
        since=marks.get(labels.STARTED, "an unknown time"),
        life=life_of(marks, flock),
    )


def life_of(marks: Mapping[str, str], flock: str) -> Life:
    """Whether the drill of a lock container lives; `unknown` where it cannot be seen from here."""
    if marks.get(labels.BOOT) != boot_id():
        return "dead" if marks.get(labels.HOST) == socket.gethostname() else "unknown"
    if marks.get(labels.FLOCK) == flock:
        return "dead"  # Its file lock is ours now: drill and guardian have both ended.
    if marks.get(labels.SPACE) != _pid_space() or not marks.get(labels.PROCESSES):
        return "unknown"
    return "alive" if any(_runs(pid, begun) for pid, begun in _processes(marks)) else "dead"


def boot_id() -> str:
    """The id of the running kernel's boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _processes(marks: Mapping[str, str]) -> list[tuple[str, str]]:
    pairs = [one.partition("@")[::2] for one in marks.get(labels.PROCESSES, "").split()]
    return [(pid, begun) for pid, begun in pairs if pid.isdigit()]


def _runs(pid: str, begun: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Somebody else's, which is the case that matters here.
    # Where /proc hides others' processes their start is unknown: rather alive than healed away.
    return _started(int(pid)) in {begun, ""}


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot; `ended` for a zombie, empty if not told."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(AFTER_NAME)[2].split()
    return "ended" if fields[0] in {"Z", "X"} else fields[START_TIME]


def _pid_space() -> str:
    """The namespace in which process numbers are counted."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "unknown"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
