"""
Measure what a drill costs beyond the durations its scenario asks for, beside Chaos Toolkit.

Both pause the same throwaway container for 2 s and look at it by HTTP; no browser. They take turns.

    ours           `drill run`: baseline 1 s, fault 2 s, stable_for 1 s, quiet 0 s, so 4 s of its
                   own; journal, proof, recovery and reports included
    chaos toolkit  `chaos run`: one HTTP probe as steady state before, `docker pause`, 2 s,
                   `docker unpause` as rollback, so 2 s of its own; it computes no recovery

Wall is from the start of the command to its end. CPU is user and system of the command and all its
children, guardian and docker CLI too: orphans come back to this process, which waits for them. What
the Docker engine does for either is not counted. Chaos Toolkit is installed by this command in a
temporary virtual environment; if that fails, ours is printed alone. One run of each before the
others fills a bytecode cache of this measurement's own, so that neither compiles its packages.

Reach (design, section 10): 1.0 s wall, 1.2 s CPU; Chaos Toolkit was measured there at 2.1 and 2.2.
"""

import argparse
import contextlib
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from benchmarks.bench import IMAGE, PORT, address_of, load, project_of, show, throwaway

REACH_WALL_S, REACH_CPU_S = 1.0, 1.2
PINNED = ("chaostoolkit==1.19.0", "chaostoolkit-lib==1.44.0")
PAUSE_S = 2
OWN_S = {"drill": 4.0, "chaos toolkit": 2.0}
INSTALL_LIMIT_S, RUN_LIMIT_S = 240, 60
PR_SET_CHILD_SUBREAPER = 36
ENVIRONMENT = """\
schema: drill-environment/1
environment: staging
compose: {{project: {project}, file: compose.yaml}}
web: "{web}"
probes: {{web: {{http: [{{url: /}}]}}}}
"""
SCENARIO = f"""\
schema: drill-scenario/1
title: Pause
severity: 2
baseline: 1s
quiet: 0s
faults:
  - {{fault: container.pause, target: front, for: {PAUSE_S}s}}
after:
  - {{check: recovers_within, probes: [web], limit: 10s, stable_for: 1s}}
"""
COMPOSE = f"services: {{front: {{image: {IMAGE}}}}}\n"


@dataclass
class Cost:
    """What one run took beyond its own durations."""

    wall_s: float
    cpu_s: float


def spent_s() -> float:
    """CPU seconds of every child that was waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Sequence[str], folder: Path, own_s: float) -> Cost:
    """
    Run one command and everything it leaves behind to the end.

    Raises:
        RuntimeError: It did not end with 0.
    """
    surroundings = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    cpu_s, begun = spent_s(), time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    wall_s = time.monotonic() - begun
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return Cost(wall_s - own_s, spent_s() - cpu_s)


def write_drill(folder: Path, target: Container) -> list[str]:
    """Write what our drill needs; its command."""
    web = f"http://{address_of(target)}:{PORT}"
    environment = ENVIRONMENT.format(project=project_of(target), web=web)
    (folder / "environment.yaml").write_text(environment, encoding="utf-8")
    (folder / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    (folder / "pause.yaml").write_text(SCENARIO, encoding="utf-8")
    drill = str(Path(sys.executable).parent / "drill")
    return [drill, "run", "./pause.yaml", "--env", "./environment.yaml", "--runs", "runs"]


def write_chaos(folder: Path, target: Container, command: Path) -> list[str]:
    """Write what Chaos Toolkit needs; its command."""

    def act(word: str, pause_s: int) -> dict[str, object]:
        how = {"type": "process", "path": "docker", "arguments": f"{word} {target.name}"}
        return {
            "type": "action",
            "name": word,
            "provider": how,
            "pauses": {"after": pause_s},
        }

    url = f"http://{address_of(target)}:{PORT}/"
    probe = {
        "type": "probe",
        "name": "web",
        "tolerance": 200,
        "provider": {"type": "http", "url": url, "timeout": 0.8},
    }
    experiment = {
        "title": "Pause",
        "description": "Pause",
        "steady-state-hypothesis": {"title": "web answers", "probes": [probe]},
        "method": [act("pause", PAUSE_S)],
        "rollbacks": [act("unpause", 0)],
    }
    (folder / "experiment.json").write_text(json.dumps(experiment), encoding="utf-8")
    options = ["--rollback-strategy", "always"]
    options += ["--hypothesis-strategy", "before-method-only"]
    return [str(command), "--no-version-check", "run", *options, "experiment.json"]


def install(folder: Path) -> Path | None:
    """Chaos Toolkit in a virtual environment of its own; None, and why on stderr, if it cannot."""
    place = folder / "peer"
    try:
        venv.create(place, with_pip=True)
        subprocess.run(
            [str(place / "bin" / "pip"), "install", "--quiet", *PINNED],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_LIMIT_S,
        )
    except subprocess.SubprocessError as error:
        told = str(getattr(error, "stderr", "") or error)
        print(f"Chaos Toolkit could not be installed, ours alone:\n{told}", file=sys.stderr)
        return None
    return place / "bin" / "chaos"


def measure(folder: Path, target: Container, count: int) -> dict[str, list[Cost]]:
    """Costs by tool, taken in turns; one run of each before that is not counted."""
    commands = {"drill": write_drill(folder, target)}
    chaos = install(folder)
    if chaos:
        commands["chaos toolkit"] = write_chaos(folder, target, chaos)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(count + 1):
        for name, command in commands.items():
            cost = run(command, folder, OWN_S[name])
            if number:
                costs[name].append(cost)
    return costs


def row(name: str, costs: Sequence[Cost]) -> list[str]:
    """One line of the table."""
    walls, cpus = [cost.wall_s for cost in costs], [cost.cpu_s for cost in costs]
    numbers = [statistics.median(walls), max(walls), statistics.median(cpus), max(cpus)]
    return [name, str(len(costs)), *(f"{number:.2f}" for number in numbers)]


def main() -> None:
    """Print medians and the greatest of each, and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (5)")
    pairs = parser.parse_args().pairs
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        print("orphans (our guardian) are not counted: no subreaper here", file=sys.stderr)
    before, client = load(), docker.from_env()
    try:
        with throwaway(client, "front") as parts, tempfile.TemporaryDirectory() as folder:
            costs = measure(Path(folder), parts["front"], pairs)
    finally:
        client.close()
    rows = [row(name, found) for name, found in costs.items()]
    if len(rows) > 1:
        ratios = [f"{float(b) / float(a):.1f}" for a, b in zip(*(r[2:] for r in rows), strict=True)]
        rows.append(["peer / ours", "", *ratios])
    show(["s beyond own durations", "runs", "wall p50", "max", "CPU p50", "max"], rows)
    print(f"reach: drill {REACH_WALL_S} s wall, {REACH_CPU_S} s CPU")
    print(f"before: {before}; after: {load()}")


if __name__ == "__main__":
    main()
