"""What goes wrong on the way of a drill, with the engine and with the target; in virtual time."""

from collections.abc import Sequence

import anyio
import pytest

from drill.errors import DrillError, Unsure
from drill.events import Aborted, Clean, End, FaultChange, Service
from drill.verdict import Health
from experiments.control import Control
from experiments.injection import HEAL_LIMIT_S
from experiments.runtime.shapes import EngineEvent, Undo
from tests.experiments.conftest import ENVIRONMENT, SCENARIO, Rehearsal
from tests.experiments.people import Peopled
from tests.experiments.test_engine import BLACKHOLE

JOURNEY = {"buy": {"journey": "checkout", "every": "5s"}}


def proofs(drill: Rehearsal, state: str) -> list[str]:
    return [change.proof for change in drill.journal.every(FaultChange) if change.state == state]


def test_an_engine_that_cannot_arm_ends_the_drill_in_order(rehearsal: Rehearsal) -> None:
    """
    Whatever it raises is the reason of the abort; nothing was injected, and the report is written.
    """

    async def full(_: object) -> None:
        raise RuntimeError("no space left on device")

    rehearsal.stack.arm = full  # type: ignore[method-assign,assignment]

    assert rehearsal.run() == 3
    assert rehearsal.first(Aborted).reason == "RuntimeError: no space left on device"
    assert "intent" not in rehearsal.states()
    assert rehearsal.last(End).exit_code == 3


def test_an_engine_that_is_away_at_the_end_proves_nothing_clean(rehearsal: Rehearsal) -> None:
    """
    Who cannot be asked has perhaps something left: exit code 4, and the command that heals it.
    """
    survey = rehearsal.stack.survey

    async def away() -> Sequence[Service]:
        if "restore backend" in rehearsal.stack.acts:
            raise Unsure("no answer from the engine")
        return await survey()

    rehearsal.stack.survey = away  # type: ignore[method-assign]

    assert rehearsal.run() == 4
    (left,) = rehearsal.last(Clean).remaining
    assert left.what == "the engine could not be asked: no answer from the engine"
    assert "drill heal" in left.command


