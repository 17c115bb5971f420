"""Faults of Paystack in virtual time: their life at the sandbox, and what the plan refuses."""

import json
import time

import anyio
import msgspec
import pytest
import trio
import trio.testing

from drill.errors import BadInput
from drill.events import FaultChange
from experiments.faults import paystack
from experiments.faults.base import FaultSpec, Proof
from experiments.faults.paystack import ApiError, WebhookLate
from experiments.injection import Injection
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.docker import leases
from experiments.runtime.docker.labels import FAULT as LABEL
from experiments.runtime.docker.labels import faults_on
from experiments.runtime.shapes import Undo
from tests.experiments.conftest import ENVIRONMENT, Rehearsal, plan_of
from tests.experiments.fakes import FakeSink, FakeStack

FAULT = {"target": "paystack", "for": "20s", "routes": ["verify", "list"], "status": 503}
SCENARIO = """\
schema: drill-scenario/1
title: Made for a test
severity: 1
baseline: 3s
faults:
  - {fault: paystack.error, at: 1s, for: 20s}
  - {fault: paystack.webhook_late, at: 1s, for: 20s, delay: 800ms}
after:
  - {check: recovers_within, probes: [all], limit: 30s, stable_for: 5s}
"""
SANDBOX = {"control": "http://127.0.0.1:1", "token": "t"}  # pragma: allowlist secret


async def _live(
    stack: FakeStack, bites_at: float | None, ends_at: float | None
) -> list[FaultChange]:
    recorder = Recorder(FakeSink(), anyio.current_time())
    spec = ApiError.model_validate(FAULT)
    undo = await spec.prepare(stack, "run-f1")
    injection = Injection(ArmedSpec("f1", spec), undo, stack, recorder, lambda *, momentary: None)
    now = anyio.current_time()
    stack.bit_at = None if bites_at is None else now + bites_at

    async def end() -> None:
        if ends_at is not None:
            await anyio.sleep(ends_at)
            injection.end()

    async with anyio.create_task_group() as group:
        group.start_soon(end)
        group.start_soon(injection.live, now)
    stack.close()
    return list(recorder.journal.every(FaultChange))


def rehearse(
    bites_at: float | None = None, ends_at: float | None = None
) -> tuple[FakeStack, dict[str, FaultChange]]:
    """One fault's life: the stack and its changes by state."""
    stack = FakeStack(["paystack"])
    clock = trio.testing.MockClock(autojump_threshold=0)
    changes = trio.run(_live, stack, bites_at, ends_at, clock=clock)
    return stack, {change.state: change for change in changes}


def test_a_fault_is_effective_once_it_bit() -> None:
    """
    However late the first bite comes, the fault is effective then, ends in time, and says so.
    """
    stack, states = rehearse(bites_at=12)

    assert states["effective"].latest == pytest.approx(12)
    assert "bit 1 of the 2" in states["effective"].proof
    assert states["healed"].by == "ended, having bitten 1 times"
    assert states["healed"].t == pytest.approx(20, abs=0.2)
    assert stack.acts == ["impose run-f1", "lift run-f1"]


def test_a_fault_that_met_nothing_had_no_effect() -> None:
    """
    In force to its end and never bitten: not effective, and healed all the same.
    """
    _, states = rehearse()

    assert "met 2 and bit none" in states["not_effective"].proof
    assert states["healed"].t == pytest.approx(20, abs=0.2)
    assert "effective" not in states


def test_a_lease_that_the_sandbox_forgot_is_not_effective() -> None:
    """
    What the control port does not list proves nothing, and healing it is no error.
    """

    async def look() -> tuple[Proof, str]:
        stack = FakeStack(["paystack"])
        spec = ApiError.model_validate(FAULT)
        undo = await spec.prepare(stack, "run-f1")
        stack.close()
        return await spec.effective(stack, undo, 0.0), await spec.heal(stack, undo)

    proof, how = trio.run(look)

    assert not proof.holds
    assert (proof.text, how) == ("the sandbox does not list it", "its lease was over")


