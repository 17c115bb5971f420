"""What the load did since the sample before, from Locust's own statistics."""

import time
from collections.abc import Mapping

import msgspec
from locust.env import Environment

from drill.payments import LoadSample
from experiments.load.limit import percentile
from experiments.load.tab import Asked

KEY = "drill"


class Refused(Exception):
    """A request that was not answered as it should be; its text is its kind only."""


class Own(msgspec.Struct):
    """What one process knows of itself since it was asked last."""

    behind_s: float = 0.0
    cpu_s: float = 0.0
    at: float = 0.0

    def late(self, seconds: float) -> None:
        """A wait of ours ended so late."""
        self.behind_s = max(self.behind_s, seconds)

    def taken(self) -> tuple[float, float]:
        """How far behind, and the share of a core, since this was asked last."""
        now, cpu = time.monotonic(), time.process_time()
        ratio = (cpu - self.cpu_s) / (now - self.at) if now > self.at else 0.0
        behind, self.behind_s, self.cpu_s, self.at = self.behind_s, 0.0, cpu, now
        return behind, ratio


def count_into(environment: Environment, asked: Asked) -> None:
    """Give a request to Locust's statistics."""
    environment.events.request.fire(
        request_type=asked.method,
        name=asked.name,
        response_time=asked.took_s * 1000,
        response_length=asked.size,
        exception=Refused(asked.problem.partition(":")[0]) if asked.problem else None,
        context={},
    )


class Sampler:
    """
    Makes samples; of several processes the busiest and the latest count.

    Args:
        environment: Locust's, of the process that writes samples.
        own: What this process knows of itself.
        start: Monotonic seconds of the drill's start.
    """

    def __init__(self, environment: Environment, own: Own, start: float) -> None:
        self._environment = environment
        self._own = own
        self._start = start
        self._requests = self._failures = 0
        self._times: Mapping[int, int] = {}
        self._workers = (0.0, 0.0)
        environment.events.worker_report.add_listener(self._heard)

    def _heard(self, client_id: str, data: Mapping[str, object]) -> None:
        told = data.get(KEY)
        if client_id and isinstance(told, list):
            behind, ratio = self._workers
            self._workers = (max(behind, float(told[0])), max(ratio, float(told[1])))

    def sample(self) -> LoadSample:
        """The figures since the last call."""
        runner, total = self._environment.runner, self._environment.stats.total
        times = dict(total.response_times)
        new = {ms: count - self._times.get(ms, 0) for ms, count in times.items()}
        behind, ratio = self._own.taken()
        (their_behind, their_ratio), self._workers = self._workers, (0.0, 0.0)
        made = LoadSample(
            t=time.monotonic() - self._start,
            users=runner.user_count if runner else 0,
            requests=total.num_requests - self._requests,
            failures=total.num_failures - self._failures,
            p50_ms=percentile(new, 50),
            p95_ms=percentile(new, 95),
            behind_s=round(max(behind, their_behind), 4),
            cpu_ratio=round(max(ratio, their_ratio), 4),
        )
        self._requests, self._failures = total.num_requests, total.num_failures
        self._times = times
        return made


def report_from(environment: Environment, own: Own) -> None:
    """Have a worker tell its master what it knows of itself, with each of its reports."""

    def add(client_id: str, data: dict[str, object]) -> None:
        if client_id:
            data[KEY] = list(own.taken())

    environment.events.report_to_master.add_listener(add)
