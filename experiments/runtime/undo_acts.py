"""
Undoing an act that only the shop can undo, from another process than the drill's.

The marker on the engine names the environment's file and the feature; the shop's key is read from
that file, in a process of its own, so that a guardian need not load our models.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from drill.errors import Unsure
from experiments.runtime.shapes import Intended

UNDO_LIMIT_S = 15.0
ROOT = Path(__file__).parents[2]
UndoAct = Callable[[Intended, str], str]
"""Undoes one act on one project and gives what it did; raises DrillError if it could not."""


def in_subprocess(act: Intended, project: str) -> str:
    """
    Undo *act* on *project* by `python -m experiments.respond.undo`.

    Raises:
        Unsure: It could not be undone; the text says why.
    """
    command = [sys.executable, "-m", "experiments.respond.undo"]
    if not act.environment:
        raise Unsure("its marker names no environment file; pass one to `drill heal --env`")
    environment = {k: v for k, v in os.environ.items() if k != "DRILL_RUN"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [*command, act.environment, project, act.undo],
            env=environment | {"PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=UNDO_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unsure(f"no answer within {UNDO_LIMIT_S:g} s") from None
    if done.returncode != 0:
        raise Unsure(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    return done.stdout.strip()
