"""
One drill, from top to bottom.

preflight -> baseline -> faults -> heal -> quiet -> reconcile -> judge. Everything is a port, so
that a drill of ten minutes runs in milliseconds of virtual time: no thread, socket or file here.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

import anyio

from drill.errors import EXIT_UNHEALED, DrillError, told
from drill.events import Aborted, Clean, End, EngineSaw, Remaining, StackSeen
from experiments.arming import Arming, refuse_blind
from experiments.beside import Beside
from experiments.control import Control
from experiments.injection import Injection
from experiments.judge import judge
from experiments.pace import SETTLED_S, Pace
from experiments.payments import Payments
from experiments.plan import Plan
from experiments.recorder import Recorder
from experiments.runtime.ports import Probe, Stack
from experiments.runtime.shapes import RunInfo
from experiments.watch import all_back, baseline_missing, down_for

BASELINE_PATIENCE_S = 60.0
JOURNEY_PATIENCE_S = 15.0
"""Journeys wait at most so long after the heal for the HTTP probes to recover."""
LOOK_S = 0.1
GRACE_S = 5.0
CLEAN_LIMIT_S = 30.0


class Drill:
    """
    One run of one scenario.

    Args:
        plan: What will happen.

        run: Which drill this is.

        stack: The stack, opened and checked.

        probes: HTTP probes and journeys by name.

        recorder: The one writer.

        control: Where people and signals ask to stop.

        beside: The people's side.

        keep_evidence: Called once, with staging given back and nothing judged yet.

        payments: The payments side.
    """

    def __init__(  # noqa: PLR0913 - a drill is put together here and nowhere else
        self,
        plan: Plan,
        run: RunInfo,
        *,
        stack: Stack,
        probes: dict[str, Probe],
        recorder: Recorder,
        control: Control,
        beside: Beside,
        keep_evidence: Callable[[], Awaitable[None]],
        payments: Payments | None = None,
    ) -> None:
        self.payments = payments or Payments()
        refuse_blind(plan, self.payments.sights)
        self.plan = plan
        self.run_info = run
        self.stack = stack
        self.probes = probes
        self.recorder = recorder
        self.control = control
        self.beside = beside
        beside.bind(self)
        self.keep_evidence = keep_evidence
        self._journeys = [probe.name for probe in plan.probes if probe.kind == "journey"]
        self._arming = Arming(run.run, stack, recorder, sights=self.payments.sights)
        self._injections: Sequence[Injection] = ()
        self._body = anyio.CancelScope()
        self._pace = Pace(
            recorder.journal,
            probes,
            fast=plan.fast_periods,
            calm={probe.name: probe.period_s for probe in plan.probes},
        )

    async def run(self) -> int:
        """
        Run the drill to its end, whatever happens on the way.

        Returns:
            The exit code.

        Raises:
            StagingBusy, Unhealed, BadInput: Before anything was touched.
        """
        self.recorder.phase("preflight")
        self.recorder.add(self.plan.planned(self.recorder.t()), durable=True)
        self.recorder.add(self.plan.incident, durable=True)
        await self.stack.claim(self.run_info)
        async with anyio.create_task_group() as group:
            for work in (self._listen, self._obey, self._keep_pace):
                group.start_soon(self._guarded, work)
            await self._run_body(group)
            with anyio.CancelScope(shield=True):
                await self._stop_probes()
                remaining = await self._leave()
                await self._guarded(self.keep_evidence)
            group.cancel_scope.cancel()
        return self._finish(remaining)

    async def _run_body(self, group: anyio.abc.TaskGroup) -> None:
        try:
            with self._body:
                await self._arm()
                for probe in self.probes.values():
                    group.start_soon(self._guarded, probe.run)
                await self.beside.before()
                await self.payments.before()
                if await self._baseline():
                    group.start_soon(self._guarded, self.beside.run)
                    await self._faults()
                    await self._quiet()
                    await self.payments.after(self.probes.values())
                    await self.beside.after()
        except Exception as error:  # noqa: BLE001 - the report must be written all the same
            self._abort(told(error))
        if self._body.cancelled_caught:
            self._abort(self.control.reason or "stopped")
        with anyio.CancelScope(shield=True):
            await self.payments.load.stop()
            await self.beside.put_back()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever fails beside the drill ends it in order: heal, judge, report."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - it must not tear down the heal
            self.control.abort(told(error))

    async def _keep_pace(self) -> None:
        await self._pace.follow(self.recorder.start)

    def _abort(self, reason: str) -> None:
        self.recorder.add(Aborted(t=self.recorder.t(), reason=reason), durable=True)

    async def _arm(self) -> None:
        survey = await self.stack.survey()
        self.recorder.add(StackSeen(t=self.recorder.t(), when="before", services=list(survey)))
        self._injections = await self._arming.arm(self.plan, self._on_heal_call)

    async def _baseline(self) -> bool:
        self.recorder.phase("baseline")
        needed = self.plan.scenario.baseline
        deadline = anyio.current_time() + needed + BASELINE_PATIENCE_S
        missing = "no look yet"
        while missing and anyio.current_time() < deadline:
            await anyio.sleep(LOOK_S)
            now = self.recorder.t()
            missing = baseline_missing(self.recorder.journal, self.plan.probes, needed, now)
        if missing:
            self._abort(f"baseline not met, nothing was broken: {missing}")
        return not missing

    async def _faults(self) -> None:
        self.recorder.phase("faults")
        start = anyio.current_time()
        async with anyio.create_task_group() as group:
            async with anyio.create_task_group() as faults:
                group.start_soon(self._watch_abort_conditions)
                for injection in self._injections:
                    faults.start_soon(injection.live, start)
            await self.beside.settle()
            group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await self.beside.put_back()
        self.recorder.phase("heal")

    async def end_faults(self) -> str:
        """End every fault now; returns when each is healed or known not to be."""
        for injection in self._injections:
            injection.end()
        for injection in self._injections:
            await injection.over.wait()
        return f"healed: {', '.join(injection.id for injection in self._injections)}"

    def _on_heal_call(self, *, momentary: bool) -> None:
        self._pace.hurry(everyone=momentary)
        for name in self._journeys:
            self.probes[name].hold()

    async def _quiet(self) -> None:
        """Look until every promise can be judged; nothing is in force any more."""
        self.recorder.phase("quiet")
        healed = anyio.current_time()
        await self._until(
            lambda: self._pace.settled and self._http_back(SETTLED_S), JOURNEY_PATIENCE_S
        )
        for name in self._journeys:
            self.probes[name].resume()
        names = {name for check in self.plan.checks for name in check.named_probes()}
        stable_for = self.plan.stable_for_s
        longest = max((probe.deadline_s for probe in self.plan.probes), default=0.0)
        left = healed + self.plan.horizon_s + longest + GRACE_S - anyio.current_time()
        if self.plan.horizon_s:
            await self._until(
                lambda: all_back(self.recorder.journal, names, stable_for), max(left, 0.0)
            )
        self._pace.calm_down()
        await anyio.sleep_until(healed + self.plan.scenario.quiet)
        self.recorder.phase("reconcile")

    def _http_back(self, stable_for: float) -> bool:
        return all_back(self.recorder.journal, self.plan.fast_periods, stable_for)

    async def _until(self, met: Callable[[], bool], limit_s: float) -> None:
        deadline = anyio.current_time() + limit_s
        # What is waited for is computed from the journal, which nobody announces.
        while not met() and anyio.current_time() < deadline:  # noqa: ASYNC110
            await anyio.sleep(LOOK_S)

    async def _watch_abort_conditions(self) -> None:
        rules = self.plan.scenario.abort_if
        while rules:
            await anyio.sleep(LOOK_S)
            for rule in rules:
                columns = self.recorder.journal.columns(rule.probe)
                if down_for(columns, self.recorder.t()) >= rule.down_for:
                    self.control.abort(f"abort_if: {rule.probe} was down for {rule.down_for:g} s")
                    return

    async def _obey(self) -> None:
        await self.control.aborted()
        self._body.cancel()

    async def _listen(self) -> None:
        start = self.recorder.start
        async for event in self.stack.events():
            self.recorder.add(
                EngineSaw(
                    t=event.at - start,
                    service=event.service,
                    action=event.action,
                    container=event.container,
                    wall_s=event.wall_s,
                )
            )
            if event.action in {"start", "agent.lost"}:
                for injection in self._injections:
                    await injection.rearm(event.service)

    async def _stop_probes(self) -> None:
        for probe in self.probes.values():
            probe.stop()
        with anyio.move_on_after(max((p.deadline_s for p in self.plan.probes), default=1.0) + 1):
            for probe in self.probes.values():
                await probe.drain()

    async def _leave(self) -> Sequence[Remaining]:
        """Look at staging once more, and leave it only if nothing of ours is there."""
        remaining: Sequence[Remaining] = ()
        try:
            with anyio.fail_after(CLEAN_LIMIT_S):
                survey = await self.stack.survey()
                remaining = await self.stack.remaining()
                if not remaining:
                    await self.stack.release()
                    remaining = await self.stack.remaining()
        except (DrillError, TimeoutError) as error:
            what = f"the engine could not be asked: {str(error) or 'no answer'}"
            remaining = [Remaining(what=what, command="")]
            survey = ()
        remaining = [Remaining(what=one.what, command=self.run_info.heal) for one in remaining]
        now = self.recorder.t()
        self.recorder.add(StackSeen(t=now, when="after", services=list(survey)))
        proof = "no rule, pause, stop or helper of this drill was found on the engine"
        clean = Clean(t=now, wall_s=time.time(), proof=proof, remaining=list(remaining))
        self.recorder.add(clean, durable=True)
        return remaining

    def _finish(self, remaining: Sequence[Remaining]) -> int:
        self.recorder.phase("judge")
        findings = judge(self.recorder.journal, self.plan.checks, self.recorder.t())
        for event in findings.events:
            self.recorder.add(event)
        code = EXIT_UNHEALED if remaining else findings.exit_code
        now = self.recorder.t()
        end = End(t=now, wall_s=time.time(), verdict=findings.word, exit_code=code)
        self.recorder.add(end, durable=True)
        return code
