"""Customers and ledgers beside a drill, in virtual time: who comes when, and who is sent away."""

import anyio
import pytest

from drill.events import Aborted, Phase
from tests.experiments.conftest import Rehearsal

BUYING_S = 40.0


class Money:
    """Writes down when each part of the payments side was called, by the drill's phase."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.calls: list[tuple[str, str]] = []

    async def called(self, what: str, takes_s: float = 0.0) -> None:
        phases = [each.name for each in self.rehearsal.journal.every(Phase)]
        self.calls.append((what, phases[-1]))
        await anyio.sleep(takes_s)

    async def before(self) -> None:
        await self.called("canaries")

    async def reconcile(self) -> None:
        await self.called("reconcile", 5.0)

    async def start(self) -> None:
        await self.called("start")

    async def finish(self) -> None:
        await self.called("finish", BUYING_S)

    async def drain(self) -> None:
        await self.called("drain")

    async def stop(self) -> None:
        await self.called("stop")


@pytest.fixture
def money(rehearsal: Rehearsal) -> Money:
    rehearsal.load = rehearsal.ledgers = made = Money(rehearsal)
    return made


def test_customers_come_after_the_canaries_and_leave_before_the_books_are_read(
    rehearsal: Rehearsal, money: Money
) -> None:
    """
    Canaries alone, then the load over all faults; the ledgers only when everybody is done.
    """
    assert rehearsal.run() == 0

    assert money.calls == [
        ("canaries", "preflight"),
        ("start", "preflight"),
        ("finish", "reconcile"),
        ("drain", "reconcile"),
        ("reconcile", "reconcile"),
        ("stop", "reconcile"),
    ]


def test_a_drill_that_is_stopped_sends_its_customers_away(
    rehearsal: Rehearsal, money: Money
) -> None:
    """
    Whatever ends a drill, the load is stopped, and ledgers that nobody waited for are not read.
    """

    async def stop(drilled: Rehearsal) -> None:
        await anyio.sleep(6)
        drilled.control.abort("stopped by SIGTERM")

    rehearsal.meanwhile = stop

    assert rehearsal.run() == 3
    assert [what for what, _ in money.calls] == ["canaries", "start", "stop"]
    assert rehearsal.first(Aborted).reason == "stopped by SIGTERM"


def test_what_fails_on_the_payments_side_ends_the_drill_in_order(
    rehearsal: Rehearsal, money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A load that cannot start breaks nothing: the drill is unknown and staging is given back.
    """

    async def fail() -> None:
        await anyio.sleep(0.1)
        raise OSError("no pipes")

    monkeypatch.setattr(money, "start", fail)

    assert rehearsal.run() == 3
    assert "no pipes" in rehearsal.first(Aborted).reason
    assert rehearsal.states() == ["armed"]
    assert rehearsal.stack.released
