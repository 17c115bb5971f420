"""Faults in the journeys' browser in virtual time: proven, healed, and what the plan refuses."""

from collections.abc import Callable

import anyio
import pytest
import trio
import trio.testing
from pydantic import ValidationError

from drill.errors import BadInput
from drill.events import FaultChange, Found
from drill.verdict import Health
from experiments.faults.base import FaultSpec
from experiments.faults.browser import FAULTS, BrowserBlock, BrowserSlow, BrowserStatus
from experiments.injection import Injection
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.browsing import Browsing
from experiments.runtime.shapes import Undo
from tests.experiments.conftest import Rehearsal
from tests.experiments.fakes import FakeSink, FakeStack

HOST = "js.paystack.co"
GIVEN = {"host": HOST, "for": "20s"}
JOURNEY = {"journey": "checkout", "resolve": {HOST: "127.0.0.1:1"}}
JOURNEYS = {"buying": JOURNEY}
SCENARIO = """\
schema: drill-scenario/1
title: Made for a test
severity: 2
baseline: 3s
faults:
  - {fault: browser.block, host: js.paystack.co, at: 1s, for: 20s}
during:
  - {check: degrades_gracefully, probes: [buying]}
after:
  - {check: recovers_within, probes: [http], limit: 5s, stable_for: 3s}
  - {check: recovers_within, probes: [journeys], limit: 30s, stable_for: 3s}
"""


async def _live(
    stack: FakeStack, spec: FaultSpec, hit_at: float, meanwhile: Callable[[FakeStack], None]
) -> list[FaultChange]:
    recorder = Recorder(FakeSink(), anyio.current_time())
    undo = await spec.prepare(stack, "run-f1")
    injection = Injection(ArmedSpec("f1", spec), undo, stack, recorder, lambda *, momentary: None)
    now = anyio.current_time()
    stack.chromium.routes.hit_at = now + hit_at

    async def change() -> None:
        await anyio.sleep(5)
        meanwhile(stack)

    async with anyio.create_task_group() as group:
        group.start_soon(change)
        group.start_soon(injection.live, now)
    stack.close()
    return list(recorder.journal.every(FaultChange))


def rehearse(
    spec: FaultSpec,
    hit_at: float = 2.0,
    *,
    dead: bool = False,
    meanwhile: Callable[[FakeStack], None] = lambda _: None,
) -> tuple[FakeStack, dict[str, FaultChange]]:
    """One fault's life: the stack and its changes by state."""
    stack = FakeStack(["shop"])
    stack.chromium.routes.dead = dead
    clock = trio.testing.MockClock(autojump_threshold=0)
    changes = trio.run(_live, stack, spec, hit_at, meanwhile, clock=clock)
    return stack, {change.state: change for change in changes}


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (BrowserBlock, "js.paystack.co failed with ERR_BLOCKED_BY_CLIENT"),
        (BrowserSlow, "js.paystack.co did not answer within 1.0 s"),
        (BrowserStatus, "js.paystack.co answered 503 by the drill"),
    ],
)
def test_it_is_effective_once_seen_and_hit_and_healed_once_the_host_answers(
    kind: type[FaultSpec], shown: str
) -> None:
    """
    A page of the drill's own shows the fault, a journey's request is hit, and both are told; the
    removal is shown by the host's own answer.
    """
    stack, states = rehearse(kind.model_validate(GIVEN))

    assert states["effective"].proof == (
        f"a page of the drill's own saw that {shown}; "
        "Chromium reported it of 2 of the journeys' requests"
    )
    assert states["effective"].earliest == pytest.approx(0, abs=0.1)
    assert states["effective"].latest == pytest.approx(2, abs=0.1)
    assert states["healed"].proof == f"a page of the drill's own saw that {HOST} answered 200"
    assert states["healed"].by == "route taken away, having hit 2"
    assert states["healed"].t == pytest.approx(20, abs=1.1)
    assert not stack.chromium.routes.rules


def test_what_no_journey_asks_for_had_no_effect() -> None:
    """
    In force to its end, and no journey's request met it: not effective, and healed all the same.
    """
    _, states = rehearse(BrowserBlock.model_validate(GIVEN), hit_at=100)

    assert states["not_effective"].proof.endswith("but no journey's request was hit")
    assert states["healed"].t == pytest.approx(20, abs=0.5)
    assert "effective" not in states


