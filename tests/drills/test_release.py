"""A bad release on the bundled staging, looked at by HTTP alone: what no browser is needed for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.conftest import Desk, twice
from tests.drills.kept import kept_every_promise

SHIPPED = Path(__file__).parents[2] / "scenarios/bad-release-rollback.yaml"
BY_HTTP = {
    "probes: [paystack-checkout, checkout-ready]": "probes: [checkout-ready]",
    "probes: [all]": "probes: [http]",
}
PACE = ("--time-scale", "180")
"""People answer three times as fast as the scenario says, and their clocks run as fast."""

pytestmark = pytest.mark.docker


@twice
def test_a_bad_release_is_rolled_back_within_every_clock(desk: Desk) -> None:
    """
    Alert, acknowledgement, containment, rollback by tag, and everybody told, as shipped.
    """
    text = SHIPPED.read_text()
    for journeys, by_http in BY_HTTP.items():
        assert journeys in text
        text = text.replace(journeys, by_http)

    kept_every_promise(desk, desk.run(desk.write("bad-release-by-http.yaml", text), *PACE))
