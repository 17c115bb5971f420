"""No promise is kept by a journal that says nothing."""

from typing import Any

import pytest

from drill.journal import Journal
from drill.verdict import Verdict
from validators.checks import ALWAYS, CHECKS, IMPLIED
from validators.checks.base import CheckSpec
from validators.checks.since import RecoveredInTime
from validators.checks.verify import WorksNow

ANY: Any = {"probes": ("shop",), "limit": 5.0, "stable_for": 1.0}
EVERY = (*CHECKS, *ALWAYS, *IMPLIED, WorksNow, RecoveredInTime)


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_no_evidence_is_unknown(check: type[CheckSpec]) -> None:
    """
    Whatever is promised: an empty journal leaves it unknown, with a reason and whose doing it is.
    """
    found = check.model_construct(None, **ANY).judge(Journal())

    assert found.verdict is Verdict.UNKNOWN
    assert found.reason
    assert found.cause is not None
