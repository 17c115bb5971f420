"""
The processes: the one that the drill starts, and the workers that it starts itself.

Locust is imported before anything of ours, as it changes the modules that wait.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import gevent
import gevent.os
from gevent.socket import wait_write
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner, Runner

from experiments.load.generator.crowd import Crowd, Desk
from experiments.load.generator.figures import Own, Sampler, report_from
from experiments.load.out import Out
from experiments.load.wire import DRAIN, STOP, Drained, Job, Over, decode_job, encode_job, short

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MODULE = "experiments.load.generator"
RAMP_S = 2.0
SAMPLE_EVERY_S = 1.0
WORKERS_LIMIT_S, WORKER_END_LIMIT_S, FLUSH_LIMIT_S, LOOK_S = 30.0, 3.0, 2.0, 0.05
WATCH_EVERY_S = 0.5
CHUNK = 65536


class Orders:
    """Lines of stdin; the end of it means that whoever started us is dead."""

    def __init__(self) -> None:
        gevent.os.make_nonblocking(0)
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        """Each line as it comes, until the end."""
        while True:
            line, newline, rest = self._rest.partition(b"\n")
            if newline:
                self._rest = rest
                yield line + newline
                continue
            more = gevent.os.nb_read(0, CHUNK)
            if not more:
                return
            self._rest += more


def take_stdout() -> Out:
    """Our end of the pipe; whatever else prints goes to stderr from now on."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    return Out(pipe)


def run_root() -> int:
    """What the drill starts: the customers themselves, or Locust's master with its workers."""
    out, orders = take_stdout(), Orders()
    lines = orders.lines()
    first = next(lines, None)
    if first is None:
        return 1
    job = decode_job(first)
    own = Own(at=time.monotonic(), cpu_s=time.process_time())
    crowd = Crowd(job, out, own)
    sampler = Sampler(crowd.environment, own, job.start)
    gevent.spawn(_keep_flushing, out)
    workers: list[subprocess.Popen[bytes]] = []
    errors: list[str] = []
    runner: Runner
    if job.workers > 1:
        runner = crowd.environment.create_master_runner(LOOPBACK, 0)
        desk = Desk(runner, job.errands)
        workers += [_start_worker(job, runner, out) for _ in range(job.workers)]
        if not _all_ready(runner, workers):
            errors.append(f"{len(runner.clients.ready)} of {job.workers} workers came")
        gevent.spawn(_watch, workers, desk)
    else:
        runner = crowd.environment.create_local_runner()
        desk = Desk(runner, job.errands)
        crowd.serve(runner)
    if not errors:
        total = job.customers + crowd.others
        gevent.spawn(runner.start, total, spawn_rate=max(1.0, total / RAMP_S))
        gevent.spawn(_keep_sampling, sampler, crowd, job.workers)
        if not _obey(lines, crowd, desk):
            _die(workers)
    runner.quit()
    errors += _end(workers)
    crowd.say(sampler.sample())
    crowd.say(Over(t=crowd.now(), dropped=out.dropped, errors=[short(text) for text in errors]))
    _flush(out)
    return 0


def run_worker(port: int) -> int:
    """What the master starts."""
    out, orders = take_stdout(), Orders()
    lines = orders.lines()
    first = next(lines, None)
    if first is None:
        return 1
    own = Own(at=time.monotonic(), cpu_s=time.process_time())
    crowd = Crowd(decode_job(first), out, own)
    gevent.spawn(_keep_flushing, out)
    runner = crowd.environment.create_worker_runner(LOOPBACK, port)
    report_from(crowd.environment, own)
    crowd.serve(runner)
    gevent.spawn(_die_with, lines)
    runner.greenlet.join()
    _flush(out)
    return 0


def _obey(lines: Iterator[bytes], crowd: Crowd, desk: Desk) -> bool:
    """Do as the drill says until it says stop; False if it died instead."""
    for line in lines:
        if line == DRAIN:
            desk.close()
            gevent.spawn(_tell_when_idle, crowd, desk)
        if line == STOP:
            return True
    return False


def _tell_when_idle(crowd: Crowd, desk: Desk) -> None:
    desk.idle.wait()
    crowd.say(Drained(t=crowd.now()))


def _start_worker(job: Job, runner: MasterRunner, out: Out) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", MODULE, str(runner.server.port)],
        stdin=subprocess.PIPE,
        stdout=out.pipe,
    )
    if worker.stdin:
        worker.stdin.write(encode_job(job))
        worker.stdin.flush()
    return worker


def _all_ready(runner: MasterRunner, workers: list[subprocess.Popen[bytes]]) -> bool:
    until = time.monotonic() + WORKERS_LIMIT_S
    while len(runner.clients.ready) < len(workers) and time.monotonic() < until:
        if any(worker.poll() is not None for worker in workers):
            return False
        time.sleep(LOOK_S)
    return len(runner.clients.ready) == len(workers)


def _watch(workers: list[subprocess.Popen[bytes]], desk: Desk) -> None:
    """A drain must not wait for customers whose process is dead."""
    alive = list(workers)
    while alive:
        for worker in [each for each in alive if each.poll() is not None]:
            desk.give_up(worker.pid)
            alive.remove(worker)
        time.sleep(WATCH_EVERY_S)


def _end(workers: list[subprocess.Popen[bytes]]) -> Iterator[str]:
    """Wait for the workers to end as the master told them, or kill them."""
    until = time.monotonic() + WORKER_END_LIMIT_S
    for worker in workers:
        try:
            worker.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
            yield f"worker {worker.pid} did not end by itself"
        else:
            if worker.returncode:
                yield f"worker {worker.pid} died ({worker.returncode})"


def _die(workers: list[subprocess.Popen[bytes]]) -> None:
    """The drill is dead, so nothing that we could still write is read by anybody."""
    for worker in workers:
        worker.kill()
    os._exit(1)


def _die_with(lines: Iterator[bytes]) -> None:
    for _ in lines:
        continue
    os._exit(1)


def _keep_flushing(out: Out) -> None:
    """Write what the pipe did not take at once, as soon as it does."""
    while True:
        if out.waiting:
            wait_write(out.pipe)
            out.flush()
        time.sleep(LOOK_S)


def _keep_sampling(sampler: Sampler, crowd: Crowd, workers: int) -> None:
    every = SAMPLE_EVERY_S if workers == 1 else WORKER_REPORT_INTERVAL
    while True:
        time.sleep(every)
        crowd.say(sampler.sample())


def _flush(out: Out) -> None:
    """Write what is kept, for a bounded time."""
    until = time.monotonic() + FLUSH_LIMIT_S
    while out.waiting and time.monotonic() < until:
        out.flush()
        time.sleep(LOOK_S)
