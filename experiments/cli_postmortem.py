"""`drill postmortem`: draft it, and check that people have finished it."""

import shlex
import sys
from pathlib import Path

import click

from drill.errors import EXIT_FAIL, BadInput


@click.command()
@click.argument("run_name", metavar="RUN", default="latest")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Where runs are kept.")
@click.option("--check", is_flag=True, help="Fail while something is still to fill in.")
@click.option("--env", default=None, help="Whose HOTFIX template; the drill's own if not given.")
def postmortem(run_name: str, runs: Path | None, check: bool, env: str | None) -> None:
    """
    Draft the postmortem of RUN (a name below the runs, or a path); never over an edited one.

    With --check, RUN may also be a Markdown file: every line printed is one thing that a person
    still has to fill in, and the exit code is 1 while there is any.
    """
    from experiments.run_folder import RUNS  # noqa: PLC0415

    given = Path(run_name)
    place = given if "/" in run_name or given.suffix == ".md" else (runs or RUNS) / run_name
    if check:
        _check(place)
    else:
        _make(place, env)


def _check(place: Path) -> None:
    from reports.postmortem_files import check_file  # noqa: PLC0415

    problems = check_file(place)
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(EXIT_FAIL)
    click.echo(f"{place}: complete")


def _make(directory: Path, env: str | None) -> None:
    from reports.postmortem_files import make_postmortem  # noqa: PLC0415
    from reports.write import load  # noqa: PLC0415

    journal = load(directory)
    try:
        made = make_postmortem(directory.resolve(), journal, _form(journal.header.command, env))
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror}") from None
    for note in made.notes:
        click.echo(note, err=True)
    for path in (made.path, made.page, made.hotfix):
        if path:
            click.echo(str(path))


def _form(command: str, env: str | None) -> Path | None:
    """The HOTFIX form of the environment that was drilled; without one there is no hotfix.md."""
    from experiments.environment import find_environment, load_environment  # noqa: PLC0415

    name = env or _environment_of(command)
    if name is None:
        return None
    try:
        path = find_environment(name)
        environment, _ = load_environment(path)
    except BadInput as error:
        if env:
            raise
        click.echo(f"no hotfix.md, its environment cannot be read: {error}", err=True)
        return None
    return path.parent / environment.hotfix_template if environment.hotfix_template else None


def _environment_of(command: str) -> str | None:
    """What `--env` says in the line that repeats a drill, None if it says nothing."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--env" and following:
            return following
        if word.startswith("--env="):
            return word.removeprefix("--env=")
    return None