def test_no_journey_begins_between_the_heal_call_and_the_recovery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A browser would take the machine from the looks that time the recovery; afterwards it goes on.
    """
    monkeypatch.setitem(ENVIRONMENT, "journeys", JOURNEY)
    drill = Rehearsal()
    drill.looks["buy"] = lambda: Health.OK
    stays = drill.looks["checkout"]

    def slow_to_recover() -> Health:
        healed = "healed" in drill.states()
        late = healed and drill.recorder.t() < drill.last(FaultChange).t + 3
        return Health.DEGRADED if late else stays()

    drill.looks["checkout"] = slow_to_recover
    drill.run()

    called = next(c.t for c in drill.journal.every(FaultChange) if c.state == "healing")
    walked = list(drill.journal.columns("buy").sent)
    assert [t for t in walked if called < t < called + 3] == []
    assert [t for t in walked if t < called]
    assert [t for t in walked if t > called + 3]


def test_a_drill_that_promises_nothing_afterwards_does_not_wait_for_it() -> None:
    """
    Without a check of what comes after, looking ends with the scenario's own quiet.
    """
    drill = Rehearsal(SCENARIO[: SCENARIO.index("after:")])

    assert drill.run() == 0
    assert "recovers_within" not in drill.findings()


def test_only_the_first_reason_to_stop_is_told() -> None:
    """
    A second Ctrl-C does not write over why the drill was stopped.
    """
    control = Control()
    control.abort("probe love-loops was down for 30 s")
    control.abort("stopped by SIGINT")

    assert control.reason == "probe love-loops was down for 30 s"


class TestInjection:
    def test_what_cannot_be_injected_is_told_and_healed(self, rehearsal: Rehearsal) -> None:
        """
        The engine may have done half of it, so the heal runs all the same.
        """

        async def refused(_: str) -> None:
            raise DrillError("the engine refused")

        rehearsal.stack.pause = refused  # type: ignore[method-assign,assignment]

        assert rehearsal.run() == 3
        assert "injection failed: the engine refused" in proofs(rehearsal, "not_effective")
        assert rehearsal.states()[-1] == "healed"

    def test_a_target_that_vanished_took_its_fault_along(self, rehearsal: Rehearsal) -> None:
        """
        Nothing is left to heal, which is no failure of the heal.
        """

        async def remove(_: object) -> None:
            await anyio.sleep(10)
            del rehearsal.stack.status["backend"]

        rehearsal.meanwhile = remove
        running = rehearsal.stack.status.get
        rehearsal.looks["checkout"] = lambda: (
            Health.OK if running("backend") == "running" else Health.DEGRADED
        )
        rehearsal.run()

        assert rehearsal.states()[-2:] == ["healing", "gone_with_target"]

    def test_a_heal_that_hangs_has_a_limit(self, rehearsal: Rehearsal) -> None:
        """
        The drill goes on after it, says so, and leaves staging to the next heal: exit code 4.
        """

        async def hang(_: Undo) -> str:
            await anyio.sleep_forever()
            return ""

        rehearsal.stack.restore = hang  # type: ignore[method-assign,assignment]

        assert rehearsal.run() == 4
        assert proofs(rehearsal, "heal_failed")[0] == f"no answer within {HEAL_LIMIT_S:g} s"

    def test_a_removal_that_nothing_shows_is_no_heal(self, rehearsal: Rehearsal) -> None:
        """
        The engine's word that it unpaused is not enough while the container stays as it was.
        """

        async def pretend(_: Undo) -> str:
            await anyio.lowlevel.checkpoint()
            return "unpaused"

        rehearsal.stack.restore = pretend  # type: ignore[method-assign,assignment]

        assert rehearsal.run() == 4
        assert "removal not proven: the engine says paused" in proofs(rehearsal, "heal_failed")

    def test_a_look_that_fails_proves_nothing_and_is_made_again(self, rehearsal: Rehearsal) -> None:
        """
        One error of the engine on the way is no verdict about the fault.
        """
        seen, failures = rehearsal.stack.seen, [RuntimeError("broken pipe")]

        async def once(service: str, action: str, since: float) -> EngineEvent | None:
            if failures:
                raise failures.pop()
            return await seen(service, action, since)

        rehearsal.stack.seen = once  # type: ignore[method-assign]

        assert rehearsal.run() == 0
        assert "not_effective" not in rehearsal.states()

    def test_a_fault_that_has_not_begun_never_will_once_all_is_resolved(self) -> None:
        """
        Whoever resolves the incident ends what was still to come as well.
        """
        text = SCENARIO.replace(
            "during:", "  - {fault: container.stop, target: redis, at: 60s, for: 5s}\nduring:"
        )
        respond = "respond:\n  - {when: detected, do: acknowledge}\n"
        respond += "  - {when: acknowledged, do: resolve.heal}\n"
        drill = Peopled(f"{text}detect: [{{alert: Wrong, within: 30s}}]\n{respond}")

        drill.run()

        assert drill.states("f1")[-1] == "healed"
        assert drill.states("f2") == ["armed"]
        assert "stop redis" not in drill.stack.acts


class TestRearming:
    def restarted(self, drill: Rehearsal, service: str) -> Rehearsal:
        """A drill of a network fault in the middle of which *service* starts again."""

        async def restart(_: object) -> None:
            await anyio.sleep(12)
            drill.stack.emit(service, "start")

        drill.meanwhile = restart
        drill.run()
        return drill

    def test_another_service_that_starts_is_no_gap(self) -> None:
        """
        Only the target's own start takes a fault out of its network.
        """
        assert "gap" not in self.restarted(Rehearsal(BLACKHOLE), "redis").states()

    def test_a_fault_of_the_engines_own_needs_no_agent(self) -> None:
        """
        A stopped container that starts has no rules to get back.
        """
        drill = self.restarted(Rehearsal(), "backend")
        assert "gap" not in drill.states()
        assert "rearm backend" not in drill.stack.acts

    @pytest.mark.parametrize("error", [None, DrillError("no agent")])
    def test_what_is_not_in_force_again_stays_a_gap(self, error: DrillError | None) -> None:
        """
        A target that is not running yet, or an agent that cannot be had: nothing is claimed.
        """
        drill = Rehearsal(BLACKHOLE)

        async def rearm(_: str) -> bool:
            await anyio.lowlevel.checkpoint()
            if error:
                raise error
            return False

        drill.stack.rearm = rearm  # type: ignore[method-assign,assignment]
        self.restarted(drill, "shop")

        assert "rearmed" not in drill.states()
        told = ["shop runs without it"] + ([f"not in force again: {error}"] if error else [])
        assert proofs(drill, "gap") == told
