"""The states of a container as faults, in virtual time."""

import pytest

from drill.events import FaultChange, Planned
from tests.experiments.conftest import SCENARIO, Rehearsal

PAUSED = "{fault: container.pause, target: backend, at: 1s, for: 20s}"


@pytest.mark.parametrize(
    ("fault", "act", "shown", "back"),
    [
        ("{fault: container.pause, target: backend, for: 9s}", "pause", "pause", "unpause"),
        ("{fault: container.stop, target: backend, for: 9s}", "stop", "die", "start"),
        ("{fault: container.kill, target: backend}", "crash", "die", "start"),
        ("{fault: container.restart, target: backend}", "restart", "die", "start"),
    ],
)
def test_what_is_done_to_a_container_is_shown_by_the_engine(
    fault: str, act: str, shown: str, back: str
) -> None:
    """
    In force and gone again by the engine's own events, and planned by a way that is named.
    """
    drill = Rehearsal(SCENARIO.replace(PAUSED, fault))

    drill.run()

    states = {change.state: change for change in drill.journal.every(FaultChange)}
    assert drill.stack.acts[1] == f"{act} backend"
    assert states["effective"].proof == f"the engine's event {shown}"
    assert states["healed"].proof == f"the engine's event {back}"
    assert drill.stack.status["backend"] == "running"
    assert drill.first(Planned).faults[0].path
