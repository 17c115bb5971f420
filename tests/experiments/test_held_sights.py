"""What a held edge waits for, and what becomes of it when that cannot be seen."""

import anyio

from drill.errors import Unsure
from drill.events import Aborted, FaultChange
from tests.experiments.test_held import RULE, Buying


def test_a_sight_without_the_next_step_is_not_the_edge() -> None:
    """
    With nothing held back the next step was not reached, so that a kill would prove nothing.
    """
    rehearsal = Buying()
    rehearsal.stack.dropped = 0

    assert rehearsal.run() == 3
    assert not rehearsal.killed
    assert "backend sent nothing to redis" in rehearsal.proofs("not_effective")[0]


def test_a_sight_that_cannot_be_counted_holds_nothing() -> None:
    """
    What cannot be counted before anything is broken is refused with its reason.
    """
    rehearsal = Buying()

    def count() -> int:
        raise Unsure("the shop's database does not answer")

    rehearsal.sights.counts["grant"] = count

    assert rehearsal.run() == 3
    told = "no grant can be counted here: the shop's database does not answer"
    assert told in rehearsal.first(Aborted).reason
    assert "block backend" not in rehearsal.stack.acts


def test_a_sight_that_is_lost_while_held_is_told() -> None:
    """
    A database that does not answer during the hold is the reason, and the edge is let go.
    """
    rehearsal = Buying()

    def count() -> int:
        if RULE in rehearsal.stack.rules:
            raise Unsure("the shop's database does not answer")
        return 3

    rehearsal.sights.counts["grant"] = count

    assert rehearsal.run() == 3
    assert "the shop's database does not answer" in rehearsal.proofs("not_effective")[0]
    assert rehearsal.stack.rules == {}


def test_a_sight_that_hangs_does_not_hold_for_ever() -> None:
    """
    A count that never answers ends with the limit like any other that saw nothing.
    """
    rehearsal = Buying()

    async def count(sight: str) -> int:
        await (anyio.sleep_forever() if RULE in rehearsal.stack.rules else anyio.sleep(0.001))
        return 3

    rehearsal.sights.count = count  # type: ignore[method-assign]

    assert rehearsal.run() == 3
    (let_go,) = [c.t for c in rehearsal.journal.every(FaultChange) if c.state == "let_go"]
    (holding,) = [c.t for c in rehearsal.journal.every(FaultChange) if c.state == "holding"]
    assert 20 <= let_go - holding <= 22
