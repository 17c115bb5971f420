"""
Measure how far the recovery that a drill prints lies from the truth.

A target in a process of its own breaks in three ways and says to the microsecond, by the clock
both processes share, when it worked again. It is looked at as in a drill: the product's runner,
HTTP look and pace (20 ms from the heal call on), read by `drill.moments.recovery`. Each way has a
probe of its own, all in one event loop as in a drill.

    status   503 until the truth
    refused  the listening socket is closed until the truth (the call of `listen()` returned)
    held     accepts, reads and never answers; at the truth what is held is dropped

The heal call causes the end of the outage 0 to 50 ms later, as a real heal does. Shorter than in a
drill, for time alone: the period before it (0.1 s for 1 s), the outage and `stable_for`.

Reach (design, section 10): distance of the value from the truth p95 25 ms over 300 trials, the
truth always inside the printed interval. It is the fast period and 5 ms for the machine.
"""

import argparse
import asyncio
import math
import multiprocessing
import random
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import anyio

from benchmarks.bench import in_ms, load, show
from drill.journal import Journal
from drill.moments import recovery
from experiments.pace import Pace
from validators.probes.build import fast_period_s, run_http
from validators.probes.specs import HttpProbe

MODES = ("status", "refused", "held")
REACH_S = 0.025
CALM, DEADLINE = "100ms", "800ms"
STABLE_S = 0.2
BEFORE_S, AFTER_S = 0.25, 0.5
HEAL_TAKES_S = 0.05
OUTAGE_S = {"status": (0.3, 1.0), "refused": (0.3, 1.0), "held": (1.0, 1.7)}
"""A held look is known to be bad only at its deadline, which must come before the heal call."""
PORTS = range(20_000, 30_000)
"""Below the ephemeral ones: nobody may take the port while it is closed."""


class Target:
    """A server that is broken from `broken` to a known moment after `heal`."""

    def __init__(self, mode: str, wire: Connection) -> None:
        self._mode = mode
        self._wire = wire
        self._broken = False
        self._held: list[asyncio.StreamWriter] = []
        self._port = 0
        self._server: asyncio.Server | None = None
        self._healing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Serve until the other end of the wire is closed."""
        await self._listen()
        over = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._wire.fileno(), self._obey, over)
        self._wire.send(self._port)
        await over.wait()

    def _obey(self, over: asyncio.Event) -> None:
        try:
            delay_s: float | None = self._wire.recv()
        except EOFError:
            asyncio.get_running_loop().remove_reader(self._wire.fileno())
            over.set()
            return
        if delay_s is None:
            self._broken = True
            if self._mode == "refused" and self._server:
                self._server.close()
        else:
            self._healing = asyncio.create_task(self._heal(delay_s))

    async def _heal(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._mode == "refused":
            truth = await self._listen()
        else:
            truth = time.monotonic()
        # Nothing else of this process runs between the truth and here.
        self._broken = False
        for writer in self._held:
            writer.transport.abort()
        self._held.clear()
        self._wire.send(truth)

    async def _listen(self) -> float:
        """Listen, on the port of before if there is one; when it was done."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                listener.bind(("127.0.0.1", self._port or random.choice(PORTS)))
            except OSError:
                if self._port:
                    raise
            else:
                break
        self._port = listener.getsockname()[1]
        listener.listen(100)
        truth = time.monotonic()
        self._server = await asyncio.start_server(self._answer, sock=listener)
        return truth

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        if self._broken and self._mode == "held":
            self._held.append(writer)
            return
        status = b"503 Down" if self._broken and self._mode == "status" else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()


def serve(mode: str, wire: Connection) -> None:
    """Be the target, in its own process."""
    asyncio.run(Target(mode, wire).serve())


@dataclass
class Trial:
    """What one outage was and what the drill made of it; NaN where it printed none."""

    error_s: float
    width_s: float
    inside: bool


