"""Puts a drill together: the stack, its guard rails, probes, journal and signals."""

import shlex
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio
import anyio.abc
import msgspec

from drill.errors import EXIT_UNKNOWN, BadInput, DrillError
from drill.events import EvidenceKept, Header, PlannedProbe
from drill.journal import Journal
from drill.records import Record
from experiments.control import Control
from experiments.engine import Drill
from experiments.environment import Environment, find_environment
from experiments.evidence import LogKeeper
from experiments.guards import check_exposures
from experiments.opening import opened_payments
from experiments.people import (
    Place,
    opened_people,
    refuse_impossible_rollbacks,
    refuse_slow_chains,
)
from experiments.plan import Plan
from experiments.plan_browser import known_hosts
from experiments.recorder import Listener, Recorder
from experiments.run_folder import RUNS, new_run, provenance, run_id, writer
from experiments.runtime.docker.stack import DockerStack, open_stack
from experiments.runtime.ports import Probe
from experiments.runtime.sandbox import SandboxControl
from experiments.runtime.shapes import RunInfo
from validators.probes.build import build_journey, run_http, run_journey

if TYPE_CHECKING:
    from experiments.gameday.serve import Page
    from validators.probes.journeys.browser import JourneyBrowser

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Request(msgspec.Struct, frozen=True):
    """What the command line asks for, beside the plan."""

    name: str
    env: str
    seed: int
    runs: Path = RUNS
    game_day: bool = False


class Launched(msgspec.Struct, frozen=True):
    """What came of it."""

    exit_code: int
    directory: Path
    journal: Journal


async def launch(
    plan: Plan,
    request: Request,
    listen: Callable[[Recorder], Sequence[Listener]],
    announce: Callable[[str], None],
) -> Launched:
    """
    Run a drill on the real stack.

    Args:
        plan: What will happen.

        request: Name, seed and where runs are kept.

        listen: Gives the listeners (a live view, plain lines) for the recorder.

        announce: Told the link of the live page, which holds its token: for the terminal only.

    Raises:
        BadInput, StagingBusy, Unhealed: Before anything was touched.
    """
    environment = plan.environment
    run = run_id(request.name)
    directory = request.runs / run
    async with open_stack(environment.compose.project, environment.engine) as stack:
        if environment.sandbox:
            sandbox = environment.sandbox
            stack.use_sandbox(SandboxControl(sandbox.control, sandbox.token))
        await keep_guard_rails(stack, plan)
        await refuse_slow_chains(plan)
        file = find_environment(request.env).resolve()
        await refuse_impossible_rollbacks(plan, Place(file=file, run=run), stack)
        with new_run(directory) as sink:
            recorder = Recorder(sink, anyio.current_time())
            recorder.listeners.extend(listen(recorder))
            recorder.add(_header(run, plan, request), durable=True)
            info = RunInfo(
                run=run,
                scenario=request.name,
                project=environment.compose.project,
                directory=str(directory),
                heal=f"drill heal --env {shlex.quote(request.env)}",
                environment=str(file),
            )
            async with opened_browser(plan.probes, environment, run) as browser:
                if browser:
                    stack.use_browser(browser, known_hosts(environment))
                probes = built_probes(plan.probes, environment, recorder, browser, directory)
                drill = _Ready(plan, info, stack, probes, recorder, request.seed)
                code = await _run_obeying(drill, announce if request.game_day else _quietly)
            if sink.failed:
                raise BadInput(f"{directory}: the journal is incomplete: {sink.failed.strerror}")
    return Launched(exit_code=code, directory=directory, journal=recorder.journal)


class _Ready(NamedTuple):
    """A drill with everything that it needs of the world."""

    plan: Plan
    info: RunInfo
    stack: DockerStack
    probes: Mapping[str, Probe]
    recorder: Recorder
    seed: int


def _quietly(_: str) -> None:
    """The page is there for `drill ack` and its friends; nobody was promised its link."""


async def _run_obeying(ready: _Ready, announce: Callable[[str], None]) -> int:
    control = Control()
    plan, info, recorder = ready.plan, ready.info, ready.recorder
    place = Place(file=Path(info.environment), run=info.run)
    refused: DrillError | None = None
    code = EXIT_UNKNOWN
    async with (
        _opened_page(plan, recorder, control, info.run) as page,
        opened_people(plan, place, recorder, control, ready.stack) as beside,
        opened_payments(plan, info, ready.seed, recorder, ready.stack) as payments,
        # Innermost: its cancellation must not cut short how the others close.
        anyio.create_task_group() as group,
    ):
        if page:
            announce(page.link)
        await group.start(_obey_signals, control)
        logs = LogKeeper(ready.stack, recorder, writer(Path(info.directory)))
        drill = Drill(
            plan,
            info,
            stack=ready.stack,
            probes=dict(ready.probes),
            recorder=recorder,
            control=control,
            beside=beside,
            keep_evidence=logs.keep,
            payments=payments,
        )
        try:
            code = await drill.run()
        except DrillError as error:
            refused = error  # Raised outside of the group, which would wrap it.
        group.cancel_scope.cancel()
    if refused:
        raise refused
    return code


