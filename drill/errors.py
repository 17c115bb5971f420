"""
Everything that can stop a drill, and the exit code each brings.

    DrillError
    ├── BadInput        2  a file, an option or a rule of safety says no; nothing was touched
    ├── StagingBusy     2  another drill holds this staging
    ├── Unsure          3  the drill could not look, so it cannot conclude
    └── Unhealed        4  something on staging could not be put back

A failed drill is a result and no exception: it ends with exit code 1.
"""

from collections.abc import Sequence

EXIT_PASS, EXIT_FAIL, EXIT_USAGE, EXIT_UNKNOWN, EXIT_UNHEALED = range(5)


class DrillError(Exception):
    """Stops the drill with a message a tired person can act on."""

    exit_code = EXIT_FAIL


class BadInput(DrillError):
    """The input cannot be used; carries every problem found, one line each."""

    exit_code = EXIT_USAGE

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class StagingBusy(DrillError):
    """Another drill is running on this staging."""

    exit_code = EXIT_USAGE


class Unsure(DrillError):
    """A part that was needed to look or to judge is not there."""

    exit_code = EXIT_UNKNOWN


class Unhealed(DrillError):
    """Something is left on staging; the message says what, and the command that heals it."""

    exit_code = EXIT_UNHEALED


def told(error: BaseException) -> str:
    """What went wrong, from the innermost of an error that task groups wrapped, in one clause."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, DrillError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")