def test_a_route_that_does_nothing_is_not_effective() -> None:
    """
    That the browser was asked for it proves nothing: the host still answers, and it says so.
    """
    _, states = rehearse(BrowserStatus.model_validate(GIVEN), dead=True)

    assert states["not_effective"].proof.endswith("js.paystack.co answered 200")
    assert "effective" not in states


def test_a_route_that_was_lost_is_not_effective_and_no_error_to_heal() -> None:
    """
    What the browser does not hold proves nothing, and its heal finds nothing to take away.
    """

    async def look() -> tuple[str, str]:
        stack = FakeStack(["shop"])
        spec = BrowserBlock.model_validate(GIVEN)
        undo = await spec.prepare(stack, "run-f1")
        stack.close()
        proof = await spec.effective(stack, undo, 0.0)
        assert not proof.holds
        return proof.text, await spec.heal(stack, undo)

    assert trio.run(look) == ("the browser holds no such route", "no route was left")


def test_an_answer_of_the_drills_is_no_proof_of_the_removal() -> None:
    """
    While a route still answers instead of the host the fault is not gone.
    """

    async def look() -> bool:
        stack = FakeStack(["shop"])
        spec = BrowserStatus.model_validate(GIVEN)
        undo = await spec.prepare(stack, "run-f1")
        await spec.inject(stack, undo)
        stack.close()
        return (await spec.removed(stack, undo, 0.0)).holds

    assert trio.run(look) is False


def test_a_host_that_does_not_answer_beforehand_breaks_nothing() -> None:
    """
    Where the host cannot be reached anyhow nothing could be shown: nothing is injected.
    """

    async def prepare() -> None:
        stack = FakeStack(["shop"])
        stack.chromium.away.add(HOST)
        stack.close()
        await BrowserBlock.model_validate(GIVEN).prepare(stack, "run-f1")

    with pytest.raises(BadInput, match=r"js\.paystack\.co failed with ERR_NAME_NOT_RESOLVED"):
        trio.run(prepare)


def test_a_pattern_is_looked_at_on_every_host_that_it_means() -> None:
    """
    Each known host is asked, before and while the fault is in force.
    """
    stack, states = rehearse(BrowserBlock.model_validate(GIVEN | {"host": "*.paystack.co"}))

    assert set(stack.chromium.asked) == {"api.paystack.co", HOST}
    assert "api.paystack.co failed" in states["effective"].proof


def test_a_drill_without_a_browser_has_nothing_to_divert() -> None:
    """
    Without a journey there is no Chromium: nothing is in force, and asking for it says why.
    """
    browsing = Browsing()

    assert browsing.diverted() == []
    with pytest.raises(BadInput, match="no journey is run"):
        trio.run(browsing.met, "run-f1")


def test_a_whole_drill_leaves_staging_and_browser_as_they_were() -> None:
    """
    The engine is given no marker, as nothing of staging is touched; the drill passes and is clean,
    and the clock of the recovery has the journeys' limit.
    """
    rehearsal = Rehearsal(SCENARIO, journeys=JOURNEYS)
    routes = rehearsal.stack.chromium.routes
    routes.hit_at = 0.0
    rehearsal.looks["buying"] = lambda: Health.DEGRADED if routes.rules else Health.OK

    assert rehearsal.run() == 0

    assert rehearsal.states() == ["armed", "intent", "injected", "effective", "healing", "healed"]
    assert not [act for act in rehearsal.stack.acts if act.startswith("arm")]
    assert rehearsal.stack.released
    assert rehearsal.plan.targets == frozenset()
    assert rehearsal.plan.recover_limit_s == 30
    assert {found.verdict for found in rehearsal.journal.every(Found)} == {"pass"}


def test_a_route_that_stays_is_told_as_left() -> None:
    """
    What is still in force at the end is named, with the word that it ends with its browser.
    """

    async def left() -> list[str]:
        stack = FakeStack(["shop"])
        spec = BrowserBlock.model_validate(GIVEN)
        await spec.inject(stack, Undo("", "", "running", route="run-f1"))
        stack.close()
        return [one.what for one in await stack.remaining()]

    assert trio.run(left) == [
        "run-f1 is in force in the journeys' Chromium; it ends with it",
    ]


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_no_fault_of_a_browser_touches_a_service(kind: type[FaultSpec]) -> None:
    """
    Its target is the journeys' Chromium and cannot be anything else.
    """
    assert kind.model_validate(GIVEN).service is None
    with pytest.raises(ValidationError, match="chromium"):
        kind.model_validate(GIVEN | {"target": "shop"})
