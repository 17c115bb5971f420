"""The team's own commands: bounded in time and output, redacted, and gone with the drill."""

import os
import re
import shlex
import signal
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import cast

import anyio
import anyio.abc
import msgspec

from drill.errors import DrillError, Unsure
from experiments.runtime.guardian import end_marked

KEPT_BYTES = 8000
"""So much of a command's output is kept, its end."""
TOLD_LINES = 12
EXIT_LIMIT_S = 5.0
SWEEPS, CLEAN_SWEEPS, SWEEP_PAUSE_S = 100, 2, 0.02
MARK = "DRILL_COMMAND"
HIDDEN = "[hidden]"
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)|\b[sp]k_(?:live|test)_\w+|\bgh[pousr]_\w+"
)
SHORTEST_SECRET = 6
GIT_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_EDITOR": "true",
    "GIT_PAGER": "cat",
}


class Ran(msgspec.Struct, frozen=True):
    """How a command ended and the end of what it printed, both streams in the order they came."""

    command: str
    code: int
    output: str

    @property
    def told(self) -> str:
        """`exit 0: Everything up-to-date`, its last lines."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return f"exit {self.code}: " + ("; ".join(lines[-TOLD_LINES:]) or "nothing printed")


class Commands:
    """
    Runs commands for one drill.

    Args:
        run: The drill's id; whatever still runs when the drill dies is ended by it.

        secrets: Values that must not appear in any output.
    """

    def __init__(self, run: str, secrets: Sequence[str] = ()) -> None:
        self._run = run
        named = [value for name, value in os.environ.items() if SECRET_NAME.search(name)]
        known = {value for value in (*secrets, *named) if len(value) >= SHORTEST_SECRET}
        self._secrets = sorted(known, key=len, reverse=True)

    async def run(
        self,
        command: str | Sequence[str],
        limit_s: float,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """
        Run one command to its end, with nobody at its terminal.

        Args:
            command: A line for the shell, or the words of one program.
            limit_s: Real seconds; then it and all it started are killed.
            cwd: Where it runs.
            env: Variables on top of this process's own; none of git's is inherited.

        Raises:
            Unsure: It took too long, or cannot be started.
        """
        mark = uuid.uuid4().hex
        told = self.redacted(command if isinstance(command, str) else shlex.join(command))
        variables = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        variables |= {**GIT_QUIET, **(env or {}), "DRILL_RUN": self._run, MARK: mark}
        try:
            process = await anyio.open_process(
                command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                cwd=cwd,
                env=variables,
                start_new_session=True,
            )
        except OSError as error:
            raise Unsure(f"`{told}` cannot be started: {error.strerror}") from None
        kept = bytearray()
        try:
            with anyio.move_on_after(limit_s) as scope:
                await _to_its_end(process, kept, mark)
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process, mark)
        output = self.redacted(kept.decode(errors="replace"))
        if scope.cancelled_caught:
            lines = output.strip().splitlines()[-1:]
            raise Unsure(f"`{told}` did not end within {limit_s:g} s; its last words: {lines}")
        return Ran(told, process.returncode if process.returncode is not None else -1, output)

    def redacted(self, text: str) -> str:
        """The text without secrets, as far as they can be known."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return SECRET_TEXT.sub(HIDDEN, text)


async def _to_its_end(process: anyio.abc.Process, kept: bytearray, mark: str) -> None:
    async with anyio.create_task_group() as group:
        # It was started with a pipe, so there is something to read.
        group.start_soon(_drain, cast("anyio.abc.ByteReceiveStream", process.stdout), kept)
        await process.wait()
        # Something it left in the background may hold its output open for ever.
        await _end_marked(mark)


async def _drain(output: anyio.abc.ByteReceiveStream, kept: bytearray) -> None:
    async for chunk in output:
        kept += chunk
        del kept[:-KEPT_BYTES]


async def _end(process: anyio.abc.Process, mark: str) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await _end_marked(mark)
    with anyio.move_on_after(EXIT_LIMIT_S):
        await process.wait()
    await process.aclose()


async def _end_marked(mark: str) -> None:
    """Sweep until nothing is found twice in a row: what is just being started may be missed."""
    clean = 0
    for _ in range(SWEEPS):
        found = await anyio.to_thread.run_sync(end_marked, f"{MARK}={mark}")
        clean = 0 if found else clean + 1
        if clean == CLEAN_SWEEPS:
            return
        await anyio.sleep(SWEEP_PAUSE_S)


def succeeded(ran: Ran) -> Ran:
    """
    Give back a command that ended with 0.

    Raises:
        DrillError: It did not; the text has its last lines.
    """
    if ran.code != 0:
        raise DrillError(f"`{ran.command}` failed: {ran.told}")
    return ran
