"""Where a run is kept, and where it came from: its folder, its journal, its header."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import anyio

from drill.errors import BadInput, DrillError
from drill.events import Header
from experiments.runtime.journal_file import JournalFile

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "reports" / "runs"
FREE_BYTES_NEEDED = 64 * 1024 * 1024


@contextmanager
def new_run(directory: Path) -> Iterator[JournalFile]:
    """The run's folder with its journal; a drill that never began leaves no folder behind."""
    refuse_full_disk(directory.parent)
    sink = JournalFile(directory / "journal.jsonl")
    try:
        yield sink
    except DrillError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    finally:
        sink.close()


def writer(directory: Path) -> Callable[[str, bytes], None]:
    """What writes a file below a run's folder, by its path from there; it may raise OSError."""

    def write(path: str, content: bytes) -> None:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    return write


def refuse_full_disk(folder: Path) -> None:
    """Raise BadInput when the journal of a drill would not fit below *folder*."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        room = os.statvfs(folder)
    except OSError as error:
        raise BadInput(f"{folder}: runs cannot be kept there: {error.strerror}") from None
    free = room.f_bavail * room.f_frsize
    if free < FREE_BYTES_NEEDED:
        raise BadInput(
            f"{folder}: the disk is full ({free // 2**20} MiB free); a drill needs "
            f"{FREE_BYTES_NEEDED // 2**20} MiB for its journal: make room, nothing was touched"
        )


def run_id(name: str) -> str:
    """`<UTC start>-<scenario>`, the name of the run's folder and of everything it leaves."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return f"{stamp}-{Path(name).stem}"


def provenance(  # noqa: PLR0913 - a header has that many facts
    run: str,
    *,
    scenario: str,
    title: str,
    project: str,
    command: str,
    seed: int = 0,
    severity: int = 0,
    time_scale: float = 1.0,
) -> Header:
    """The header of a journal: what was run, from which commit, on which boot, when."""
    commit, dirty = _commit()
    return Header(
        t=0.0,
        id=run,
        scenario=scenario,
        title=title,
        environment="staging",
        project=project,
        harness=version("vauntico-drills"),
        commit=commit,
        dirty=dirty,
        command=command,
        seed=seed,
        severity=severity,
        wall_s=time.time(),
        mono_s=anyio.current_time(),
        boot_id=_boot_id(),
        time_scale=time_scale,
    )


def _commit() -> tuple[str, bool]:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return "unknown", False


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words
        ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - the user's own git
        capture_output=True,
        check=True,
        text=True,
        timeout=5,
    )
    return done.stdout.strip()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
