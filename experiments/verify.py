"""`drill verify`: all validators and no fault, as the last step of a rollback or a deployment."""

import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio

from drill.events import Clean, End, Header, Planned, PlannedProbe
from experiments.environment import Environment
from experiments.judge import judge
from experiments.launch import Launched, built_probes
from experiments.recorder import Listener, Recorder
from experiments.run_folder import new_run, provenance, run_id
from validators.checks.verify import WorksNow

LOOK_FOR_S = 5.0
"""HTTP probes are looked at for so long; a journey is taken once, however long that is."""
LOOK_S = 0.1
NOT_CHECKED = ("how it behaves while something is broken: no fault was injected",)


async def verify_environment(
    environment: Environment, env: str, runs: Path, listen: Callable[[Recorder], Sequence[Listener]]
) -> Launched:
    """
    Look at everything once, and judge.

    Args:
        environment: Where to look; nothing of it is touched.

        env: Its name or path as the command line has it, to repeat the run.

        runs: Where the run is kept.

        listen: Gives the listeners for the recorder.
    """
    run = run_id("verify")
    with new_run(runs / run) as sink:
        recorder = Recorder(sink, anyio.current_time())
        recorder.listeners.extend(listen(recorder))
        recorder.add(_header(run, environment, env), durable=True)
        probes = _probes(environment)
        recorder.add(_planned(probes, recorder.t()))
        await _look(environment, probes, recorder, run, runs / run)
        code = _finish(probes, recorder)
    return Launched(exit_code=code, directory=runs / run, journal=recorder.journal)


def _header(run: str, environment: Environment, env: str) -> Header:
    return provenance(
        run,
        scenario="verify",
        title="Does everything work now?",
        project=environment.compose.project,
        command=f"drill verify --env {shlex.quote(env)}",
    )


def _probes(environment: Environment) -> list[PlannedProbe]:
    http = [
        PlannedProbe(name, "http", probe.sacred, probe.every, probe.deadline, probe.slow_after)
        for name, probe in environment.probes.items()
    ]
    journeys = [
        PlannedProbe(name, "journey", False, journey.every, journey.deadline)  # noqa: FBT003
        for name, journey in environment.journeys.items()
    ]
    return [*http, *journeys]


def _planned(probes: list[PlannedProbe], t: float) -> Planned:
    names = [probe.name for probe in probes]
    return Planned(
        t=t,
        faults=[],
        probes=probes,
        checks=[f"works_now({name})" for name in names],
        baseline_s=LOOK_FOR_S,
        not_checked=list(NOT_CHECKED),
    )


async def _look(
    environment: Environment,
    planned: list[PlannedProbe],
    recorder: Recorder,
    run: str,
    directory: Path,
) -> None:
    recorder.phase("look")
    patience = max((probe.deadline_s for probe in planned), default=0.0) * 2 + LOOK_FOR_S
    async with (
        built_probes(planned, environment, recorder, run, directory) as probes,
        anyio.create_task_group() as group,
    ):
        for probe in probes.values():
            group.start_soon(probe.run)
        start = anyio.current_time()
        await anyio.sleep(LOOK_FOR_S)
        while anyio.current_time() < start + patience:
            if all(len(recorder.journal.columns(probe.name)) for probe in planned):
                break
            await anyio.sleep(LOOK_S)
        for probe in probes.values():
            probe.stop()


def _finish(planned: list[PlannedProbe], recorder: Recorder) -> int:
    proof = "no fault was injected"
    recorder.add(Clean(t=recorder.t(), wall_s=time.time(), proof=proof))
    recorder.phase("judge")
    checks = [WorksNow(check="works_now", probes=(probe.name,)) for probe in planned]
    judged = judge(recorder.journal, checks, recorder.t())
    for event in judged.events:
        recorder.add(event)
    end = End(t=recorder.t(), wall_s=time.time(), verdict=judged.word, exit_code=judged.exit_code)
    recorder.add(end, durable=True)
    return judged.exit_code