@asynccontextmanager
async def _opened_page(
    plan: Plan, recorder: Recorder, control: Control, run: str
) -> AsyncIterator["Page | None"]:
    """The live page, where people have something to say; none in other drills."""
    if not (plan.incident.detections or plan.incident.acts):
        yield None
        return
    from experiments.gameday.serve import open_page  # noqa: PLC0415 - a web server, slow to import

    async with open_page(recorder, control, run) as page:
        yield page


async def _obey_signals(
    control: Control, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            control.abort(f"stopped by {signal.Signals(number).name}")


async def keep_guard_rails(stack: DockerStack, plan: Plan) -> None:
    """
    Refuse what must never be drilled.

    Raises:
        BadInput: A target without its label, an outside host nobody classified, or a live key.
    """
    for target in sorted(plan.targets):
        await stack.state(target)
    exposures = await stack.exposures()
    hosts = frozenset(one.host for one in plan.environment.outside)
    problems = check_exposures(exposures, await stack.aliases(), hosts)
    if problems:
        raise BadInput(*problems)


@asynccontextmanager
async def opened_browser(
    planned: Sequence[PlannedProbe], environment: Environment, run: str
) -> AsyncIterator["JourneyBrowser | None"]:
    """The journeys' browser; started only if there is a journey."""
    journeys = [probe.name for probe in planned if probe.kind == "journey"]
    if not journeys:
        yield None
        return
    from validators.probes.journeys.browser import open_browser  # noqa: PLC0415 - slow import

    resolve: dict[str, str] = {}
    for name in journeys:
        resolve |= environment.journeys[name].resolve
    async with open_browser(run, resolve) as browser:
        yield browser


def built_probes(
    planned: Sequence[PlannedProbe],
    environment: Environment,
    recorder: Recorder,
    browser: "JourneyBrowser | None",
    directory: Path,
) -> Mapping[str, Probe]:
    """The probes of a plan, ready to run; *browser* is for its journeys."""
    probes: dict[str, Probe] = {}
    start = recorder.start

    def kept(kind: str, path: Path, subject: str, note: str) -> None:
        relative = str(path.relative_to(directory))
        record = {"k": "evidence", "t": recorder.t(), "kind": kind, "path": relative}
        record |= {"subject": subject, "note": note}
        recorder.add(msgspec.convert(record, EvidenceKept))

    for name in (probe.name for probe in planned if probe.kind == "http"):
        spec = environment.probes[name]
        probes[name] = run_http(name, spec, environment.web, recorder.observe, start)
    for name in (probe.name for probe in planned if probe.kind == "journey"):
        if browser is None:
            raise BadInput(f"{name} is a journey, and no browser is open for it")
        look = build_journey(
            name,
            environment.journeys[name],
            environment.web,
            browser,
            evidence=directory / "evidence",
            kept=kept,
        )
        probes[name] = run_journey(look, recorder.observe, start)
    return probes


def _header(run: str, plan: Plan, request: Request) -> Header:
    return provenance(
        run,
        scenario=request.name,
        title=plan.scenario.title,
        project=plan.environment.compose.project,
        command=_command(plan, request),
        seed=request.seed,
        severity=plan.scenario.severity,
        time_scale=plan.incident.time_scale,
    )


def _command(plan: Plan, request: Request) -> str:
    """The line that repeats the drill."""
    words = ["drill", "run", shlex.quote(request.name), "--env", shlex.quote(request.env)]
    words += ["--seed", str(request.seed)]
    if request.game_day:
        words += ["--game-day"]
    if plan.scenario.time_scale != 1:
        words += ["--time-scale", f"{plan.scenario.time_scale:g}"]
    return " ".join(words)


def as_listener(
    print_line: Callable[[str], None], render: Callable[[Record], str | None]
) -> Listener:
    """A listener that prints what *render* makes of a record."""

    def listen(record: Record) -> None:
        line = render(record)
        if line:
            print_line(line)

    return listen
