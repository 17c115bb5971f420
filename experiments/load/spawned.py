"""The generator as a real process: its pipes, its end, and what ends it when the drill is dead."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc

from drill.errors import BadInput
from experiments.load.running import LoadPlan, LocustLoad
from experiments.recorder import Recorder

ROOT = Path(__file__).resolve().parents[2]
MODULE = "experiments.load.generator"
RUN_VARIABLE = "DRILL_RUN"
"""By this the guardian finds what a dead drill has left; workers inherit it."""
END_LIMIT_S = 5.0
LOG = "load.log"


class Process:
    """
    One generator.

    It is in a session of its own, so that Ctrl-C reaches only the drill, which then stops it in
    order. When the drill dies its stdin ends, and it ends with it.
    """

    def __init__(
        self,
        process: anyio.abc.Process,
        stdin: anyio.abc.ByteSendStream,
        stdout: anyio.abc.ByteReceiveStream,
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout

    @property
    def pid(self) -> int:
        """Of the process; its workers are in the same session."""
        return self._process.pid

    async def send(self, line: bytes) -> None:
        await self._stdin.send(line)

    async def receive(self) -> bytes:
        return await self._stdout.receive()

    async def end(self) -> str:
        """Close its stdin, wait a little, then kill it and its workers."""
        await self._stdin.aclose()
        with anyio.move_on_after(END_LIMIT_S):
            await self._process.wait()
            return ""
        # Its own session: workers too. It has not been waited for, so the number is still its own.
        os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()
        return f"the generator (process {self.pid}) did not end by itself and was killed"

    async def close(self) -> None:
        await self._process.aclose()


def environment_for(run: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the generator's processes."""
    return {**environ, RUN_VARIABLE: run, "PYTHONPATH": str(ROOT)}


async def start_process(run: str, log: Path) -> Process:
    """Start a generator that writes its own complaints to *log*; raises BadInput if it cannot."""
    try:
        with log.open("ab") as complaints:
            process = await anyio.open_process(
                [sys.executable, "-m", MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd=ROOT,
                env=environment_for(run, os.environ),
                start_new_session=True,
            )
    except OSError as error:
        raise BadInput(f"the load cannot be started: {error}") from None
    if process.stdin is None or process.stdout is None:
        raise BadInput("the load cannot be started: no pipes")
    return Process(process, process.stdin, process.stdout)


@asynccontextmanager
async def opened_load(
    plan: LoadPlan, recorder: Recorder, run: str, directory: Path
) -> AsyncIterator[LocustLoad]:
    """
    A load that is stopped however the drill ends.

    Args:
        plan: Who the customers are.
        recorder: The one writer.
        run: Which drill it is, by which the guardian finds the generator.
        directory: The run's folder.
    """
    async with anyio.create_task_group() as group:
        load = LocustLoad(plan, recorder, lambda: start_process(run, directory / LOG), group)
        try:
            yield load
        finally:
            await load.stop()
            group.cancel_scope.cancel()
