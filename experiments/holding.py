"""The held edge of one fault: intent, hold, the awaited sight, and letting go, come what may."""

import anyio

from drill.errors import DrillError
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.ports import Sights, Stack
from experiments.runtime.shapes import ArmedFault, ContainerState, PathRule, Undo

LOOK_EVERY_S = 0.02
LOOK_LIMIT_S = 1.0
"""A sight that is not counted in this time is counted anew."""
LET_GO_LIMIT_S = 60.0
RETRY_S = 0.5
LEAVE_LIMIT_S = 10.0
"""A killed target's network is gone with it; the engine may take this long to say so."""


class Hold:
    """
    Data from one service to its next step, dropped until the fault is in.

    It counts as reached when two things have been seen since the hold began: there is one more of
    the sight, and data for the next step was dropped. Either alone may come of something else.

    Args:
        each: The fault that waits for it.

        undo: Of the service that is held.

        sights: Counts what exists.
    """

    def __init__(
        self, each: ArmedSpec, undo: Undo, *, stack: Stack, recorder: Recorder, sights: Sights
    ) -> None:
        held = each.spec.hold
        if held is None:
            raise ValueError(f"{each.id} waits for no edge")
        edge = held.held
        self.service = edge.from_
        self._fault, self._held, self._undo = each.id, held, undo
        self._stack, self._recorder, self._sights = stack, recorder, sights
        self._rule = PathRule(name=undo.rule, to=edge.to, way="hold", after=edge.after or "")
        self._lock = anyio.Lock()
        self._before: int | None = None
        self._now: int | None = None
        self._trouble = ""
        self._life: ContainerState | None = None
        self._spent = False
        self.in_force = False

    def armed(self) -> ArmedFault:
        """Intent and undo, as they are written on the engine."""
        spec = self._held.held.model_dump_json(by_alias=True, exclude_none=True)
        return ArmedFault(id=f"{self._fault}-hold", fault="hold", spec=spec, undo=self._undo)

    async def reached(self, ended: anyio.Event) -> bool:
        """Hold the edge and wait there; False, with the reason told, if it was not reached."""
        self._recorder.fault(self._fault, "holding", self._held.edge)
        self.in_force = True
        try:
            await self._block()
        except DrillError as error:
            self._recorder.fault(self._fault, "not_effective", f"the hold failed: {error}")
            return False
        seen = await self._look()  # Whatever is told of as held comes after a first count.
        self._recorder.fault(self._fault, "held", f"{self._held.edge}: data is dropped")
        deadline = anyio.current_time() + self._held.within
        while not seen and not ended.is_set() and anyio.current_time() < deadline:
            seen = await self._look()
            if not seen:
                await anyio.sleep(LOOK_EVERY_S)
        if seen:
            self._recorder.fault(self._fault, "seen", seen)
        else:
            why = "it was ended before" if ended.is_set() else self._missing()
            self._recorder.fault(self._fault, "not_effective", why)
        return bool(seen)

    def spend(self) -> None:
        """The fault is being injected: a new life of the service is held no more."""
        self._spent = True

    async def rearm(self) -> None:
        """The service has a new network, or its agent died: hold it there too."""
        async with self._lock:
            if not self.in_force or self._spent:
                return
            self._recorder.fault(self._fault, "gap", f"{self.service} runs without the hold")
            self._before = None  # What came in the gap was not held.
            try:
                if await self._stack.rearm(self.service):
                    await self._block()
                    self._recorder.fault(self._fault, "rearmed", f"{self._held.edge} is held again")
            except DrillError as error:
                self._recorder.fault(self._fault, "gap", f"not held again: {error}")

    async def let_go(self, killed: str = "") -> None:
        """
        Let data pass again; idempotent, and to be called under a shield.

        Args:
            killed: The fault's target, if it has just been put out of action.
        """
        if not self.in_force:
            return
        if killed == self.service:
            await self._wait_for_death()
        deadline = anyio.current_time() + LET_GO_LIMIT_S
        while self.in_force and anyio.current_time() < deadline:
            try:
                with anyio.move_on_at(deadline, shield=True):
                    async with self._lock:
                        await self._stack.unblock(self.service, self._rule.name)
                        self.in_force = False
            except Exception as error:  # noqa: BLE001 - the next try may do it
                said = str(error) or type(error).__name__
                self._recorder.fault(self._fault, "heal_failed", f"{self._held.edge}: {said}")
                await anyio.sleep(RETRY_S)
        if not self.in_force:
            self._recorder.fault(self._fault, "let_go", f"{self._held.edge}: data passes")

    async def _block(self) -> None:
        self._life = await self._stack.state(self.service)
        await self._stack.block(self.service, self._rule)

    async def _look(self) -> str:
        """What was seen; empty as long as something is missing."""
        try:
            with anyio.fail_after(LOOK_LIMIT_S):
                self._now = await self._sights.count(self._held.seen)
                if self._before is None:
                    self._before = self._now
                if self._now <= self._before:
                    return ""
                dropped = await self._stack.held_back(self.service, self._rule.name)
        except TimeoutError:
            self._trouble = f"no answer within {LOOK_LIMIT_S:g} s"
            return ""
        except Exception as error:  # noqa: BLE001 - a look that fails shows nothing
            self._trouble = str(error) or type(error).__name__
            return ""
        self._trouble = "" if dropped else f"{self.service} sent nothing to {self._held.held.to}"
        if not dropped:
            return ""
        what = f"{self._held.seen} {self._before} -> {self._now}"
        return f"{what} while held, {dropped} packets to {self._held.held.to} dropped"

    def _missing(self) -> str:
        counts = "" if self._before is None else f" ({self._before} then, {self._now} now)"
        why = f"; last: {self._trouble}" if self._trouble else ""
        return (
            f"no {self._held.seen} was seen at {self._held.edge} within "
            f"{self._held.within:g} s{counts}{why}"
        )

    async def _wait_for_death(self) -> None:
        # What the dead process had sent is in its network's queues until that network is gone:
        # let through, the next step would be taken after all.
        with anyio.move_on_after(LEAVE_LIMIT_S):
            # The engine has no event for a network that is gone.
            while await self._lives():  # noqa: ASYNC110
                await anyio.sleep(LOOK_EVERY_S)

    async def _lives(self) -> bool:
        try:
            now = await self._stack.state(self.service)
        except DrillError:
            return True
        then = self._life
        return then is not None and (now.status, now.started_at) == (then.status, then.started_at)
