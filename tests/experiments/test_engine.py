"""What a drill promises, whatever happens on the way; in virtual time."""

import anyio
import pytest

from drill.events import Aborted, Clean, End, FaultChange, MomentSet, Phase
from drill.verdict import Health
from tests.experiments.conftest import SCENARIO, Rehearsal

BLACKHOLE = SCENARIO.replace(
    "fault: container.pause, target: backend",
    "fault: network.blackhole, target: shop, to: api.paystack.co",
)
KILL = (
    SCENARIO.replace(
        "{fault: container.pause, target: backend, at: 1s, for: 20s}",
        "{fault: container.kill, target: backend, at: 1s}",
    )
    .replace("  - {check: degrades_gracefully, probes: [checkout]}", "  []")
    .replace("during:\n  []\n", "")
)


def test_a_drill_passes_when_every_promise_is_kept(rehearsal: Rehearsal) -> None:
    """
    Phases come in order, the fault is healed, staging is given back, and the exit code is 0.
    """
    assert rehearsal.run() == 0

    phases = [phase.name for phase in rehearsal.journal.every(Phase)]
    assert phases == ["preflight", "baseline", "faults", "heal", "quiet", "reconcile", "judge"]
    assert rehearsal.states() == ["armed", "intent", "injected", "effective", "healing", "healed"]
    assert rehearsal.stack.released
    assert {verdict for verdict, _ in rehearsal.findings().values()} == {"pass"}
    assert rehearsal.last(End).exit_code == 0


def test_the_recovery_is_measured_between_bounds(rehearsal: Rehearsal) -> None:
    """
    The printed recovery lies between the heal call and the first good answer, at the fast rate.
    """
    rehearsal.run()

    moments = {moment.name: moment for moment in rehearsal.journal.every(MomentSet)}
    recovered = moments["recovered"]
    assert recovered.source == "checkout"
    assert 0 <= recovered.latest - recovered.earliest < 0.1
    assert 0.02 in rehearsal.probes["checkout"].periods


def test_intents_are_on_disk_before_the_act(rehearsal: Rehearsal) -> None:
    """
    What will be done is synced before it is done, and the undo as well.
    """
    rehearsal.run()

    durable = [r.state for r in rehearsal.sink.durable if isinstance(r, FaultChange)]
    assert durable == ["intent", "healing"]
    assert rehearsal.stack.acts.index("arm f1") < rehearsal.stack.acts.index("pause backend")


def test_a_baseline_that_is_not_met_breaks_nothing(rehearsal: Rehearsal) -> None:
    """
    With one probe bad from the start no fault is injected, and the verdict is unknown.
    """
    rehearsal.looks["feature"] = lambda: Health.DOWN

    assert rehearsal.run() == 3
    assert "pause backend" not in rehearsal.stack.acts
    assert "nothing was broken" in rehearsal.first(Aborted).reason


def test_a_fault_that_nothing_shows_makes_the_drill_unknown(rehearsal: Rehearsal) -> None:
    """
    An injection that the engine never confirms is no basis for a verdict.
    """
    rehearsal.stack.blind = True

    assert rehearsal.run() == 3
    assert rehearsal.findings()["fault_had_effect"][0] == "unknown"


def test_a_network_fault_that_nobody_feels_makes_the_drill_unknown() -> None:
    """
    A cut that no probe notices put nothing to the test.
    """
    rehearsal = Rehearsal(BLACKHOLE)
    rehearsal.looks["checkout"] = lambda: Health.OK

    assert rehearsal.run() == 3
    assert "no probe noticed" in rehearsal.findings()["fault_had_effect"][1]


def test_faults_heal_when_the_drill_is_stopped(rehearsal: Rehearsal) -> None:
    """
    Ctrl-C in the middle of a fault leaves no container paused, and the verdict is unknown.
    """

    async def interrupt(rehearsal: Rehearsal) -> None:
        while rehearsal.stack.status["backend"] != "paused":
            await anyio.sleep(0.1)
        rehearsal.control.abort("SIGINT")

    rehearsal.meanwhile = interrupt

    assert rehearsal.run() == 3
    assert rehearsal.stack.status["backend"] == "running"
    assert rehearsal.states()[-1] == "healed"
    assert rehearsal.first(Aborted).reason == "SIGINT"


def test_a_heal_that_fails_at_first_is_tried_again(rehearsal: Rehearsal) -> None:
    """
    An engine that says no twice is asked a third time.
    """
    rehearsal.stack.heal_fails = 2

    assert rehearsal.run() == 0
    assert rehearsal.states().count("heal_failed") == 2


