"""
How commands find a running drill: a file of its own, readable by its user alone.

It lies in `$XDG_RUNTIME_DIR/vauntico-drills`, or in `vauntico-drills-<uid>` of the folder for
temporary files, and is gone when the drill ends. A drill that was killed leaves it: process,
start of the process and boot tell that nobody is there any more.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from drill.errors import BadInput

SIZE_LIMIT = 16 * 1024
PRIVATE = 0o077
STARTED_FIELD = 19
"""Of `/proc/<pid>/stat`, counted from behind the command's closing bracket."""


class Whereabouts(msgspec.Struct, frozen=True):
    """Where a drill listens; *token* is its secret. *started* is in the kernel's ticks."""

    run: str
    url: str
    token: str
    pid: int
    boot_id: str
    started: str


def me(run: str, url: str, token: str) -> Whereabouts:
    """Describe this process."""
    pid = os.getpid()
    return Whereabouts(run, url, token, pid, _boot_id(), _started(pid))


@contextlib.contextmanager
def announced(where: Whereabouts) -> Iterator[Path]:
    """
    Write the file while the body runs.

    Raises:
        BadInput: The folder or the file is not safely ours.
    """
    path = folder(make=True) / f"{where.run}.json"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(path, flags, 0o600)
    except OSError as error:
        raise BadInput(f"{path}: commands cannot find the drill: {error.strerror}") from None
    try:
        with os.fdopen(file, "wb") as out:
            out.write(msgspec.json.encode(where))
        yield path
    finally:
        path.unlink(missing_ok=True)


def find(run: str = "") -> Whereabouts:
    """
    Find the drill that runs, or the one that *run* names.

    Raises:
        BadInput: None runs, or several do, or the file is not safely ours; says the way out.
    """
    known = list(_read_all())
    alive = [where for where in known if _alive(where)]
    wanted = [where for where in alive if run in {"", where.run}]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(where.run for where in alive)
    if wanted:
        raise BadInput(f"several drills are running: {names}; name one with --run")
    if alive:
        raise BadInput(f"no drill '{run}' is running; there is {names}")
    dead = [where for where in known if run in {"", where.run}]
    if dead:
        last = dead[-1]
        raise BadInput(
            f"no drill is running: {last.run} (process {last.pid}) died without a word; "
            "look with: drill heal"
        )
    raise BadInput("no drill with a live page is running; start one with: drill run --game-day")


def folder(*, make: bool = False) -> Path:
    """
    Give the folder for these files.

    Raises:
        BadInput: It is somebody else's, a symbolic link, or open to others.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    path = Path(tempfile.gettempdir()) / f"vauntico-drills-{os.getuid()}"
    if base.is_absolute() and _ours(base):
        path = base / "vauntico-drills"
    try:
        if make:
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
        path.lstat()
    except FileNotFoundError:
        return path
    except OSError as error:
        raise BadInput(f"{path}: cannot be used: {error.strerror}") from None
    if not _ours(path):
        raise BadInput(
            f"{path} is not safely yours: it must be a folder of your own with mode 0700; remove it"
        )
    return path


def _ours(path: Path) -> bool:
    """Whether it is a folder, no link, of this user, closed to all others."""
    try:
        found = path.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.getuid() and not found.st_mode & PRIVATE
    return mine and stat.S_ISDIR(found.st_mode)


def _read_all() -> Iterator[Whereabouts]:
    """Yield what is written there, the oldest first; what is not safely ours is passed over."""
    for path in sorted(folder().glob("*.json")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(file, "rb") as source:
                found = os.fstat(file)
                mine = found.st_uid == os.getuid() and not found.st_mode & PRIVATE
                if mine and stat.S_ISREG(found.st_mode):
                    yield msgspec.json.decode(source.read(SIZE_LIMIT), type=Whereabouts)


def _alive(where: Whereabouts) -> bool:
    """Whether that very process still runs: numbers are given out again."""
    return where.boot_id == _boot_id() and _started(where.pid) == where.started


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _started(pid: int) -> str:
    """When the process started, empty if there is none; a zombie runs no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[STARTED_FIELD]
