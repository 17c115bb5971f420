"""`drill verify`: all validators and no fault, as the last step of a rollback or a deployment."""

import datetime as dt
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from drill.clocks import clock
from drill.duration import show_duration
from drill.events import Clean, End, Header, Planned, PlannedProbe
from drill.incident import MonitoringSeen
from experiments.environment import Environment
from experiments.judge import judge
from experiments.launch import Launched, built_probes, opened_browser
from experiments.monitoring_watch import MonitoringWatch, opened_targets
from experiments.placing import place
from experiments.recorder import Listener, Recorder
from experiments.run_folder import new_run, provenance, run_id
from experiments.since import back_since, moments_since, past_saving
from experiments.site import Site
from experiments.watch import baseline_missing
from validators.checks.base import CheckSpec
from validators.checks.guardrails import GuardrailsHold
from validators.checks.monitoring import MonitoringIsWhole
from validators.checks.since import RecoveredInTime
from validators.checks.verify import WorksNow
from validators.guardrails import Where, look_at_guardrails

LOOK_FOR_S = 5.0
"""HTTP probes are looked at for so long; a journey is taken once, however long that is."""
LOOK_S = 0.1
SETTLED_S = 3.0
"""A recovery check looks until every probe has been good for so long."""
RECOVER_LIMIT_S = 60.0
"""A recovery check without a limit of its own looks for so long."""
NOT_CHECKED = ("how it behaves while something is broken: no fault was injected",)


class Asked(msgspec.Struct, frozen=True):
    """
    What the command line asks of a look.

    Attributes:
        env: Name or path of the environment as the command line has it, to repeat the look.

        since_wall_s: From when the recovery is measured, in seconds since 1970; None to look only.

        within_s: Its limit, None if there is none.

        guardrails: Whether to look up the playbook's guardrails as well.
    """

    env: str
    runs: Path
    since_wall_s: float | None = None
    within_s: float | None = None
    guardrails: bool = False


async def verify_environment(
    site: Site, file: Path, asked: Asked, listen: Callable[[Recorder], Sequence[Listener]]
) -> Launched:
    """
    Look at everything, and judge.

    Args:
        site: Where to look; nothing of it is touched.

        file: The environment's own file.

        asked: What for.

        listen: Gives the listeners for the recorder.
    """
    run, directory = run_id("verify"), asked.runs
    environment = site.environment
    with new_run(directory / run) as sink:
        recorder = Recorder(sink, anyio.current_time())
        recorder.listeners.extend(listen(recorder))
        recorder.add(_header(run, environment, asked), durable=True)
        probes = _probes(environment)
        checks = list(_checks(environment, asked, probes))
        recorder.add(_planned(probes, checks, recorder.t()))
        await _look(environment, probes, recorder, run, directory / run, asked=asked)
        if environment.monitoring:
            async with opened_targets(environment.monitoring) as targets:
                await MonitoringWatch(recorder, targets).after()
        if asked.guardrails:
            await _look_at_guardrails(site, file, run, directory, recorder)
        code = _finish(probes, checks, recorder, asked)
    return Launched(exit_code=code, directory=directory / run, journal=recorder.journal)


async def _look_at_guardrails(
    site: Site, file: Path, run: str, runs: Path, recorder: Recorder
) -> None:
    """Look them up in a thread: a scanner takes its time."""
    environment, t = site.environment, recorder.t()
    named = environment.repository
    monitoring = environment.monitoring
    where = Where(
        repository=(file.parent / named).resolve() if named else None,
        runs=runs,
        but=run,
        objectives=monitoring.rules if monitoring else (),
        rules=_rules_seen(environment, recorder),
    )
    wanted = site.playbook.guardrails
    for one in await anyio.to_thread.run_sync(lambda: look_at_guardrails(wanted, where, t=t)):
        recorder.add(one)


def _rules_seen(environment: Environment, recorder: Recorder) -> Sequence[str] | None:
    """The rules that the monitoring was found to have; None where it was not asked or ill."""
    found = {one.what: one.ok for one in recorder.journal.every(MonitoringSeen)}
    monitoring = environment.monitoring
    return monitoring.rules if monitoring and found.get("rules are healthy") else None


