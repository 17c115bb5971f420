"""The life of one fault: intent, injection, proof, hold, heal, proof of removal."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

from drill.errors import DrillError
from experiments.faults.base import Proof
from experiments.holding import Hold
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.ports import Stack
from experiments.runtime.shapes import ArmedFault, Undo

EFFECT_LIMIT_S = 5.0
HEAL_LIMIT_S = 60.0
REMOVAL_LIMIT_S = 30.0
RETURN_LIMIT_S = 60.0
"""A killed target has this long to come back by its own restart policy."""
LOOK_AGAIN_S = 0.02
RETRY_S = 0.5


class HealCall(Protocol):
    """Told when a healing is called; a momentary fault heals by itself from its injection on."""

    def __call__(self, *, momentary: bool) -> None:
        """React at once, without waiting."""


class Injection:
    """
    One fault of the plan while it lives.

    Args:
        armed: The fault and its id.

        undo: What `prepare` read.

        on_heal_call: Called once, at the call of the healing.
    """

    def __init__(
        self,
        armed: ArmedSpec,
        undo: Undo,
        stack: Stack,
        recorder: Recorder,
        on_heal_call: HealCall,
    ) -> None:
        self.id = armed.id
        self.spec = armed.spec
        self.undo = undo
        self._stack = stack
        self._recorder = recorder
        self._on_heal_call = on_heal_call
        self._hold: Hold | None = None
        self._lock = anyio.Lock()
        self._ended = anyio.Event()
        self.in_force = False
        self.over = anyio.Event()
        """Set when it is healed, or known not to be."""

    def wait_at(self, hold: Hold) -> None:
        """Be injected once the edge of *hold* is reached, and not at a time."""
        self._hold = hold

    def armed(self) -> list[ArmedFault]:
        """Intents and undos, as they are written on the engine."""
        spec = self.spec.model_dump_json(by_alias=True, exclude_none=True)
        own = ArmedFault(id=self.id, fault=self.spec.fault, spec=spec, undo=self.undo)
        return [own, self._hold.armed()] if self._hold else [own]

    def end(self) -> None:
        """Heal now instead of at the end of `for`; one that has not begun never will."""
        self._ended.set()

    async def live(self, start: float) -> None:
        """Run the whole life; *start* is when the phase of faults began, monotonic seconds."""
        try:
            if self._hold is None:
                await self._until_end(start + self.spec.begins_s)
                due = not self._ended.is_set()
            else:
                due = await self._hold.reached(self._ended)
            if due:
                await self._live()
        finally:
            with anyio.CancelScope(shield=True):
                await self._let_go()
            self.over.set()

    async def _let_go(self, killed: str = "") -> None:
        if self._hold is not None:
            await self._hold.let_go(killed)

    async def _until_end(self, moment: float) -> None:
        with anyio.move_on_at(moment):
            await self._ended.wait()

    async def _live(self) -> None:
        called = anyio.current_time()
        self._recorder.fault(self.id, "intent")
        try:
            if self.spec.momentary:
                self._on_heal_call(momentary=True)
            self.in_force = True
            if self._hold is not None:
                self._hold.spend()
            await self.spec.inject(self._stack, self.undo)
            self._recorder.fault(self.id, "injected")
            hold_from = anyio.current_time()
            await self._prove(called)
            with anyio.CancelScope(shield=True):
                await self._let_go(self.spec.target if self.spec.momentary else "")
            if self.spec.momentary:
                await self._comes_back(called)
            else:
                await self._until_end(hold_from + (self.spec.for_ or 0.0))
        except Exception as error:  # noqa: BLE001 - the heal must run, the report must say why
            self._recorder.fault(self.id, "not_effective", f"injection failed: {error}")
        finally:
            with anyio.CancelScope(shield=True):
                await self._let_go()
                await self._heal()

    async def rearm(self, service: str) -> None:
        """*service* has a new network namespace, or its agent died: bring the fault back."""
        if self._hold is not None and self._hold.service == service:
            await self._hold.rearm()
        if self.spec.target == service:
            await self._rearm()

    async def _rearm(self) -> None:
        async with self._lock:
            if self.over.is_set() or self.spec.needs != "agent":
                return
            if self.in_force:
                self._recorder.fault(self.id, "gap", f"{self.spec.target} runs without it")
            try:
                # Not running yet: its start will bring us here again.
                back = await self._stack.rearm(self.spec.target)
                # One whose time has not come only needs its agent where the target is now.
                if back and self.in_force:
                    await self.spec.inject(self._stack, self.undo)
                    self._recorder.fault(self.id, "rearmed")
            except DrillError as error:
                self._recorder.fault(self.id, "gap", f"not in force again: {error}")

    async def _prove(self, called: float) -> None:
        # What waits for something to bite may take all its time, unless it is ended before.
        lasts = self.spec.for_ if self.spec.bites else None
        proof = await self._until(
            lambda: self.spec.effective(self._stack, self.undo, called),
            EFFECT_LIMIT_S if lasts is None else lasts,
            until=self._ended if self.spec.bites else None,
        )
        state = "effective" if proof.holds else "not_effective"
        bounds = (proof.earliest, proof.latest)
        self._recorder.fault(
            self.id,
            "effective" if state == "effective" else "not_effective",
            proof.text,
            bounds=bounds if proof.holds else (None, None),
        )

    async def _comes_back(self, called: float) -> None:
        proof = await self._until(
            lambda: self.spec.removed(self._stack, self.undo, called), RETURN_LIMIT_S
        )
        if proof.holds:
            self.in_force = False
            bounds = (proof.earliest, proof.latest)
            self._recorder.fault(self.id, "healed", proof.text, bounds=bounds, by="itself")

    async def _heal(self) -> None:
        if not self.in_force:
            return
        called = anyio.current_time()
        self._recorder.fault(self.id, "healing")
        if not self.spec.momentary:
            self._on_heal_call(momentary=False)
        how = None
        deadline = called + HEAL_LIMIT_S
        while how is None and anyio.current_time() < deadline:
            how = await self._heal_once(deadline)
        if how is None:
            return
        self.in_force = False
        if how == "gone":
            self._recorder.fault(self.id, "gone_with_target", "the target is gone, its fault too")
            return
        await self._prove_removed(called, how)

    async def _heal_once(self, deadline: float) -> str | None:
        # The limit is a waiter: what the engine still does goes on, and heals queue behind it.
        try:
            with anyio.move_on_at(deadline, shield=True):
                async with self._lock:
                    return await self.spec.heal(self._stack, self.undo)
            self._recorder.fault(self.id, "heal_failed", f"no answer within {HEAL_LIMIT_S:g} s")
        except Exception as error:  # noqa: BLE001 - one failed heal must not stop the next try
            self._recorder.fault(self.id, "heal_failed", str(error) or type(error).__name__)
            await anyio.sleep(RETRY_S)
        return None

    async def _prove_removed(self, called: float, how: str) -> None:
        proof = await self._until(
            lambda: self.spec.removed(self._stack, self.undo, called), REMOVAL_LIMIT_S
        )
        if proof.holds:
            bounds = (proof.earliest, proof.latest)
            self._recorder.fault(self.id, "healed", proof.text, bounds=bounds, by=how)
        else:
            self._recorder.fault(self.id, "heal_failed", f"removal not proven: {proof.text}")

    async def _until(
        self,
        look: Callable[[], Awaitable[Proof]],
        limit_s: float,
        until: anyio.Event | None = None,
    ) -> Proof:
        deadline = anyio.current_time() + limit_s
        while True:
            try:
                proof = await look()
            except Exception as error:  # noqa: BLE001 - a look that fails proves nothing
                proof = Proof(holds=False, text=str(error) or type(error).__name__)
            over = anyio.current_time() >= deadline or (until is not None and until.is_set())
            if proof.holds or over:
                return proof
            await anyio.sleep(LOOK_AGAIN_S)
