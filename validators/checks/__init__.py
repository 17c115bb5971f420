"""The catalogue of checks; the union for the scenario's model is derived from it."""

from validators.checks import (
    after,
    always,
    communication,
    detection,
    during,
    ledger,
    monitoring,
    response,
)
from validators.checks.base import CheckSpec, ImpliedCheck

CHECKS: tuple[type[CheckSpec], ...] = (
    *during.CHECKS,
    *after.CHECKS,
    *detection.CHECKS,
    *response.CHECKS,
    *communication.CHECKS,
    *monitoring.CHECKS,
    *ledger.CHECKS,
)
"""What a scenario may name."""

ALWAYS: tuple[type[CheckSpec], ...] = always.CHECKS
"""What is judged in every drill."""

IMPLIED: tuple[type[ImpliedCheck], ...] = (
    *detection.IMPLIED,
    *response.IMPLIED,
    *communication.IMPLIED,
    *monitoring.IMPLIED,
)
"""What a scenario promises by rehearsing detection, people, messages or releases."""

IMPLIES: dict[str, tuple[type[CheckSpec], ...]] = ledger.IMPLIES
"""What a scenario promises by naming a check that stands for several."""