def _header(run: str, environment: Environment, asked: Asked) -> Header:
    words = ["drill", "verify", "--env", shlex.quote(asked.env)]
    if asked.since_wall_s is not None:
        moment = dt.datetime.fromtimestamp(asked.since_wall_s, dt.UTC)
        words += ["--since", moment.isoformat(timespec="milliseconds")]
    words += [] if asked.within_s is None else ["--within", show_duration(asked.within_s)]
    words += ["--guardrails"] if asked.guardrails else []
    return provenance(
        run,
        scenario="verify",
        title="Does everything work now?",
        project=environment.compose.project,
        command=" ".join(words),
    )


def _checks(
    environment: Environment, asked: Asked, probes: Sequence[PlannedProbe]
) -> Iterator[CheckSpec]:
    for probe in probes:
        yield WorksNow(
            check="works_now", probes=(probe.name,), settled=asked.since_wall_s is not None
        )
    if environment.monitoring:
        yield MonitoringIsWhole(check="monitoring_is_whole")
    if asked.since_wall_s is not None:
        yield RecoveredInTime.model_construct(check="recovered_in_time", within=asked.within_s)
    if asked.guardrails:
        yield GuardrailsHold(check="guardrails_hold")


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


def _planned(probes: list[PlannedProbe], checks: Sequence[CheckSpec], t: float) -> Planned:
    return Planned(
        t=t,
        faults=[],
        probes=probes,
        checks=[check.label for check in checks],
        baseline_s=LOOK_FOR_S,
        not_checked=list(NOT_CHECKED),
    )


async def _look(  # noqa: PLR0913 - where, at what, and for how long
    environment: Environment,
    planned: list[PlannedProbe],
    recorder: Recorder,
    run: str,
    directory: Path,
    *,
    asked: Asked,
) -> None:
    recorder.phase("look")
    patience = max((probe.deadline_s for probe in planned), default=0.0) * 2 + LOOK_FOR_S
    if asked.since_wall_s is not None:
        ago = time.time() - asked.since_wall_s
        limit = RECOVER_LIMIT_S if asked.within_s is None else asked.within_s - ago
        patience += max(0.0, limit)
    async with (
        opened_browser(planned, environment, run) as browser,
        anyio.create_task_group() as group,
    ):
        probes = built_probes(planned, environment, recorder, browser, directory)
        for probe in probes.values():
            group.start_soon(probe.run)
        start = anyio.current_time()
        await anyio.sleep(LOOK_FOR_S)
        # What is waited for is computed from the journal, which nobody announces.
        while anyio.current_time() < start + patience:
            if _seen_enough(recorder, planned, asked):
                break
            await anyio.sleep(LOOK_S)
        for probe in probes.values():
            probe.stop()


def _seen_enough(recorder: Recorder, planned: Sequence[PlannedProbe], asked: Asked) -> bool:
    journal = recorder.journal
    if asked.since_wall_s is None:
        return all(len(journal.columns(probe.name)) for probe in planned)
    if not baseline_missing(journal, planned, SETTLED_S, recorder.t()):
        return True
    if asked.within_s is None:
        return False
    limit = place(journal, asked.since_wall_s) + asked.within_s
    return past_saving(journal, [probe.name for probe in planned], limit)


def _finish(
    planned: Sequence[PlannedProbe], checks: Sequence[CheckSpec], recorder: Recorder, asked: Asked
) -> int:
    proof = "no fault was injected"
    recorder.add(Clean(t=recorder.t(), wall_s=time.time(), proof=proof))
    if asked.since_wall_s is not None:
        since = place(recorder.journal, asked.since_wall_s)
        _tell_recovery([probe.name for probe in planned], recorder, since, asked.within_s)
    recorder.phase("judge")
    judged = judge(recorder.journal, checks, recorder.t())
    for event in judged.events:
        recorder.add(event)
    end = End(t=recorder.t(), wall_s=time.time(), verdict=judged.word, exit_code=judged.exit_code)
    recorder.add(end, durable=True)
    return judged.exit_code


def _tell_recovery(
    probes: Sequence[str], recorder: Recorder, since: float, limit: float | None
) -> None:
    """The moments and the clock of a recovery that began before we looked."""
    moments = moments_since(back_since(recorder.journal, probes, since), since)
    named = {moment.name: moment for moment in moments}
    for moment in moments:
        recorder.add(moment)
    end = named.get("recovered")
    judged = clock("recover", limit, named["resolved"], end, until=recorder.t())
    if end is not None and end.earliest == since and judged.status == "missed":
        # Good at our first look: it may have been in time, and nobody was there to see it.
        judged = msgspec.structs.replace(judged, status="censored")
    recorder.add(judged)
