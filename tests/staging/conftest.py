"""
A staging stack of its own for the tests.

From elsewhere: `pytest_plugins = ["tests.staging.conftest"]`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from uuid import uuid4

import pytest

from tests.staging.stack import Stack, free_port

LOG_LINES = 60


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A staging stack of its own, taken down with its data at the end."""
    stack = Stack(f"stg-test-{uuid4().hex[:8]}", free_port(), free_port(), free_port())
    try:
        stack.script("up")
        yield stack
    finally:
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