async def observe(
    spec: HttpProbe, wire: Connection, port: int, outage_s: float, dice: random.Random
) -> Trial:
    """Break the target once and look at it as a drill does."""
    journal = Journal()
    # Absolute times: the drill began at the clock's zero.
    runner = run_http("probe", spec, f"http://127.0.0.1:{port}", journal.add, 0.0)
    pace = Pace(
        journal, {"probe": runner}, fast={"probe": fast_period_s(spec)}, calm={"probe": spec.every}
    )
    async with anyio.create_task_group() as group:
        group.start_soon(pace.follow, 0.0)
        async with anyio.create_task_group() as looking:
            looking.start_soon(runner.run, dice.random() * spec.every)
            await anyio.sleep(BEFORE_S)
            begun = anyio.current_time()
            wire.send(None)
            await anyio.sleep(outage_s)
            called = anyio.current_time()
            pace.hurry(everyone=False)
            wire.send(dice.random() * HEAL_TAKES_S)
            await anyio.sleep(HEAL_TAKES_S + AFTER_S)
            truth: float = wire.recv()
            runner.stop()
        group.cancel_scope.cancel()
    found = recovery(
        journal.columns("probe"),
        heal_call=called,
        healed=called + HEAL_TAKES_S,
        stable_for=STABLE_S,
        blocked=True,
        until=anyio.current_time(),
        since=begun,
    )
    if found.value is None or found.earliest is None or found.latest is None:
        print(f"a trial was {found.status}", file=sys.stderr)
        return Trial(math.nan, math.nan, inside=False)
    inside = found.earliest <= truth <= found.latest
    return Trial(found.value - truth, found.latest - found.earliest, inside=inside)


async def repeat(mode: str, count: int, seed: int) -> list[Trial]:
    """Make *count* trials of one mode, each with an outage of another length."""
    dice = random.Random(f"{seed} {mode}")
    spec = HttpProbe.model_validate({"http": [{"url": "/"}], "every": CALM, "deadline": DEADLINE})
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    target = context.Process(target=serve, args=(mode, theirs), daemon=True)
    target.start()
    theirs.close()
    port: int = await anyio.to_thread.run_sync(ours.recv)
    try:
        return [
            await observe(spec, ours, port, dice.uniform(*OUTAGE_S[mode]), dice)
            for _ in range(count)
        ]
    finally:
        ours.close()
        target.join(5)


async def measure(count: int, seed: int, *, alone: bool) -> dict[str, list[Trial]]:
    """Take all modes, side by side or one after the other."""
    done: dict[str, list[Trial]] = {}

    async def take(mode: str) -> None:
        done[mode] = await repeat(mode, count, seed)

    if alone:
        for mode in MODES:
            await take(mode)
    else:
        async with anyio.create_task_group() as group:
            for mode in MODES:
                group.start_soon(take, mode)
    return {mode: done[mode] for mode in MODES}


def row(name: str, trials: Sequence[Trial]) -> list[str]:
    """One line of the table."""
    read = [trial for trial in trials if not math.isnan(trial.error_s)]
    errors = [abs(trial.error_s) for trial in read]
    widths = [trial.width_s for trial in read]
    inside = sum(trial.inside for trial in trials)
    counts = [str(len(trials)), str(len(trials) - len(read))]
    shares = [*in_ms(errors, 0.5, 0.95, 1), *in_ms(widths, 0.5, 0.95)]
    return [name, *counts, *shares, f"{inside}/{len(trials)}"]


def main() -> None:
    """Print the error a mode and in all, beside the reach."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--trials", type=int, default=100, help="a mode (100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="one mode after the other")
    chosen = parser.parse_args()
    before, began = load(), time.monotonic()
    trials = anyio.run(lambda: measure(chosen.trials, chosen.seed, alone=chosen.alone))
    heads = ["ms", "trials", "unread", "error p50", "p95", "max", "width p50", "p95", "inside"]
    every = [trial for mode in MODES for trial in trials[mode]]
    show(heads, [*(row(mode, trials[mode]) for mode in MODES), row("all", every)])
    print(f"reach: p95 {REACH_S * 1000:g} ms, inside {len(every)}/{len(every)}")
    print(f"{time.monotonic() - began:.0f} s; before: {before}; after: {load()}")


if __name__ == "__main__":
    main()
