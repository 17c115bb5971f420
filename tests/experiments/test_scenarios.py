"""Every scenario of the library can be rehearsed in the bundled environment."""

from pathlib import Path

import pytest

from experiments.environment import find_environment
from experiments.plan import make_plan
from experiments.scenario import SCENARIOS, load_scenario
from experiments.site import load_site

EVERY = sorted(SCENARIOS.rglob("*.yaml"))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_a_scenario_of_the_library_makes_a_plan(path: Path) -> None:
    """
    What is shipped is not refused: its faults fit together, and all that it names is there.
    """
    scenario, document = load_scenario(path)

    plan = make_plan(scenario, document, load_site(find_environment("bundled")))

    assert plan.faults
