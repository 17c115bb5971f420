"""What holds for the project as a whole: names, files, locks, and the scripts that set it up."""

import ast
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("drill", "experiments", "validators", "reports")
LOCKS = ("requirements.lock", "requirements-dev.lock")
FILE_LIMIT_LINES = 300
FUNCTION_LIMIT_LINES = 70
# Written in pieces, so that this file may be searched like any other.
HOSTS = re.compile("|".join(("py" + r"pi\.org", "python" + r"hosted\.", r"registry\.np" + r"mjs")))
MACHINE = re.compile("|".join((r"/wo" + r"rk/(main|shared|\.library)", r"/op" + "t/(pypi|wheels)")))

Script = Callable[..., "subprocess.CompletedProcess[str]"]


def committed(*patterns: str) -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return (ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_provides_our_names(name: str) -> None:
    """An installed package called `validators` would win over ours without a word."""
    assert set(packages_distributions().get(name, [])) <= {"vauntico-drills"}


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    """The project is set up by package names alone, on any machine and from any mirror."""
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed()
        for match in [
            pattern.search(path.read_text(errors="replace")) for pattern in (HOSTS, MACHINE)
        ]
        if match
    ]
    assert found == []


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    """`make help` lists every target, so none is known only to its author."""
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)", text, re.MULTILINE)
    helped = re.findall(r"^([a-z][a-z-]*):.*## \S", text, re.MULTILINE)
    phony = re.findall(r"[a-z-]+", text.replace("\\\n", " ").split(".PHONY:")[1])
    assert targets == helped
    assert sorted(phony) == sorted(targets)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_with_hashes_and_names_no_index(name: str) -> None:
    """A locked install takes exactly what was locked, from wherever the machine takes packages."""
    text = (ROOT / name).read_text()
    packages = re.findall(r"^\S+==\S+.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(packages) > 10
    assert [entry for entry in packages if "--hash=sha256:" not in entry] == []
    assert re.findall(r"://|--index|--extra|--find|^\./|^/", text, re.MULTILINE) == []


def test_the_developers_lock_holds_what_drills_run_with() -> None:
    """What was tested is what runs: every pin of the one lock is a pin of the other."""
    run, develop = (
        set(re.findall(r"^\S+==\S+", (ROOT / n).read_text(), re.MULTILINE)) for n in LOCKS
    )
    assert run <= develop


def test_no_file_is_too_long_to_read() -> None:
    """A module of more than 300 lines has two things to say."""
    long = [str(p) for p in committed("*.py") if len(p.read_text().splitlines()) > FILE_LIMIT_LINES]
    assert long == []


def test_no_function_is_too_long_to_read() -> None:
    """A function of more than 70 lines does two things."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in committed("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LIMIT_LINES
    ]
    assert long == []


@pytest.fixture
def machine(tmp_path: Path) -> Script:
    """A machine with a few real commands and the fakes a test names; runs one of our scripts."""
    commands, run, home = tmp_path / "bin", tmp_path / "run", tmp_path / "home"
    for folder in (commands, run, home):
        folder.mkdir()
    for real in ("sh", "cat", "date", "dirname", "grep", "head", "mktemp", "printf", "ps", "rm"):
        link(commands, real)
    for real in ("sed", "setsid", "sleep", "tail", "timeout", "touch", "tr"):
        link(commands, real)

    def ours(
        script: str, fakes: dict[str, str], **variables: str
    ) -> subprocess.CompletedProcess[str]:
        for name, body in {"id": "echo 0", **fakes}.items():
            (commands / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{body}\n")
            (commands / name).chmod(0o755)
        given = {"PATH": str(commands), "HOME": str(home), "DRILL_RUN_DIR": str(run)}
        given |= {"DRILL_ENGINE_LOG": str(tmp_path / "log"), "DRILL_START_LIMIT_S": "5"}
        return subprocess.run(
            [str(ROOT / script)],
            env=given | variables,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
            check=False,
        )

    return ours


def link(commands: Path, name: str) -> None:
    for folder in os.environ["PATH"].split(":"):
        real = Path(folder, name)
        if real.exists():
            (commands / name).symlink_to(real.resolve())
            return


# An engine that answers once dockerd has been started; the number in the pid file is nobody's.
CLIENT = "test -f started || { echo Cannot connect >&2; exit 1; }"
DOCKERD = "test ! -f run/docker.pid || exit 1; touch started; exec sleep 3"
COMPOSE = "exit 0"
APT = 'echo "$@" >>apt; exit 0'


def test_an_engine_that_answers_is_left_alone(machine: Script, tmp_path: Path) -> None:
    """Where an engine answers, setup installs and starts nothing."""
    (tmp_path / "started").touch()
    done = machine("setup/engine", {"docker": CLIENT, "docker-compose": COMPOSE, "apt-get": APT})
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "apt").exists()


def test_an_engine_is_started_over_what_a_dead_one_left(machine: Script, tmp_path: Path) -> None:
    """A pid file whose process is gone is removed and dockerd started again."""
    (tmp_path / "run/docker.pid").write_text("4194999")
    (tmp_path / "run/docker/containerd").mkdir(parents=True)
    (tmp_path / "run/docker/containerd/containerd.pid").write_text("4194998")
    fakes = {"docker": CLIENT, "dockerd": DOCKERD, "docker-compose": COMPOSE}
    done = machine("setup/engine", fakes)
    assert done.returncode == 0, done.stderr
    assert "dockerd has died" in done.stderr
    assert not (tmp_path / "run/docker/containerd/containerd.pid").exists()


def test_a_pid_given_to_another_program_proves_dockerd_dead(
    machine: Script, tmp_path: Path
) -> None:
    """After a restart of the machine the old number may belong to anyone."""
    (tmp_path / "run/docker.pid").write_text(str(os.getpid()))
    fakes = {"docker": CLIENT, "dockerd": DOCKERD, "docker-compose": COMPOSE}
    assert machine("setup/engine", fakes).returncode == 0


@pytest.mark.parametrize(
    "variables",
    [{"DOCKER_HOST": "tcp://127.0.0.1:1"}, {"DOCKER_CONTEXT": "production"}],
)
def test_somebodys_silent_engine_is_not_replaced(
    machine: Script, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Where DOCKER_HOST or a context is set, setup says so and installs nothing."""
    done = machine("setup/engine", {"docker": CLIENT, "apt-get": APT}, **variables)
    assert done.returncode == 2
    assert "does not answer" in done.stderr
    assert not (tmp_path / "apt").exists()


def test_a_client_without_any_engine_gets_one(machine: Script, tmp_path: Path) -> None:
    """A docker command alone is no engine: the engine is installed, and setup says so."""
    apt = f"{APT.removesuffix('; exit 0')}; touch started"
    fakes = {"docker": CLIENT, "docker-compose": COMPOSE, "apt-get": apt}
    done = machine("setup/engine", fakes)
    assert done.returncode == 0, done.stderr
    assert "installing the Docker engine" in done.stderr
    assert "docker.io" in (tmp_path / "apt").read_text()


def test_nothing_is_installed_where_that_is_forbidden(machine: Script, tmp_path: Path) -> None:
    """`DRILL_NO_INSTALL=1` ends with exit code 2 and the command a person could give."""
    done = machine("setup/engine", {"docker": CLIENT, "apt-get": APT}, DRILL_NO_INSTALL="1")
    assert done.returncode == 2
    assert "DRILL_NO_INSTALL=1" in done.stderr
    assert not (tmp_path / "apt").exists()
