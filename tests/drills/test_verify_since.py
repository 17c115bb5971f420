"""`drill verify --since`: the last step after a rollback, against the bundled staging."""

from __future__ import annotations

import pytest

from tests.drills.conftest import Desk, twice

pytestmark = [pytest.mark.docker, pytest.mark.browser]


@twice
def test_a_recovery_check_passes_on_a_whole_staging(desk: Desk) -> None:
    """
    Everything is good now: exit code 0, with the interval since the moment and its limit.
    """
    done = desk.drill("verify", "--since", "10m", "--within", "1h", *desk.kept)

    assert done.code == 0, done.out + done.err
    clock = next(sla for sla in done.report["slas"] if sla["name"] == "recover")
    assert (clock["status"], clock["limit_s"]) == ("met", 3600)
    assert done.finding("monitoring_is_whole")["verdict"] == "pass"
    assert done.directory is not None
    assert "recovered_in_time" in (done.directory / "junit.xml").read_text()


@pytest.mark.thorough
@twice
def test_a_recovery_check_fails_while_a_part_is_frozen(desk: Desk) -> None:
    """
    With the sacred features' server frozen: exit code 1, and it names what is down.
    """
    server = desk.stack.container("trust-score-backend")
    server.pause()
    try:
        done = desk.drill("verify", "--since", "1m", "--within", "61s", *desk.kept)
    finally:
        server.unpause()

    assert done.code == 1, done.out + done.err
    assert done.finding("recovered_in_time")["verdict"] == "fail"
    assert done.finding("works_now(love-loops)")["verdict"] == "fail"