def test_what_cannot_be_healed_ends_with_code_4(rehearsal: Rehearsal) -> None:
    """
    A container that stays paused is named with the command that heals it, and nothing is released.
    """
    rehearsal.stack.heal_fails = 10**9

    assert rehearsal.run() == 4
    remaining = rehearsal.last(Clean).remaining
    assert [one.what for one in remaining] == ["backend is paused"]
    assert remaining[0].command == "drill heal"
    assert not rehearsal.stack.released


def test_a_probe_that_does_not_recover_fails_the_drill(rehearsal: Rehearsal) -> None:
    """
    Staying bad past the limit is a failure of the application.
    """
    state = {"hurt": False}

    def never_back() -> Health:
        state["hurt"] |= rehearsal.stack.status["backend"] != "running"
        return Health.DEGRADED if state["hurt"] else Health.OK

    rehearsal.looks["checkout"] = never_back

    assert rehearsal.run() == 1
    verdict, reason = rehearsal.findings()["recovers_within(feature, checkout)"]
    assert verdict == "fail"
    assert "checkout was not good" in reason


def test_a_killed_target_that_stays_down_is_started_and_is_a_finding() -> None:
    """
    Having to start what was killed fails the drill, and leaves it running all the same.
    """
    rehearsal = Rehearsal(KILL)
    rehearsal.stack.self_healing = False

    assert rehearsal.run() == 1
    assert rehearsal.stack.status["backend"] == "running"
    assert rehearsal.findings()["comes_back_by_itself"][0] == "fail"


def test_a_killed_target_that_comes_back_needs_no_heal() -> None:
    """
    A restart policy that acts is the heal, and its time is the engine's own event.
    """
    rehearsal = Rehearsal(KILL)

    assert rehearsal.run() == 0
    assert "restore backend" not in rehearsal.stack.acts


def test_a_fault_comes_back_into_force_when_its_target_restarts() -> None:
    """
    A target restarted under a network fault is cut again, and the gap is in the journal.
    """
    rehearsal = Rehearsal(BLACKHOLE)

    async def restart(rehearsal: Rehearsal) -> None:
        while not rehearsal.stack.rules:
            await anyio.sleep(0.1)
        await anyio.sleep(5)
        rehearsal.stack.emit("shop", "start")

    rehearsal.meanwhile = restart
    rehearsal.run()

    states = rehearsal.states()
    assert states.index("gap") < states.index("rearmed") < states.index("healing")
    assert rehearsal.stack.acts.count("block shop") == 2


def test_a_fault_follows_a_target_that_restarts_before_its_time() -> None:
    """
    A target that another fault killed has a new namespace: its agent is there when it is needed.
    """
    rehearsal = Rehearsal(BLACKHOLE.replace("at: 1s", "at: 10s"))

    async def restart(rehearsal: Rehearsal) -> None:
        await anyio.sleep(6)
        rehearsal.stack.emit("shop", "start")

    rehearsal.meanwhile = restart
    rehearsal.run()

    acts = rehearsal.stack.acts
    assert acts.index("rearm shop") < acts.index("block shop")
    assert acts.count("block shop") == 1
    assert "gap" not in rehearsal.states()


def test_an_abort_condition_heals_at_once() -> None:
    """
    A probe that is down for longer than the scenario allows ends the fault early.
    """
    text = SCENARIO + "abort_if: [{probe: feature, down_for: 4s}]\n"
    rehearsal = Rehearsal(text)
    rehearsal.looks["feature"] = lambda: (
        Health.OK if rehearsal.stack.status["backend"] == "running" else Health.DOWN
    )

    assert rehearsal.run() == 3
    assert "abort_if: feature" in rehearsal.first(Aborted).reason
    assert rehearsal.last(End).t < 20


def test_a_check_that_raises_is_unknown_with_its_reason(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A broken check never looks like a kept promise.
    """

    def broken(self: object, journal: object) -> None:
        raise ZeroDivisionError("oops")

    check = type(rehearsal.plan.checks[0])
    monkeypatch.setattr(check, "judge", broken)

    assert rehearsal.run() == 3
    verdict, reason = rehearsal.findings()["degrades_gracefully(checkout)"]
    assert (verdict, "ZeroDivisionError: oops" in reason) == ("unknown", True)


def test_a_probe_that_breaks_ends_the_drill_in_order(rehearsal: Rehearsal) -> None:
    """
    A failure beside the drill heals, and the report says what failed.
    """

    def broken() -> Health:
        if rehearsal.stack.status["backend"] == "paused":
            raise ZeroDivisionError("oops")
        return Health.OK

    rehearsal.looks["feature"] = broken

    assert rehearsal.run() == 3
    assert rehearsal.stack.status["backend"] == "running"
    aborted = rehearsal.journal.first(Aborted)
    assert aborted is not None
    assert aborted.reason == "ZeroDivisionError: oops"
