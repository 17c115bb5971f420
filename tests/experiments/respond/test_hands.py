"""The responders' hands: what they are given they do, and nothing of it is made up."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drill.errors import BadInput, DrillError, Unsure
from drill.incident import ReleaseSeen
from experiments.environment import Environment
from experiments.recorder import Recorder
from experiments.respond.hands import RealHands, secrets_of
from experiments.respond.released import look_at_release
from experiments.runtime.shapes import Release
from tests.experiments.conftest import ENVIRONMENT
from tests.experiments.fakes import FakeSink, FakeStack
from tests.validators.probes.alerts.double import Asked, Double, serving

pytestmark = pytest.mark.anyio
FLAG = "/api/admin/flags/checkout"
KEY = "made-up-key"  # pragma: allowlist secret - made up


class Ground(FakeStack):
    """A stack that knows what ran before the drill."""

    async def release_before(self, service: str) -> Release:
        return await self.running(service)


class Elsewhere:
    """Ends faults and writes to support, by name only."""

    async def end_faults(self) -> str:
        return "all faults ended"

    async def report(self, text: str) -> str:
        return f"support took: {text}"


@pytest.fixture(name="shop")
async def _shop() -> AsyncIterator[Double]:
    """A shop whose flag is kept, behind a key."""
    async with serving() as double:
        flags = {"enabled": True}

        def flag(asked: Asked) -> object:
            if asked.headers.get("x-api-key") != KEY:
                return {"error": "no key"}
            if asked.method == "PUT":
                flags["enabled"] = b"true" in asked.body
            return flags

        double.answers[FLAG] = flag
        yield double


@pytest.fixture(name="ground")
def _ground() -> Iterator[Ground]:
    ground = Ground(["shop", "backend"])
    yield ground
    ground.close()


def hands(shop: Double, ground: Ground, folder: Path, **change: object) -> RealHands:
    written = {"web": shop.url, "features": {"checkout": {"flag": "checkout", "key": KEY}}}
    settings = {**ENVIRONMENT, **written, "deploy": {"stable": "v2"}, **change}
    return RealHands(
        Environment.model_validate(settings),
        folder / "environment.yaml",
        stack=ground,
        run="r1",
        faults=Elsewhere(),
        customers=Elsewhere(),
        rollback=("v2", ("echo as written",)),
    )


async def test_a_feature_is_off_when_the_shop_says_so_again(
    shop: Double, ground: Ground, tmp_path: Path
) -> None:
    """
    Set, read once more, and proven by the shop's own answer; and on again in the same way.
    """
    made = hands(shop, ground, tmp_path)

    assert await made.flag("checkout") is True
    assert "checkout is off: the shop answered 200" in await made.set_flag("checkout", on=False)
    assert await made.flag("checkout") is False
    assert "checkout is on" in await made.set_flag("checkout", on=True)
    assert [one.method for one in shop.asked] == ["GET", "PUT", "GET", "GET", "PUT", "GET"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, {"enabled": True}), "was to be off, the shop said 200"),
        ((200, {"enabled": "no"}), "has no `enabled`, true or false"),
        ((200, b"<html>"), "has no `enabled`"),
        ((200, []), "has no `enabled`"),
        ((403, {"error": "no"}), "was answered 403"),
    ],
)
async def test_a_shop_that_does_not_obey_is_no_containment(
    shop: Double, ground: Ground, tmp_path: Path, answer: tuple[int, object], reason: str
) -> None:
    """
    An answer that is no flag, a refusal, or a flag that did not move: nobody claims it is off.
    """
    shop.status[FLAG], shop.answers[FLAG] = answer

    with pytest.raises(Unsure, match=reason):
        await hands(shop, ground, tmp_path).set_flag("checkout", on=False)


async def test_a_shop_that_cannot_be_reached_or_has_no_such_feature(
    shop: Double, ground: Ground, tmp_path: Path
) -> None:
    """
    No answer is told with its address, an unknown feature with the nearest name.
    """
    away = hands(shop, ground, tmp_path, web="http://127.0.0.1:1")

    with pytest.raises(Unsure, match="/api/admin/flags/checkout of feature checkout: "):
        await away.flag("checkout")
    with pytest.raises(BadInput, match="did you mean 'checkout'"):
        await away.flag("chekout")


async def test_hands_reach_stack_team_and_customers(
    shop: Double, ground: Ground, tmp_path: Path
) -> None:
    """
    Isolation, rollback and its undo are on the stack, commands on this machine, words at support.
    """
    made = hands(shop, ground, tmp_path)

    assert await made.isolate("backend") == "nothing reaches it"
    assert await made.rejoin("backend") == "it answers"
    undo = await made.release_before("shop")
    await made.check_rollback("shop", "v2")
    assert "shop runs v2" in await made.roll_back("shop", "v2")
    assert await made.put_release_back(undo) == "put back: shop runs v1 (sha256:v1)"
    assert await made.run_as_written(10) == "`echo as written` exit 0: as written"
    assert await made.run("echo repaired", 10) == "exit 0: repaired"
    with pytest.raises(DrillError, match="exit 2"):
        await made.run("exit 2", 10)
    assert await made.report("help") == "support took: help"
    assert await made.end_faults() == "all faults ended"
    assert [act.split()[0] for act in ground.acts] == ["cut", "join", "deploy", "deploy"]


def test_every_secret_of_an_environment_is_known_however_deep_it_lies() -> None:
    """
    What commands print is searched for all of them, in parts, tables and lists alike.
    """
    settings = {
        **ENVIRONMENT,
        "features": {"checkout": {"flag": "checkout", "key": "in-a-table"}},
        "monitoring": {"grafana": {"url": "http://127.0.0.1:1", "token": "in-a-part"}},
    }
    environment = Environment.model_validate(settings)

    assert {"in-a-table", "in-a-part"} <= set(secrets_of(environment))
    assert set(secrets_of((environment, "no secret"))) == set(secrets_of(environment))


async def test_a_release_that_cannot_be_read_is_a_note_and_no_guess() -> None:
    """
    The journal has what runs by the engine's digest, or the reason why nobody knows.
    """
    stack = Ground(["shop"])
    recorder = Recorder(FakeSink(), 0.0)

    class Lost:
        async def running(self, service: str) -> Release:
            raise DrillError(f"{service} has no container")

    await look_at_release(recorder, stack, "shop", "before")
    await look_at_release(recorder, Lost(), "shop", "after")
    stack.close()

    journal = recorder.journal
    seen = [(one.when, one.release, one.digest) for one in journal.every(ReleaseSeen)]
    assert seen == [("before", "v1", "sha256:v1")]
    assert "could not be read (after): shop has no container" in str(journal.events[-1])
