"""Which release ran when, by the engine's own word, in virtual time."""

import anyio
import pytest
import trio
import trio.testing

from drill.incident import Acted, ReleaseSeen
from experiments.plan import Plan
from experiments.recorder import Recorder
from experiments.releases_watch import ReleasesWatch
from tests.experiments.conftest import ENVIRONMENT, SCENARIO, plan_of
from tests.experiments.fakes import FakeSink, FakeStack

PAUSED = "{fault: container.pause, target: backend, at: 1s, for: 20s}"
BAD = "{fault: deploy.bad_release, target: shop, release: v2, at: 1s, for: 20s}"
ROLLED = """\
detect: [{alert: Wrong, within: 30s}]
respond:
  - {when: detected, do: acknowledge}
  - {when: acknowledged, do: contain.isolate, service: backend}
  - {when: acknowledged, do: resolve.rollback, service: shop}
"""


def watched(plan: Plan) -> list[tuple[str, str, str]]:
    """Service, when and release of every look at a drill that deploys and rolls back."""

    async def main() -> list[tuple[str, str, str]]:
        stack, recorder = FakeStack(["shop", "backend"]), Recorder(FakeSink(), 0.0)
        watch = ReleasesWatch(recorder, stack, plan)
        await watch.before()
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await stack.deploy("shop", "shop:v2")
            recorder.fault("f1", "injected")
            recorder.fault("f1", "effective", "seen")
            await anyio.sleep(1)
            await stack.deploy("shop", "shop:v1")
            for do in ("acknowledge", "resolve.rollback"):
                recorder.add(Acted(0.0, "a", do, "done", "ada", "lead", "auto"))
            await anyio.sleep(1)
            group.cancel_scope.cancel()
        watch.close()
        await watch.after()
        stack.close()
        seen = recorder.journal.every(ReleaseSeen)
        return [(one.service, one.when, one.release) for one in seen]

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_what_is_deployed_and_rolled_back_is_looked_at_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Before, in the fault, after the rollback and at the end; a service that is only cut off is not.
    """
    monkeypatch.setitem(ENVIRONMENT, "deploy", {"stable": "v1"})

    assert watched(plan_of(SCENARIO.replace(PAUSED, BAD) + ROLLED)) == [
        ("shop", "before", "v1"),
        ("shop", "bad", "v2"),
        ("shop", "rolled_back", "v1"),
        ("shop", "after", "v1"),
    ]


def test_a_drill_that_deploys_nothing_looks_at_no_release() -> None:
    """
    Where no release is touched none is asked for.
    """
    assert watched(plan_of(SCENARIO)) == []
