"""What a plan asks of customers and of promises about payments."""

from collections.abc import Iterator

from experiments.environment_shop import unreadable
from experiments.files import Location
from experiments.load.planning import load_problems
from experiments.scenario import Scenario
from experiments.site import Site


def payment_problems(scenario: Scenario, site: Site) -> Iterator[tuple[Location, str]]:
    """Why nobody could buy here, or nobody judge what came of it, each with its place."""
    yield from load_problems(scenario.load, site.environment)
    yield from _ledger_problems(scenario, site)


def _ledger_problems(scenario: Scenario, site: Site) -> Iterator[tuple[Location, str]]:
    """Why a promise about payments could not be judged here."""
    for part in ("during", "after"):
        for index, check in enumerate(getattr(scenario, part)):
            if check.check != "loses_nothing":
                continue
            place: Location = (part, index, "check")
            if part == "during":
                yield place, "loses_nothing is judged when all is over: write it under `after`"
            for text in unreadable(site.environment.shop, site.services):
                yield place, f"loses_nothing cannot be judged here: {text}"
            if scenario.load is None or not scenario.load.purchases:
                text = "loses_nothing has nothing to judge: nobody buys"
                yield place, f"{text}; add `load: {{customers: 5, purchases: 20}}`"
