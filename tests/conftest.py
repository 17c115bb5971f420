"""
What every test shares.

Docker and browser tests run last, are skipped with a reason where the machine cannot run them, and
fail there instead where CI is set: a green CI has really run them.
"""

import os
import shutil
import subprocess
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import coverage
import pytest
from hypothesis import settings

from tests import beside
from tests.beside import scope_of
from tests.staging.ports import free_port
from tests.staging.stack import Stack

# CI's examples are the same each time, so that half of them find what all would, but for luck.
settings.register_profile("ci", settings.get_profile("ci"), max_examples=50)
if settings.get_current_profile_name() == "ci":
    settings.load_profile("ci")

LOOK_LIMIT_S = 15
LOG_LINES = 60
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
ORDER = ("docker", "browser")
THOROUGH = "DRILL_THOROUGH"
"""Set, tests run that show once more, at another step or in another way, what one shows always."""


@cache
def missing_docker() -> str:
    """Why there is no Docker engine for the tests, empty if there is one."""
    command = shutil.which("docker")
    if command is None:
        return "no docker command (setup/engine installs one)"
    try:
        asked = [command, "version", "--format", "{{.Server.Version}}"]
        answer = subprocess.run(asked, capture_output=True, timeout=LOOK_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the Docker engine did not answer within {LOOK_LIMIT_S} s"
    return "" if answer.returncode == 0 else "no Docker engine answers (setup/engine starts one)"


@cache
def missing_browser() -> str:
    """Why there is no Chromium for the tests, empty if there is one."""
    home = Path.home() / ".cache/ms-playwright"
    builds = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", home))
    names = (os.environ.get("DRILL_CHROMIUM", ""), *BROWSERS)
    if any(shutil.which(name) for name in names) or any(builds.glob("chromium-*/chrome-*/*")):
        return ""
    return "no Chromium (setup/chromium installs one)"


MISSING = MappingProxyType({"docker": missing_docker, "browser": missing_browser})


def what_to_do(missing: str, environment: Mapping[str, str]) -> str:
    """Whether a test that misses something is to `run`, `skip` or `fail`."""
    if not missing:
        return "run"
    return "fail" if environment.get("CI", "").lower() not in {"", "0", "false"} else "skip"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(beside)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get(THOROUGH):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in ORDER[::-1]])
    if os.environ.get("PYTEST_XDIST_WORKER"):
        beside.sort(items)


CONTEXT = pytest.StashKey[str]()
"""What is measured now: `fast` or `other`."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """What the fast tests reach is kept apart: `make coverage` asks for that alone."""
    measure = coverage.Coverage.current()
    slow = any(item.get_closest_marker(name) for name in ORDER)
    context = "other" if slow else "fast"
    # Each switch writes down everything that was measured before it.
    if measure is not None and item.config.stash.get(CONTEXT, "") != context:
        measure.switch_context(context)
        item.config.stash[CONTEXT] = context


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose machine is not there, or fail it if CI is set; wake its staging."""
    for name, look in MISSING.items():
        if item.get_closest_marker(name) is None:
            continue
        action = what_to_do(look(), os.environ)
        if action == "fail":
            pytest.fail(f"CI is set, but {look()}", pytrace=False)
        if action == "skip":
            pytest.skip(look())
    if "stack" in getattr(item, "fixturenames", ()):
        while resting:
            resting.pop().script("up")


standing: list[Stack] = []
"""The staging that was brought up for this process's tests."""
resting: list[Stack] = []
"""The same, if it was taken down as the next tests need none."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """
    Leave no staging idle beside the tests of others: it would go on taking part of a core.

    Only where scopes come one after the other, as `beside.sort` has them.
    """
    yield
    if not os.environ.get("PYTEST_XDIST_WORKER") or nextitem is None:
        return
    if scope_of(item.nodeid) != scope_of(nextitem.nodeid) and not resting:
        for stack in standing:
            stack.script("down", "--volumes")
            resting.append(stack)


@pytest.fixture
def anyio_backend() -> str:
    """Production runs on asyncio; a test of the engine asks for `trio_clock` instead."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same guardian on a laptop and in CI; tests of the container ask for it."""
    monkeypatch.setenv("DRILL_GUARDIAN", "process")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A staging stack of its own, taken down with its data at the end."""
    stack = Stack(f"stg-test-{uuid4().hex[:8]}", free_port(), free_port(), free_port())
    try:
        stack.script("up")
        standing.append(stack)
        yield stack
    finally:
        standing.clear()
        stack.script("down", "--volumes")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the containers' last words to a failed test."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        logs = stack.compose("logs", "--no-color", f"--tail={LOG_LINES}")
        report.sections.append(("container logs", logs))
    return report
