"""What a check may conclude and what a probe may see, each in its order of severity."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Verdict(IntEnum):
    """The outcome of a check or a drill; the worst wins."""

    PASS = 0
    UNKNOWN = 1
    FAIL = 2

    @property
    def word(self) -> str:
        """The verdict as it is written in journals and reports."""
        return self.name.lower()


class Health(IntEnum):
    """What one look at staging saw."""

    OK = 0
    DEGRADED = 1
    LIMITED = 2
    DOWN = 3

    @property
    def word(self) -> str:
        """The health as it is written in reports."""
        return self.name.lower()


class Cause(StrEnum):
    """Whose doing it is when a finding is not a pass."""

    APPLICATION = "application"
    HARNESS = "harness"
    ENVIRONMENT = "environment"


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """
    Give the worst of several verdicts.

    Returns:
        UNKNOWN if there are none: no evidence never passes.
    """
    return max(verdicts, default=Verdict.UNKNOWN)
