"""What the judge makes of journals made by hand."""

from drill.events import (
    FaultChange,
    MomentSet,
    Observation,
    Planned,
    PlannedFault,
    PlannedProbe,
    Recovered,
    SeverityJudged,
    SlaJudged,
)
from drill.journal import Journal
from drill.verdict import Health
from experiments.judge import judge
from tests.experiments.conftest import header

FAULT = PlannedFault("f1", "container.pause", "redis", "{}", "", 0.0, 10.0)
PROBE = PlannedProbe("shop", "http", sacred=False, period_s=1.0, deadline_s=0.8)


def test_a_run_without_faults_has_findings_and_no_recovery() -> None:
    """
    `drill verify` breaks nothing, so no severity, clock or moment of an incident is judged.
    """
    journal = Journal()
    journal.add(header())
    journal.add(Planned(0.0, [], [PROBE], [], 1.0))
    journal.add(Observation("shop", 1.0, 1.0, 1.1, Health.OK))

    events = judge(journal, [], 5.0).events

    assert not [e for e in events if isinstance(e, Recovered | SeverityJudged | SlaJudged)]


def test_what_was_on_its_way_when_the_fault_began_starts_no_outage() -> None:
    """
    A look sent before the fault and answered badly in it has a recovery, and no impact to count.
    """
    journal = Journal()
    journal.add(header())
    journal.add(Planned(0.0, [FAULT], [PROBE], [], 1.0))
    for t, state in ((10.0, "intent"), (10.1, "effective"), (20.0, "healing"), (20.1, "healed")):
        journal.add(FaultChange(t, "f1", state))  # type: ignore[arg-type]
    journal.add(Observation("shop", 9.9, 9.9, 10.5, Health.DOWN))
    for second in range(11, 40):
        journal.add(Observation("shop", second, second, second + 0.1, Health.OK))

    events = judge(journal, [], 40.0).events

    assert "impact" not in {e.name for e in events if isinstance(e, MomentSet)}
    clocks = {e.name: e.status for e in events if isinstance(e, SlaJudged)}
    assert clocks == {"recover": "met"}
