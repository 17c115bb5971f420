"""
`make prove-validators`: every planted bug is found by its name, and the healthy shop by none.

Each file of scenarios/bugs says which bug it is for and which finding must name it. The bug is
planted into a staging of its own, the scenario is run as a person runs it, and its report is read.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Literal
from uuid import uuid4

from tests.staging.planting import planted, start
from tests.staging.ports import free_port
from tests.staging.stack import Stack

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios" / "bugs"
RUN_LIMIT_S = 900
# A stricter promise than the environment's, which the healthy shop keeps all the same.
PROMISES = {"STAGING_RECONCILE_PROMISE": "60s", "STAGING_REFUND_PROMISE": "60s"}
PROVES = re.compile(r"# Proves: bug (\d+), `(\w+)`, is found: `(\w+)` fails")
STAGING = re.compile(r"# Staging: (.+)")


@dataclass(frozen=True)
class Case:
    """One planted bug, what finds it, and what the staging is told beside it."""

    number: int
    bug: str
    finding: str
    scenario: Path
    settings: Mapping[str, str]


Job = tuple[Literal["ill", "well"], Case]


@dataclass(frozen=True)
class Outcome:
    """How a drill ended: its exit code, and by check the reasons of what failed or is unknown."""

    code: int
    failed: Mapping[str, str]
    unknown: Mapping[str, str]


def read_case(path: Path) -> Case:
    """What a scenario says of itself; raises ValueError if it names no bug and no finding."""
    text = path.read_text(encoding="utf-8")
    found = PROVES.match(text)
    if not found:
        raise ValueError(f"{path}: its first line names no bug and no finding: {PROVES.pattern}")
    told = STAGING.search(text)
    pairs = dict(word.split("=", 1) for word in told[1].split()) if told else {}
    return Case(int(found[1]), found[2], found[3], path, pairs)


def cases(only: set[int]) -> list[Case]:
    """Every case, or those of *only*, in the order of their numbers."""
    every = [read_case(path) for path in sorted(SCENARIOS.glob("*.yaml"))]
    return [case for case in every if not only or case.number in only]


def drill(stack: Stack, case: Case, runs: Path) -> Outcome:
    """Run a case's scenario on *stack*."""
    words = [sys.executable, "-m", "experiments.cli", "run", str(case.scenario)]
    done = subprocess.run(
        [*words, "--runs", str(runs)],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    latest = runs / "latest" / "report.json"
    if done.returncode not in (0, 1, 3) or not latest.exists():
        raise RuntimeError(f"{case.scenario.name} was not run:\n{done.stdout}{done.stderr}")
    findings = json.loads(latest.read_bytes())["findings"]
    told = {
        verdict: {each["check"]: each["reason"] for each in findings if each["verdict"] == verdict}
        for verdict in ("fail", "unknown")
    }
    return Outcome(done.returncode, told["fail"], told["unknown"])


def ill(stack: Stack, case: Case, runs: Path) -> bool:
    """Whether a bug was found by its name, told at once."""
    with planted(stack, case.bug, **case.settings) as sick:
        seen = drill(sick, case, runs)
    found = case.finding in seen.failed
    said = seen.failed.get(case.finding) or f"failed: {seen.failed}; unknown: {seen.unknown}"
    print(f"{'found ' if found else 'MISSED'} {case.number:2} {case.bug}: {said}", flush=True)
    return found


def well(stack: Stack, case: Case, runs: Path) -> bool:
    """Whether the healthy shop passed, told at once: what is unknown has shown nothing."""
    same = replace(stack, settings={**stack.settings, **case.settings})
    start(same)
    seen = drill(same, case, runs)
    told = "; ".join(f"{name}: {why}" for name, why in {**seen.failed, **seen.unknown}.items())
    word = "ALARM " if seen.failed else "quiet " if seen.code == 0 else "UNSURE"
    print(
        f"{word} {case.number:2} healthy, exit {seen.code}: {told}",
        flush=True,
    )
    return seen.code == 0


def worker(jobs: Queue[Job]) -> list[tuple[str, bool]]:
    """Do jobs at a staging of its own until none is left."""
    done: list[tuple[str, bool]] = []
    with tempfile.TemporaryDirectory(prefix="drill-proving-") as runs:
        stack = Stack(f"stg-prove-{uuid4().hex[:8]}", free_port(), free_port(), free_port())
        stack = replace(stack, settings=PROMISES)
        try:
            stack.script("up")
            while True:
                try:
                    kind, case = jobs.get_nowait()
                except Empty:
                    return done
                done.append((kind, {"ill": ill, "well": well}[kind](stack, case, Path(runs))))
        finally:
            stack.script("down", "--volumes")


def main() -> int:
    """0 if all is proven, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="numbers of bugs, with commas")
    parser.add_argument("--healthy", type=int, default=1, help="runs of all cases without a bug")
    parser.add_argument("--beside", type=int, default=2, help="stagings at once")
    given = parser.parse_args()
    chosen = cases({int(word) for word in given.only.split(",") if word})
    if not chosen:
        parser.error(f"--only {given.only}: there is no such bug")
    jobs: Queue[Job] = Queue()
    for case in chosen:
        jobs.put(("ill", case))
    for case in chosen * given.healthy:
        jobs.put(("well", case))
    with ThreadPoolExecutor(given.beside) as pool:
        at_work = [pool.submit(worker, jobs) for _ in range(min(given.beside, jobs.qsize()))]
    done = [each for one in at_work for each in one.result()]
    found = [good for kind, good in done if kind == "ill"]
    quiet = [good for kind, good in done if kind == "well"]
    alarms = f"{quiet.count(True)} of {len(quiet)} healthy runs passed"
    print(f"{sum(found)} of {len(found)} bugs found; {alarms}")
    return 0 if all(found) and all(quiet) else 1


if __name__ == "__main__":
    sys.exit(main())
