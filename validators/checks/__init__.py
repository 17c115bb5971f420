"""The catalogue of checks; the union for the scenario's model is derived from it."""

from validators.checks import after, always, during, later
from validators.checks.base import CheckSpec, ImpliedCheck

CHECKS: tuple[type[CheckSpec], ...] = (*during.CHECKS, *after.CHECKS, *later.CHECKS)
"""What a scenario may name."""

ALWAYS: tuple[type[CheckSpec], ...] = always.CHECKS
"""What is judged in every drill."""

IMPLIED: tuple[type[ImpliedCheck], ...] = ()
"""What a scenario promises by rehearsing detection, people, messages or releases."""