def test_an_end_that_is_called_for_is_not_waited_out() -> None:
    """
    A fault still waiting for its first bite is healed at once when the drill ends it.
    """
    _, states = rehearse(ends_at=3)

    assert states["healed"].t == pytest.approx(3, abs=0.2)


def test_what_the_control_port_is_sent() -> None:
    """
    The sandbox's own names, seconds as numbers, and nothing of the drill's.
    """
    late = WebhookLate.model_validate({"for": "20s", "delay": "800ms", "events": ["a.b"]})

    assert json.loads(ApiError.model_validate(FAULT).body()) == {
        "kind": "error",
        "share": 1.0,
        "routes": ["verify", "list"],
        "status": 503,
    }
    assert json.loads(late.body()) == {
        "kind": "webhook_late",
        "share": 1.0,
        "routes": ["a.b"],
        "delay_s": 0.8,
    }


def test_the_engine_keeps_the_name_and_no_token() -> None:
    """
    The undo on the engine holds the lease's name, by which anybody knows that it ends by itself.
    """

    async def armed() -> str:
        stack = FakeStack(["paystack"])
        spec = ApiError.model_validate(FAULT)
        undo = await spec.prepare(stack, "run-f1")
        stack.close()
        recorder = Recorder(FakeSink(), anyio.current_time())
        life = Injection(ArmedSpec("f1", spec), undo, stack, recorder, lambda *, momentary: None)
        return msgspec.json.encode(life.armed()).decode()

    text = trio.run(armed)

    assert faults_on({LABEL: text})[0].undo.lease == "run-f1"
    assert "token" not in text


def test_without_a_sandbox_the_plan_refuses() -> None:
    """
    Each such fault is named with its place and with what the environment lacks.
    """
    with pytest.raises(BadInput) as refused:
        plan_of(SCENARIO)

    assert [line.split(": ", 1)[0] for line in refused.value.problems] == [
        "scenario.yaml:6",
        "scenario.yaml:7",
    ]
    assert "name it under `sandbox`" in str(refused.value)


def test_a_drill_with_two_faults_of_paystack(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Different faults of Paystack overlap, both are lifted, and staging is clean afterwards.
    """
    monkeypatch.setitem(ENVIRONMENT, "sandbox", SANDBOX)
    rehearsal = Rehearsal(SCENARIO)
    rehearsal.stack.bit_at = 0.0

    rehearsal.run()

    assert rehearsal.stack.leases == {}
    assert rehearsal.stack.released
    states = [change.state for change in rehearsal.journal.every(FaultChange)]
    assert states.count("effective") == states.count("healed") == 2


def test_the_same_fault_twice_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Two of the same kind would be ambiguous, and are refused as overlapping.
    """
    monkeypatch.setitem(ENVIRONMENT, "sandbox", SANDBOX)

    with pytest.raises(BadInput, match="overlaps with fault 1"):
        plan_of(
            SCENARIO.replace("paystack.webhook_late", "paystack.error").replace(
                ", delay: 800ms", ""
            )
        )


@pytest.mark.parametrize("fault", paystack.FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_has_a_family_of_its_own(fault: type) -> None:
    """
    A fault's family is its own name, and it needs nothing but the sandbox.
    """
    assert issubclass(fault, FaultSpec)
    assert fault.family == fault.model_fields["fault"].default
    assert (fault.needs, fault.bites, fault.momentary) == ("sandbox", True, False)


def test_a_lease_is_outlived_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever heals without the token waits as long as a lease lasts, and only where there is one.
    """
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)

    assert leases.outlive(Undo("redis", "c", "running")) == "already"
    told = leases.outlive(Undo("paystack", "c", "running", lease="run-f1"))

    assert told == "the lease of run-f1 is over, 3 s after its last refresh"
    assert waited == [pytest.approx(3.25)]
