"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import gc
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drill.errors import EXIT_PASS, EXIT_UNHEALED, EXIT_UNKNOWN, DrillError
from experiments import cli_control, cli_lists
from experiments.cli_postmortem import postmortem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from experiments.launch import Launched
    from experiments.plan import Plan
    from experiments.recorder import Listener, Recorder

environment_option = click.option(
    "--env", "env", default="bundled", show_default=True, help="Environment: a name or a path."
)


class Commands(click.Group):
    """Turns our errors into one clear message and their exit code; never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a DrillError ends it with its own exit code."""
        try:
            return super().invoke(ctx)
        except DrillError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vauntico-drills")
def main() -> None:
    """
    Break staging on purpose, time the recovery, prove that nothing was lost.

    Exit codes: 0 pass, 1 fail, 2 bad input or usage, 3 unknown, 4 something could not be healed.
    """


cli_control.add_to(main)
cli_lists.add_to(main)
main.add_command(postmortem)


@main.command()
@click.argument("scenario")
@environment_option
@click.option("--seed", type=int, default=None, help="Decides every random choice.")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Where runs are kept.")
@click.option("--game-day", is_flag=True, help="People respond, on a live page; prints its link.")
@click.option(
    "--time-scale",
    type=click.FloatRange(1, 3600),
    default=None,
    help="Seconds of the playbook in one real second, instead of the scenario's own.",
)
def run(
    scenario: str,
    env: str,
    seed: int | None,
    runs: Path | None,
    game_day: bool,
    time_scale: float | None,
) -> None:
    """Rehearse SCENARIO (a name or a path) and write its report."""
    import secrets  # noqa: PLC0415

    import anyio  # noqa: PLC0415

    with _starting():
        from experiments.launch import Request, launch  # noqa: PLC0415
        from experiments.run_folder import RUNS  # noqa: PLC0415

        plan = _plan(scenario, env, game_day=game_day, time_scale=time_scale)
    chosen = secrets.randbelow(2**31) if seed is None else seed
    request = Request(name=scenario, env=env, seed=chosen, runs=runs or RUNS, game_day=game_day)
    with _view() as listen:
        done = anyio.run(launch, plan, request, listen, _announce)
    _tell(done)


