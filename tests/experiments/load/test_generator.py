"""Real Locust in its own process, against a small real shop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import anyio
import msgspec
import pytest

from drill.events import Header
from drill.payments import Begun, Intended, LoadEnded, LoadPlanned, LoadSample, Told
from experiments.runtime.guardian import end_marked
from tests.experiments.load.conftest import Town
from tests.experiments.load.loads import WITHIN_S, Run, marked, plan_for

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.thorough), 2])
async def test_every_intent_is_bought_once_and_told(
    town: Town, tmp_path: Path, workers: int
) -> None:
    """
    Intents are in the journal before the load; each is begun once, by one worker, and has its word.
    """
    run = Run(town, tmp_path, plan_for(town, 40, workers=workers))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(40)
        await load.drain()
        await load.stop()
    journal = run.journal

    intents = [one.id for one in journal.every(Intended)]
    assert len(intents) == 40
    kinds = [type(one) for one in journal.events]
    assert kinds[:42] == [Header, LoadPlanned, *[Intended] * 40]
    underpaid = {one.id for one in journal.every(Intended) if one.stratum == "underpaid"}
    begun = Counter(one.intent for one in journal.every(Begun))
    assert begun == Counter(set(intents) - underpaid)
    assert {one.intent for one in journal.every(Told)} == set(intents)
    assert max(town.shop.captures.values()) == 1
    assert len(town.shop.agents) == workers
    ended = journal.first(LoadEnded)
    assert ended is not None
    assert (ended.begun, ended.finished, ended.cut) == (len(begun), len(begun), 0)


async def test_the_load_tells_what_it_did(town: Town, tmp_path: Path) -> None:
    """
    Samples come once a second, on the drill's own clock, with requests and latencies in them.
    """
    run = Run(town, tmp_path, plan_for(town, 20))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(20)
        with anyio.fail_after(WITHIN_S):
            while sum(1 for _ in run.recorder.journal.every(LoadSample)) < 3:
                await anyio.sleep(0.05)
        await load.stop()
        end = run.recorder.t()
    samples = list(run.journal.every(LoadSample))

    assert all(0 < one.t < end for one in samples)
    assert sum(one.requests for one in samples) > 60
    assert max(one.p95_ms for one in samples) > 0
    assert max(one.cpu_ratio for one in samples) > 0


async def test_without_purchases_customers_look_around(town: Town, tmp_path: Path) -> None:
    """
    A load of no purchases uses pages and features, and buys nothing.
    """
    run = Run(town, tmp_path, plan_for(town, 0, customers=3))
    async with run.opened() as load:
        await load.start()
        with anyio.fail_after(WITHIN_S):
            while town.shop.seen["/api"] < 2:
                await anyio.sleep(0.05)
        await load.drain()
        await load.stop()
    ended = run.journal.first(LoadEnded)
    assert ended is not None

    assert (ended.begun, ended.finished, ended.cut) == (0, 0, 0)
    assert town.shop.seen["/buy"] == 0


async def test_a_drained_load_begins_nothing_and_lets_purchases_end(
    town: Town, tmp_path: Path
) -> None:
    """
    After the drain no purchase begins, those under way are finished, the others are `unsent`.
    """
    run = Run(town, tmp_path, plan_for(town, 200, customers=4))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(10)
        await load.drain()
        drained = run.recorder.t()
        await load.stop()
    journal = run.journal
    ended = journal.first(LoadEnded)
    assert ended is not None

    assert 0 < ended.begun < 200
    assert (ended.finished, ended.cut) == (ended.begun, 0)
    assert all(one.t < drained for one in journal.every(Begun))
    begun = {one.intent for one in journal.every(Begun)}
    for one in journal.every(Told):
        assert one.intent in begun or one.said == "unsent"
    assert {one.intent for one in journal.every(Told)} == {f"i{n}" for n in range(1, 201)}


async def test_a_load_that_is_stopped_cuts_purchases_off(town: Town, tmp_path: Path) -> None:
    """
    A stop waits for nobody: who was in the middle is `never`, and the generator is gone.
    """
    run = Run(town, tmp_path, plan_for(town, 40, customers=4))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(5)
        town.shop.hold["/buy"] = threading.Event()
        held = town.shop.seen["/buy"]
        with anyio.fail_after(WITHIN_S):
            while town.shop.seen["/buy"] < held + 2:
                await anyio.sleep(0.02)
        began = anyio.current_time()
        await load.stop()
        took = anyio.current_time() - began
    ended = run.journal.first(LoadEnded)
    assert ended is not None

    assert took < 5
    assert ended.cut >= 2
    assert sum(one.said == "never" and one.via == "load" for one in run.journal.every(Told)) >= 2
    assert end_marked(f"DRILL_RUN={run.plan.run}") == 0


async def test_a_generator_that_is_killed_leaves_nothing_certain(
    town: Town, tmp_path: Path
) -> None:
    """
    Of purchases that a killed generator had not told of, nobody knows whether they had begun.
    """
    run = Run(town, tmp_path, plan_for(town, 60, customers=4))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(5)
        assert end_marked(f"DRILL_RUN={run.plan.run}") == 1
        await load.drain()
        await load.stop()
    ended = run.journal.first(LoadEnded)
    assert ended is not None

    assert "the generator died" in ended.detail
    unsent = {one.intent for one in run.journal.every(Told) if one.said == "unsent"}
    underpaid = {one.id for one in run.journal.every(Intended) if one.stratum == "underpaid"}
    assert unsent <= underpaid
    assert {one.intent for one in run.journal.every(Told)} == {f"i{n}" for n in range(1, 61)}


async def test_a_worker_that_is_killed_holds_nobody_up(town: Town, tmp_path: Path) -> None:
    """
    With one of two workers dead the other goes on, the drain does not wait for the dead, and
    nothing is certain of purchases that nobody was heard of.
    """
    run = Run(town, tmp_path, plan_for(town, 120, workers=2))
    async with run.opened() as load:
        await load.start()
        await run.until_finished(10)
        os.kill(max(marked(run.plan.run)), signal.SIGKILL)
        before = len({one.intent for one in run.recorder.journal.every(Told)})
        await run.until_finished(before + 10)
        with anyio.fail_after(10):
            await load.drain()
        await load.stop()
    ended = run.journal.first(LoadEnded)
    assert ended is not None

    assert "died (-9)" in ended.detail
    begun = {one.intent for one in run.journal.every(Begun)}
    underpaid = {one.id for one in run.journal.every(Intended) if one.stratum == "underpaid"}
    unsent = {one.intent for one in run.journal.every(Told) if one.said == "unsent"}
    assert unsent <= underpaid - begun
    assert {one.intent for one in run.journal.every(Told)} == {f"i{n}" for n in range(1, 121)}


DRIVER = """
import sys, anyio, msgspec
from pathlib import Path
from experiments.load.running import LoadPlan
from experiments.load.spawned import opened_load
from experiments.recorder import Recorder
from experiments.runtime.journal_file import JournalFile

