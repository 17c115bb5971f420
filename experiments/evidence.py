"""
The containers' logs of the drill's window, kept beside the journal.

No log is ever a reason for a drill to fail: what cannot be read or written is a note.
"""

import re
import time
from collections.abc import Callable, Sequence

import anyio

from drill.errors import told
from drill.events import EvidenceKept, StackSeen
from experiments.recorder import Recorder
from experiments.runtime.ports import Logs
from experiments.runtime.shapes import LogPart, LogWindow
from validators.checks.base import fault_window

LIMIT_BYTES = 256 * 1024
"""Kept of one service at most, whatever its containers wrote."""
LIMIT_S = 6.0
"""All logs together may take so long."""
LEAD_S = 2.0
"""What matters most begins so long before the first fault."""
FOLDER = "evidence/logs"
CUT = "# cut here:"

Write = Callable[[str, bytes], None]
"""Writes a file below the run's folder, by its path from there; may raise OSError."""


class LogKeeper:
    """
    Keeps one file for each service of the stack.

    Args:
        stack: Where the logs are read.

        recorder: Knows what the stack is made of and when the drill and its faults began.

        write: Puts a file into the run's folder.
    """

    def __init__(self, stack: Logs, recorder: Recorder, write: Write) -> None:
        self._stack = stack
        self._recorder = recorder
        self._write = write

    async def keep(self) -> None:
        """Read and write every log; returns within `LIMIT_S` and raises nothing."""
        services = self._containers()
        read: dict[str, str] = {}

        async def one(service: str, containers: Sequence[str]) -> None:
            read[service] = await self._read(service, containers)

        with anyio.move_on_after(LIMIT_S):
            async with anyio.create_task_group() as group:
                for service, containers in services.items():
                    group.start_soon(one, service, containers)
        for service in sorted(services):
            if service not in read:
                self._miss(service, f"the engine gave none within {LIMIT_S:g} s")
            elif read[service]:
                self._put(service, read[service])

    def _containers(self) -> dict[str, list[str]]:
        """Full ids by service: what the stack was before the faults and what it is after them."""
        found: dict[str, list[str]] = {}
        for seen in self._recorder.journal.every(StackSeen):
            for service in seen.services:
                ids = found.setdefault(service.service, [])
                if service.container not in ids:
                    ids.append(service.container)
        return found

    def _window(self, containers: int) -> LogWindow:
        start, journal = self._recorder.start, self._recorder.journal
        broken = fault_window(journal)
        around = start if broken is None else start + max(0.0, broken.start - LEAD_S)
        return LogWindow(
            since=start,
            around=around,
            until=anyio.current_time(),
            limit_bytes=LIMIT_BYTES // containers,
        )

    async def _read(self, service: str, containers: Sequence[str]) -> str:
        """The text of one service's file, empty if none of its containers gave a log."""
        window, text = self._window(len(containers)), ""
        for container in containers:
            try:
                part = await self._stack.log(container, window)
            except Exception as error:  # noqa: BLE001 - a log is never worth a drill
                self._miss(service, told(error))
                continue
            if part is None:
                self._miss(service, f"container {container[:12]} exists no more")
            else:
                text += self._told(service, container, part)
        return text

    def _told(self, service: str, container: str, part: LogPart) -> str:
        zero_s = self._recorder.journal.header.wall_s
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(zero_s))
        head = f"# {service}, container {container[:12]}, from the drill's start at {since} on"
        rows = [f"{head}; secrets are taken out"]
        if part.cut_before:
            rows.append(f"{CUT} {part.cut_before} lines before the fault ({_why()})")
        rows += part.first
        if part.cut_between:
            rows.append(f"{CUT} {part.cut_between} lines ({_why()})")
        rows += part.last
        if not part.complete:
            rows.append(f"{CUT} reading took too long, the end is missing")
        return "".join(f"{row}\n" for row in rows)

    def _put(self, service: str, text: str) -> None:
        path = f"{FOLDER}/{file_name(service)}.log"
        try:
            self._write(path, text.encode("utf-8", "replace"))
        except OSError as error:
            self._miss(service, f"{path}: {error.strerror}")
            return
        rows = text.splitlines()
        lines = sum(not row.startswith("#") for row in rows)
        note = f"{lines} line{'' if lines == 1 else 's'}" if lines else "wrote nothing"
        cut = ", cut to size" if any(row.startswith(CUT) for row in rows) else ""
        kept = EvidenceKept(
            t=self._recorder.t(), kind="log", path=path, subject=service, note=note + cut
        )
        self._recorder.add(kept)

    def _miss(self, service: str, why: str) -> None:
        self._recorder.note(f"no log of {service or 'a container without a service'}: {why}")


def _why() -> str:
    return f"a service may keep {LIMIT_BYTES // 1024} KiB"


def file_name(service: str) -> str:
    """A service's name as a file's, whatever its label says."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", service).lstrip(".") or "unnamed"
