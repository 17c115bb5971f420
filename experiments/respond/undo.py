"""
Undo what only the shop can undo, from a marker on the engine.

    python -m experiments.respond.undo ENVIRONMENT PROJECT UNDO

Called by a guardian as a process of its own; `undo_act` is the same for who has models loaded.
"""

import json
import sys
from pathlib import Path

import anyio

from drill.errors import EXIT_PASS, EXIT_USAGE, BadInput, DrillError
from experiments.environment import find_environment, load_environment
from experiments.respond.flags import Flags

ARGUMENTS = 3


async def undo_act(environment: Path, project: str, undo: str) -> str:
    """
    Put a feature back as *undo* says.

    Args:
        environment: The environment's file; keys are read from there.
        project: The compose project the marker is of; the environment must be of the same.
        undo: JSON text with `feature` and `on`.

    Returns:
        The shop's own answer.

    Raises:
        DrillError: It could not be done; the text says why.
    """
    loaded, _ = load_environment(environment)
    if loaded.compose.project != project:
        raise BadInput(f"{environment} is of project {loaded.compose.project}, not of {project}")
    try:
        said = json.loads(undo)
        feature, on = str(said["feature"]), bool(said["on"])
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"this undo names no feature: {undo}") from None
    return await Flags(loaded.web, loaded.features).set_flag(feature, on=on)


def main(arguments: list[str]) -> int:
    """Undo one act; the exit code."""
    if len(arguments) != ARGUMENTS:
        sys.stderr.write((__doc__ or "").strip() + "\n")
        return EXIT_USAGE
    return anyio.run(_undo, arguments)


async def _undo(arguments: list[str]) -> int:
    environment, project, undo = arguments
    try:
        proof = await undo_act(find_environment(environment), project, undo)
    except DrillError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{proof}\n")
    return EXIT_PASS


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
