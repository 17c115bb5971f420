"""Measure the reports of a journal of 1,000,000 observations: seconds, megabytes, memory."""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from drill.events import End, FaultChange, Header, Observation, PlannedFault, PlannedProbe
from drill.events import Planned as Plan
from drill.journal import Journal
from reports.write import write_all

PROBES, PERIOD_S = 20, 0.02
WALL_S = 1_790_000_000.0


def build(count: int) -> Journal:
    """Make a journal of *count* observations by twenty probes, with one outage."""
    journal, dice = Journal(), random.Random(1)
    journal.add(Header(0, "bench", "bench", "A long drill", "staging", "p", "0", "0", dirty=False,
                       command="drill run bench", seed=1, severity=1, wall_s=WALL_S, mono_s=0,
                       boot_id=""))  # fmt: skip
    names = [f"probe-{i}" for i in range(PROBES)]
    probes = [PlannedProbe(n, "http", sacred=False, period_s=PERIOD_S, deadline_s=1) for n in names]
    journal.add(Plan(0, [PlannedFault("f", "network.latency", "x", "{}", "", 0)], probes, [], 5))
    length = count // PROBES * PERIOD_S
    journal.add(FaultChange(length * 0.3, "f", "injected"))
    journal.add(FaultChange(length * 0.5, "f", "healed"))
    for i in range(count):
        due = i // PROBES * PERIOD_S
        down = length * 0.3 < due < length * 0.5 and dice.random() < 0.7
        took = 0.8 if down else dice.lognormvariate(-4, 0.8)
        journal.add(Observation(names[i % PROBES], due, due, due + took, 3 if down else 0))
    journal.add(End(length + 2, WALL_S + length, "pass", 0))
    return journal


def main() -> None:
    """Print what all reports together cost, beside the limits of the design."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    journal = build(count)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        wall, cpu = time.monotonic(), time.process_time()
        write_all(run, journal)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        size = (run / "report.html").stat().st_size / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} observations: {wall:.2f} s wall, {cpu:.2f} s CPU (limit 5 s)")
    print(f"html {size:.2f} MB (limit 3 MB), peak memory {memory:.0f} MB (limit 500 MB)")


if __name__ == "__main__":
    main()