@contextmanager
def _starting() -> "Iterator[None]":
    """
    What is made here lives until the end: looking through it for garbage takes a fifth of a start.

    Nor is it looked through later, while probes wait for their turn.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _announce(link: str) -> None:
    click.echo(f"game day: {link}", err=True)


@main.command()
@environment_option
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Where runs are kept.")
@click.option("--since", default=None, help="Measure the recovery from here: 10m ago, or ISO 8601.")
@click.option("--within", default=None, help="Fail if it took longer than this, such as 1h.")
@click.option("--guardrails", is_flag=True, help="Look up the playbook's guardrails as well.")
def verify(
    env: str, runs: Path | None, since: str | None, within: str | None, guardrails: bool
) -> None:
    """Run all validators and no fault: the recovery check after a rollback."""
    import anyio  # noqa: PLC0415

    from experiments.environment import find_environment  # noqa: PLC0415
    from experiments.run_folder import RUNS  # noqa: PLC0415
    from experiments.since import parse_limit, parse_since  # noqa: PLC0415
    from experiments.site import load_site  # noqa: PLC0415
    from experiments.verify import Asked, verify_environment  # noqa: PLC0415

    file = find_environment(env)
    asked = Asked(
        env=env,
        runs=runs or RUNS,
        since_wall_s=None if since is None else parse_since(since, time.time()),
        within_s=parse_limit(within, since),
        guardrails=guardrails,
    )
    with _view() as listen:
        done = anyio.run(verify_environment, load_site(file), file, asked, listen)
    _tell(done)


@main.command()
@click.argument("scenario")
@environment_option
def plan(scenario: str, env: str) -> None:
    """Show what SCENARIO would do; touches nothing."""
    import anyio  # noqa: PLC0415

    from experiments.describe import describe  # noqa: PLC0415
    from experiments.people import refuse_slow_chains  # noqa: PLC0415

    made = _plan(scenario, env)
    anyio.run(refuse_slow_chains, made)
    for line in describe(made):
        click.echo(line)


@main.command()
@environment_option
@click.option("--force", is_flag=True, help="Even if another's drill holds it and may be alive.")
def heal(env: str, force: bool) -> None:
    """Put back whatever a drill that died left on staging; works from any checkout."""
    import shlex  # noqa: PLC0415

    from experiments.environment import find_environment, load_environment  # noqa: PLC0415
    from experiments.runtime.docker.claim import heal as heal_stack  # noqa: PLC0415

    environment, _ = load_environment(find_environment(env))
    healing = heal_stack(
        environment.compose.project,
        environment.engine,
        force=force,
        command=f"drill heal --env {shlex.quote(env)}",
    )
    for line in healing.healed:
        click.echo(f"healed: {line}")
    for one in healing.remaining:
        click.echo(f"still there: {one.what}; heal it with: {one.command}", err=True)
    if healing.remaining:
        sys.exit(EXIT_UNHEALED)
    click.echo("staging is clean")


@main.command()
@click.argument("run_name", metavar="RUN", default="latest")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Where runs are kept.")
def report(run_name: str, runs: Path | None) -> None:
    """Make the reports of RUN again from its journal (a name below the runs, or a path)."""
    from experiments.run_folder import RUNS  # noqa: PLC0415
    from reports.text import render_text  # noqa: PLC0415
    from reports.write import load, write_all  # noqa: PLC0415

    directory = Path(run_name) if "/" in run_name else (runs or RUNS) / run_name
    journal = load(directory)
    write_all(directory.resolve(), journal)
    click.echo(render_text(journal, directory.resolve()))


def _plan(
    scenario: str, env: str, *, game_day: bool = False, time_scale: float | None = None
) -> "Plan":
    from experiments.environment import find_environment  # noqa: PLC0415
    from experiments.plan import make_plan  # noqa: PLC0415
    from experiments.scenario import adapted, find_scenario, load_scenario  # noqa: PLC0415
    from experiments.site import load_site  # noqa: PLC0415

    model, document = load_scenario(find_scenario(scenario))
    model = adapted(model, game_day=game_day, time_scale=time_scale)
    return make_plan(model, document, load_site(find_environment(env)))


def _view() -> "_View":
    return _View(live=sys.stderr.isatty())


class _View:
    """The live view on a terminal, plain lines on standard error elsewhere."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> "Callable[[Recorder], Sequence[Listener]]":
        return self._listen

    def __exit__(self, *rest: object) -> None:
        self._stop()

    def _listen(self, recorder: "Recorder") -> "Sequence[Listener]":
        if self._live:
            self._stop = _screen(recorder)
            return []
        from experiments.launch import as_listener  # noqa: PLC0415
        from reports.live import plain_line  # noqa: PLC0415

        return [as_listener(lambda line: click.echo(line, err=True), plain_line)]


def _screen(recorder: "Recorder") -> "Callable[[], None]":
    """Start the live view on standard error; returns what ends it."""
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    from reports.live import LiveView  # noqa: PLC0415

    view = LiveView(recorder.journal)
    zero = time.monotonic() - recorder.t()
    live = Live(
        get_renderable=lambda: view.renderable(time.monotonic() - zero),
        console=Console(stderr=True),
        refresh_per_second=4,
        transient=True,
    )
    live.start()
    return live.stop


def _tell(done: "Launched") -> None:
    from reports.text import render_text  # noqa: PLC0415
    from reports.write import write_all  # noqa: PLC0415

    code = done.exit_code
    try:
        write_all(done.directory, done.journal)
    except OSError as error:
        click.echo(f"{done.directory}: the report cannot be written: {error.strerror}", err=True)
        code = code if code != EXIT_PASS else EXIT_UNKNOWN
    click.echo(render_text(done.journal, done.directory))
    sys.exit(code)


if __name__ == "__main__":
    main()
