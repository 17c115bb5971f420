"""From the plan's faults to injections that are armed: intents and undos first."""

from collections.abc import Sequence

import anyio

from drill.errors import BadInput
from experiments.holding import Hold
from experiments.injection import HealCall, Injection
from experiments.plan import ArmedSpec, Plan
from experiments.recorder import Recorder
from experiments.runtime.ports import Sights, Stack
from experiments.runtime.shapes import Sight, Undo

COUNT_LIMIT_S = 5.0
BLIND = (
    "nothing here can count what a held edge waits for: the environment needs `shop: sql`, from "
    "which {what} is read"
)


def refuse_blind(plan: Plan, sights: Sights | None) -> None:
    """
    A hold whose sight nobody can see would wait for nothing.

    Raises:
        BadInput: The plan holds an edge, and there are no sights.
    """
    held = [hold for each in plan.faults if (hold := each.spec.hold) is not None]
    if held and sights is None:
        raise BadInput(BLIND.format(what=", ".join(sorted({hold.seen for hold in held}))))


class Arming:
    """
    Prepares a drill's faults and writes them on the engine.

    Args:
        run: Id of the drill, from which names of rules are made.

        sights: Counts what a held edge waits for; None where nothing can.
    """

    def __init__(
        self, run: str, stack: Stack, recorder: Recorder, *, sights: Sights | None = None
    ) -> None:
        self._run = run
        self._stack, self._recorder, self._sights = stack, recorder, sights

    async def arm(self, plan: Plan, on_heal_call: HealCall) -> Sequence[Injection]:
        """Read every undo, write it with its intent, start the agents; nothing is changed yet."""
        refuse_blind(plan, self._sights)
        injections = [await self._prepared(each, on_heal_call) for each in plan.faults]
        # A browser's fault touches nothing of staging, and ends with its Chromium.
        armed = [fault for each in injections for fault in each.armed() if fault.undo.service]
        await self._stack.arm(armed)
        for injection in injections:
            self._recorder.fault(injection.id, "armed")
        return injections

    async def _prepared(self, each: ArmedSpec, on_heal_call: HealCall) -> Injection:
        undo = await each.spec.prepare(self._stack, f"{self._run}-{each.id}")
        injection = Injection(each, undo, self._stack, self._recorder, on_heal_call)
        held = each.spec.hold
        if held is not None and self._sights is not None:
            await self._try_count(held.seen)
            service = held.held.from_
            now = await self._stack.state(service)
            rule = f"{self._run}-{each.id}-hold"
            undo = Undo(service=service, container=now.container, want="running", rule=rule)
            hold = Hold(each, undo, stack=self._stack, recorder=self._recorder, sights=self._sights)
            injection.wait_at(hold)
        return injection

    async def _try_count(self, sight: Sight) -> None:
        """What cannot be counted now would be waited for in vain."""
        if self._sights is None:
            return
        try:
            with anyio.fail_after(COUNT_LIMIT_S):
                await self._sights.count(sight)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody would see the edge
            said = str(error) or f"no answer within {COUNT_LIMIT_S:g} s"
            raise BadInput(f"nothing was broken: no {sight} can be counted here: {said}") from None
