"""`drill` as a person runs it: a process of its own against a bundled staging of its own."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import pytest

from tests.staging.stack import Stack

RUN_LIMIT_S = 240
P = ParamSpec("P")


def twice(test: Callable[P, None]) -> Callable[P, None]:
    """
    Let a whole drill fail once: other work on two cores can starve the staging that it looks at.

    What failed is printed; a second failure in a row counts.
    """

    @functools.wraps(test)
    def again(*given: P.args, **named: P.kwargs) -> None:
        try:
            test(*given, **named)
        except AssertionError as first:
            print(f"failed once, and is tried again:\n{first}")
            test(*given, **named)

    return again


@dataclass
class Done:
    """A drill that ended."""

    code: int
    out: str
    err: str
    directory: Path | None

    @property
    def report(self) -> dict[str, Any]:
        """Its report.json."""
        assert self.directory is not None, f"no run was kept:\n{self.out}\n{self.err}"
        found: dict[str, Any] = json.loads((self.directory / "report.json").read_bytes())
        return found

    def finding(self, check: str) -> dict[str, Any]:
        """The finding whose check begins so."""
        return next(f for f in self.report["findings"] if f["check"].startswith(check))


class Desk:
    """Somebody at a keyboard beside a staging."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.runs = folder / "runs"

    def write(self, name: str, text: str) -> str:
        """A scenario or environment file of this test."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `drill` and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def command(self, *arguments: str) -> list[str]:
        """The words that start `drill`."""
        return [sys.executable, "-m", "experiments.cli", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.stack.environment}

    @property
    def kept(self) -> tuple[str, str]:
        """Where this test keeps its runs."""
        return "--runs", str(self.runs)

    def drill(self, *arguments: str) -> Done:
        """Run `drill` to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=RUN_LIMIT_S)
        return self.done(process.returncode, out, err)

    def run(self, scenario: str, *arguments: str) -> Done:
        """Rehearse one scenario to its end."""
        return self.drill("run", scenario, "--runs", str(self.runs), *arguments)

    def done(self, code: int, out: str, err: str) -> Done:
        """What a process left."""
        kept = sorted(p for p in self.runs.glob("2*") if p.is_dir() and not p.is_symlink())
        return Done(code, out, err, kept[-1] if kept else None)


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Desk:
    return Desk(stack, tmp_path)
