"""One load with a journal on disk, as a drill has it."""

import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec

from drill.journal import Journal, read_journal
from drill.payments import Told
from experiments.load.purchases import Purchase, plan_purchases
from experiments.load.running import LoadPlan, LocustLoad
from experiments.load.spawned import opened_load
from experiments.recorder import Recorder
from experiments.runtime.journal_file import JournalFile
from tests.experiments.conftest import header
from tests.experiments.load.conftest import Town

SALE = {"creator-pass": True, "lore-pack": False}
WITHIN_S = 60.0


def quick(purchase: Purchase) -> Purchase:
    """The same purchase by somebody who hardly thinks."""
    wait = min(purchase.wait_s, 0.3)
    return msgspec.structs.replace(purchase, thinks_s=(0.01,), wait_s=wait)


def plan_for(town: Town, count: int, *, customers: int = 8, workers: int = 1) -> LoadPlan:
    return LoadPlan(
        run=f"r-{os.getpid()}-{time.monotonic_ns()}",
        seed=7,
        customers=customers,
        workers=workers,
        purchases=[quick(one) for one in plan_purchases(7, SALE, count)],
        site=town.site,
        domain="drill.test",
    )


class Run:
    """One load with a journal on disk, as a drill has it."""

    def __init__(self, town: Town, folder: Path, plan: LoadPlan) -> None:
        self.town, self.folder, self.plan = town, folder, plan
        self.sink = JournalFile(folder / "journal.jsonl")

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[LocustLoad]:
        self.recorder = Recorder(self.sink, anyio.current_time())
        self.recorder.add(header())
        try:
            async with opened_load(self.plan, self.recorder, self.plan.run, self.folder) as load:
                yield load
        finally:
            self.sink.close()

    @property
    def journal(self) -> Journal:
        with self.sink.path.open("rb") as lines:
            return read_journal(lines)

    async def until_finished(self, count: int) -> None:
        """Until so many intents have a last word that is theirs."""
        with anyio.fail_after(WITHIN_S):
            while len({one.intent for one in self.recorder.journal.every(Told)}) < count:
                await anyio.sleep(0.05)


def marked(run: str) -> list[int]:
    """Processes of a run, by the variable that the guardian looks for."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                variables = (folder / "environ").read_bytes().split(b"\0")
                if f"DRILL_RUN={run}".encode() in variables:
                    found.append(int(folder.name))
    return found
