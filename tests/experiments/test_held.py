"""A fault at a held edge: injected exactly there, or not at all, and never left held."""

import math

import anyio
import anyio.lowlevel
import pytest

from drill.errors import BadInput
from drill.events import Aborted, Clean, FaultChange
from experiments.recorder import Recorder
from tests.experiments.conftest import Rehearsal

HELD = """\
schema: drill-scenario/1
title: Made for a test
severity: 1
baseline: 3s
faults:
  - fault: container.kill
    target: backend
    at: {held: {from: backend, to: redis}, seen: grant, within: 20s}
during:
  - {check: stays_available, probes: [buying]}
"""
JOURNEYS = {"buying": {"journey": "checkout"}}
RULE = "r1-f1-hold"


class Buying(Rehearsal):
    """Somebody buys all the time; a grant exists from the given time after the hold on."""

    def __init__(self, text: str = HELD, granted_after_s: float = 2.0) -> None:
        super().__init__(text, journeys=JOURNEYS)
        self.granted_after_s = granted_after_s
        self.held_at = math.inf
        self.killed: list[tuple[float, bool]] = []
        self.looks["checkout"] = self.looks["feature"]
        self.looks["buying"] = self.looks["feature"]
        self.sights.counts["grant"] = self._grants
        crash = self.stack.crash

        async def crashed(service: str, signal: str) -> None:
            self.killed.append((anyio.current_time(), RULE in self.stack.rules))
            await crash(service, signal)

        self.stack.crash = crashed  # type: ignore[method-assign]

    def _grants(self) -> int:
        if RULE in self.stack.rules and self.held_at == math.inf:
            self.held_at = anyio.current_time()
        return 3 + (anyio.current_time() >= self.held_at + self.granted_after_s)

    def proofs(self, state: str) -> list[str]:
        """What was told at one state of the fault."""
        return [one.proof for one in self.journal.every(FaultChange) if one.state == state]


def test_it_is_killed_while_held_and_let_go_once_it_is_dead() -> None:
    """
    The kill follows the sight within 50 ms, data being dropped; then data passes, then it is back.
    """
    rehearsal = Buying()

    assert rehearsal.run() == 0
    ((at, while_held),) = rehearsal.killed
    assert while_held
    assert 0 <= at - (rehearsal.held_at + 2.0) < 0.05
    assert rehearsal.states() == [
        "armed", "holding", "held", "seen", "intent", "injected", "effective", "let_go", "healed",
    ]  # fmt: skip
    assert rehearsal.proofs("seen") == ["grant 3 -> 4 while held, 1 packets to redis dropped"]
    assert rehearsal.stack.rules == {}
    assert rehearsal.stack.released


def test_the_hold_is_written_down_before_data_is_dropped() -> None:
    """
    Intent and undo of the hold are on the engine and on disk before the first packet is dropped.
    """
    rehearsal = Buying()
    rehearsal.run()

    acts = rehearsal.stack.acts
    assert acts.index("arm f1-hold") < acts.index("block backend")
    durable = [one.state for one in rehearsal.sink.durable if isinstance(one, FaultChange)]
    assert durable == ["holding", "intent"]


def test_what_existed_before_the_hold_is_not_what_it_waits_for() -> None:
    """
    Grants that are there from the start are no sight of the edge, however many.
    """
    rehearsal = Buying(granted_after_s=-1.0)

    assert rehearsal.run() == 3
    assert not rehearsal.killed


def test_what_is_not_seen_in_time_is_healed_and_unknown() -> None:
    """
    Nothing seen within the limit: nobody is killed, data passes again, the verdict is unknown.
    """
    rehearsal = Buying(granted_after_s=1e6)

    assert rehearsal.run() == 3
    assert not rehearsal.killed
    assert rehearsal.states()[-3:] == ["held", "not_effective", "let_go"]
    reason = "no grant was seen at backend | redis within 20 s (3 then, 3 now)"
    assert rehearsal.proofs("not_effective") == [reason]
    verdict, told = rehearsal.findings()["fault_had_effect"]
    assert (verdict, reason in told) == ("unknown", True)
    assert rehearsal.last(Clean).remaining == []


