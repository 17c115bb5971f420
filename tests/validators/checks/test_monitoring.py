"""What the checks of the monitoring conclude from journals made by hand."""

from typing import Literal

import pytest

from drill.incident import IncidentPlanned, MonitoringSeen, PlannedDetection
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.monitoring import MonitoringIsWhole, PanelsMoved

When = Literal["before", "during", "after"]


def seen(when: When, what: str, *, ok: bool | None, detail: str = "") -> MonitoringSeen:
    return MonitoringSeen(1.0, when, what, ok, detail)


def journal(*looks: MonitoringSeen) -> Journal:
    made = Journal()
    for look in looks:
        made.add(look)
    return made


UP = seen("after", "targets are up", ok=True, detail="8 targets")
DOWN = seen("after", "targets are up", ok=False, detail="shop is down")
DOWN_BEFORE = seen("before", "targets are up", ok=False)
NOBODY = seen("after", "rules are healthy", ok=None, detail="no connection")
SOURCE = seen("after", "source alertmanager", ok=None)


@pytest.mark.parametrize(
    ("looks", "verdict", "cause", "reason"),
    [
        ([UP, SOURCE], Verdict.PASS, None, "targets are up (8 targets)"),
        ([UP, DOWN], Verdict.FAIL, Cause.APPLICATION, "not so: targets are up (shop is down)"),
        (
            [DOWN_BEFORE, DOWN],
            Verdict.FAIL,
            Cause.ENVIRONMENT,
            "not so: targets are up (shop is down), and was not so before the drill either",
        ),
        ([UP, NOBODY], Verdict.UNKNOWN, Cause.ENVIRONMENT, "rules are healthy? no connection"),
        ([DOWN_BEFORE], Verdict.UNKNOWN, Cause.HARNESS, "nobody looked at the monitoring after"),
        ([SOURCE], Verdict.UNKNOWN, Cause.HARNESS, "nobody looked at the monitoring afterwards"),
    ],
)
def test_the_monitoring_is_whole_or_what_is_wrong_is_named(
    looks: list[MonitoringSeen], verdict: Verdict, cause: Cause | None, reason: str
) -> None:
    """One thing that is wrong fails; what nobody could ask is unknown."""
    finding = MonitoringIsWhole().judge(journal(*looks))
    assert (finding.verdict, finding.cause) == (verdict, cause)
    assert finding.reason.startswith(reason)


@pytest.mark.parametrize(
    ("ok", "verdict", "cause"),
    [
        (True, Verdict.PASS, None),
        (False, Verdict.FAIL, Cause.APPLICATION),
        (None, Verdict.UNKNOWN, Cause.ENVIRONMENT),
    ],
)
def test_a_panel_that_did_not_move_is_named(
    ok: bool | None, verdict: Verdict, cause: Cause | None
) -> None:
    """A dashboard that does not show an outage is no dashboard."""
    finding = PanelsMoved().judge(journal(seen("during", "panel errors moved", ok=ok, detail="d")))
    assert (finding.verdict, finding.cause) == (verdict, cause)
    assert "panel errors moved" in finding.reason


def test_panels_that_nobody_looked_at_are_unknown() -> None:
    """Looks at sources of alerts are no looks at panels."""
    looks = [
        seen("during", "source alertmanager", ok=True),
        seen("after", "panel a moved", ok=True),
    ]
    assert PanelsMoved().judge(journal(*looks)).verdict is Verdict.UNKNOWN


def test_the_monitoring_is_judged_where_a_promise_relies_on_it() -> None:
    """A customer's report needs no Prometheus."""
    plans = [
        IncidentPlanned(
            0, "p", 1, None, None, {}, {}, detections=[PlannedDetection("a", source, 1)]
        )
        for source in ("alertmanager", "support")
    ]
    assert [MonitoringIsWhole.applies(plan) for plan in plans] == [True, False]