async def main():
    folder = Path(sys.argv[1])
    plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=LoadPlan)
    recorder = Recorder(JournalFile(folder / "journal.jsonl"), anyio.current_time())
    async with opened_load(plan, recorder, plan.run, folder) as load:
        await load.start()
        print("started", flush=True)
        await anyio.sleep(60)

anyio.run(main)
"""


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.thorough), 2])
def test_when_the_drill_is_killed_the_load_ends_itself(
    town: Town, tmp_path: Path, workers: int
) -> None:
    """
    Kill -9 of the drill, and within two seconds no process of the load is left, without a guardian.
    """
    plan = plan_for(town, 400, workers=workers)
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    drill = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    assert drill.stdout is not None
    assert drill.stdout.readline() == b"started\n"
    until = time.monotonic() + WITHIN_S
    while town.shop.seen["/buy"] < 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(marked(plan.run)) == (1 if workers == 1 else 3)
    os.kill(drill.pid, signal.SIGKILL)
    drill.wait()
    drill.stdout.close()
    killed = time.monotonic()
    while marked(plan.run) and time.monotonic() < killed + 10:
        time.sleep(0.02)

    assert marked(plan.run) == []
    assert time.monotonic() - killed < 2


def test_a_drill_does_not_import_locust() -> None:
    """
    The drill's side brings neither Locust nor gevent into the drill's process.
    """
    code = "import experiments.load.spawned, sys; print({'locust', 'gevent'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