def test_stopped_while_held_it_leaves_nothing() -> None:
    """
    Ctrl-C while an edge is held: nobody is killed, data passes, staging is given back.
    """
    rehearsal = Buying(granted_after_s=1e6)

    async def interrupt(rehearsal: Rehearsal) -> None:
        while RULE not in rehearsal.stack.rules:
            await anyio.sleep(0.01)
        await anyio.sleep(3)
        rehearsal.control.abort("SIGINT")

    rehearsal.meanwhile = interrupt

    assert rehearsal.run() == 3
    assert rehearsal.first(Aborted).reason == "SIGINT"
    assert not rehearsal.killed
    assert rehearsal.states()[-1] == "let_go"
    assert rehearsal.stack.rules == {}
    assert rehearsal.stack.released


def test_stopped_right_after_the_kill_it_leaves_nothing() -> None:
    """
    Ctrl-C between the kill and the letting go: the edge is let go and the target runs.
    """
    rehearsal = Buying()
    rehearsal.stack.self_healing = False

    async def interrupt(rehearsal: Rehearsal) -> None:
        while "crash backend" not in rehearsal.stack.acts:
            await anyio.sleep(0.001)
        rehearsal.control.abort("SIGINT")

    rehearsal.meanwhile = interrupt

    assert rehearsal.run() == 1
    assert rehearsal.findings()["comes_back_by_itself"][0] == "fail"
    assert rehearsal.stack.status["backend"] == "running"
    assert rehearsal.stack.rules == {}
    assert rehearsal.states()[-1] == "healed"


def test_faults_ended_while_held_let_go_at_once() -> None:
    """
    Who resolves the incident while an edge is held ends the hold too.
    """
    rehearsal = Buying(granted_after_s=1e6)
    told: list[str] = []

    async def resolve(rehearsal: Rehearsal) -> None:
        while RULE not in rehearsal.stack.rules:
            await anyio.sleep(0.01)
        told.append(await rehearsal.drill.end_faults())
        assert rehearsal.stack.rules == {}

    rehearsal.meanwhile = resolve

    assert rehearsal.run() == 3
    assert told == ["healed: f1"]
    assert "it was ended before" in rehearsal.proofs("not_effective")[0]


def test_a_service_that_restarts_while_held_is_held_again() -> None:
    """
    A new life is held as well, and what came in the gap is not taken for the edge.
    """
    rehearsal = Buying(granted_after_s=1e6)
    gap = {"grants": 0}
    rehearsal.sights.counts["grant"] = lambda: gap["grants"]

    async def restart(rehearsal: Rehearsal) -> None:
        while RULE not in rehearsal.stack.rules:
            await anyio.sleep(0.01)
        await anyio.sleep(1)
        rehearsal.stack.rules.clear()
        gap["grants"] = 1
        rehearsal.stack.emit("backend", "start")
        await anyio.sleep(1)
        assert RULE in rehearsal.stack.rules
        assert not rehearsal.killed  # type: ignore[attr-defined]
        gap["grants"] = 2

    rehearsal.meanwhile = restart

    assert rehearsal.run() == 0
    assert [held for _, held in rehearsal.killed] == [True]
    states = rehearsal.states()
    assert states.index("gap") < states.index("rearmed") < states.index("seen")
    assert states.count("rearmed") == 1


def test_an_edge_that_cannot_be_let_go_at_first_is_tried_again() -> None:
    """
    An agent that does not answer twice is asked a third time, and the report says so.
    """
    rehearsal = Buying(granted_after_s=1e6)
    rehearsal.stack.unblock_fails = 2

    assert rehearsal.run() == 3
    assert rehearsal.states().count("heal_failed") == 2
    assert rehearsal.states()[-1] == "let_go"
    assert rehearsal.stack.rules == {}


def test_another_than_the_held_service_may_be_killed() -> None:
    """
    Killing what the data is for leaves the held service alone, and data passes after it.
    """
    rehearsal = Buying(HELD.replace("target: backend", "target: redis"))

    assert rehearsal.run() == 0
    acts = rehearsal.stack.acts
    assert acts.index("block backend") < acts.index("crash redis") < acts.index("unblock backend")


def test_without_sights_a_held_edge_is_refused() -> None:
    """
    Where nothing can count grants no drill begins, and the way out is named.
    """
    rehearsal = Buying()

    async def main() -> None:
        await anyio.lowlevel.checkpoint()
        rehearsal.recorder = Recorder(rehearsal.sink, anyio.current_time())
        with pytest.raises(BadInput, match=r"shop: sql.*grant"):
            rehearsal.make(sights=None)

    anyio.run(main)
