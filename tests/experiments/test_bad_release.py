"""A bad release in virtual time: the life of the fault, and a rollback that came first."""

import anyio
import pytest
import trio
import trio.testing

from drill.errors import BadInput
from drill.events import FaultChange
from experiments.faults.deploy import BadRelease
from experiments.injection import Injection
from experiments.plan import ArmedSpec
from experiments.recorder import Recorder
from experiments.runtime.shapes import Undo
from tests.experiments.fakes import FakeSink, FakeStack

NO_RELEASE = Undo(service="shop", container="c", want="running")
BAD = {"target": "shop", "release": "v2", "for": "20s"}


async def _live(stack: FakeStack, rollback_at: float | None) -> dict[str, FaultChange]:
    recorder = Recorder(FakeSink(), anyio.current_time())
    spec = BadRelease.model_validate(BAD)
    undo = await spec.prepare(stack, "f1")
    injection = Injection(ArmedSpec("f1", spec), undo, stack, recorder, lambda *, momentary: None)

    async def roll_back() -> None:
        if rollback_at is not None:
            await anyio.sleep(rollback_at)
            await stack.deploy("shop", "shop:v1")

    async with anyio.create_task_group() as group:
        group.start_soon(roll_back)
        group.start_soon(injection.live, anyio.current_time())
    stack.close()
    return {change.state: change for change in recorder.journal.every(FaultChange)}


def rehearse(rollback_at: float | None = None) -> tuple[FakeStack, dict[str, FaultChange]]:
    stack = FakeStack(["shop"])
    clock = trio.testing.MockClock(autojump_threshold=0)
    return stack, trio.run(_live, stack, rollback_at, clock=clock)


def test_a_bad_release_lives_and_goes() -> None:
    """
    Proven by the digest and bounded by the engine's start, on the way in and on the way out.
    """
    stack, states = rehearse()

    assert stack.releases["shop"] == "v1"
    assert "v2 (sha256:v2) running where sha256:v1 was" in states["effective"].proof
    assert states["effective"].latest is not None
    assert states["healed"].by == "put back"
    assert states["healed"].t >= 20


def test_a_rollback_heals_it_already() -> None:
    """
    What a responder rolled back is not deployed again by the heal.
    """
    stack, states = rehearse(rollback_at=5)

    assert states["healed"].by == "already"
    assert stack.acts == ["deploy shop", "deploy shop"]


def test_the_same_release_is_refused() -> None:
    """
    A release that runs already cannot be a fault.
    """

    async def prepare() -> None:
        stack = FakeStack(["shop"])
        try:
            await BadRelease(target="shop", release="v1").prepare(stack, "f1")
        finally:
            stack.close()

    with pytest.raises(BadInput, match="runs v1 already"):
        trio.run(prepare)


def test_an_undo_without_a_release_is_refused() -> None:
    """
    What does not say which release ran before cannot prove that it is back.
    """

    async def removed() -> None:
        stack = FakeStack(["shop"])
        try:
            await BadRelease(target="shop", release="v2").removed(stack, NO_RELEASE, 0.0)
        finally:
            stack.close()

    with pytest.raises(BadInput, match="the undo of shop names no release"):
        trio.run(removed)


def test_the_plan_says_how_a_bad_release_gets_in() -> None:
    """
    Who reads a plan learns whose create and start it is, and of which release.
    """
    path = BadRelease(target="shop", release="v2").path()

    assert path == "the engine's create and start, from the image of v2"
