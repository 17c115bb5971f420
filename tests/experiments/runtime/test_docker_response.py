"""What responders change on real containers: a service cut off, a feature switched off."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments.environment import Environment
from experiments.environment_parts import Feature
from experiments.respond.flags import Flags
from experiments.respond.undo import undo_act
from experiments.runtime.docker.claim import heal
from experiments.runtime.docker.guardians import ProcessGuardian
from experiments.runtime.docker.stack import open_stack
from experiments.runtime.shapes import RunInfo
from tests.experiments.runtime.dying import KINDS
from tests.experiments.runtime.rig import Rig, armed, claimed, staging, until
from tests.experiments.runtime.test_docker_deaths import alive, drill, path_open, took
from tests.staging.stack import Stack

pytestmark = pytest.mark.docker
ENVIRONMENT = Path(__file__).parents[3] / "environments" / "bundled.yaml"
ISOLATE = '{"service": "front"}'


@pytest.fixture(name="rig")
def _rig() -> Iterator[Rig]:
    with staging() as rig:
        yield rig


def reached(rig: Rig) -> bool:
    """Whether back reaches front, from the outside of front."""
    code, _ = rig.container("back").exec_run(
        ["python3", "-c", "import socket;socket.create_connection(('front',8000),0.2)"]
    )
    return bool(code == 0)


def test_isolated_and_joined(rig: Rig, tmp_path: Path) -> None:
    """Nothing reaches the service and it reaches nobody but itself by loopback; then all does."""

    async def rehearse() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            await stack.intend("a1", ISOLATE)
            proof = await stack.cut_off("front")
            assert "silent" in proof
            assert not path_open(rig)
            assert not reached(rig)
            own = "import socket;socket.create_connection(('127.0.0.1',8000),0.5)"
            assert rig.container("front").exec_run(["python3", "-c", own])[0] == 0
            assert [one.what for one in await stack.remaining()] == ["front: rule isolate-front"]
            await asyncio.sleep(4)  # Longer than any element lives that nobody renews.
            assert not path_open(rig)
            await stack.join("front")
            await stack.join("front")
            assert path_open(rig)
            assert reached(rig)
            await stack.forget("a1")
            assert not await stack.remaining()
        assert not rig.ours()

    asyncio.run(rehearse())


def test_isolation_beside_a_fault_and_over_a_restart(rig: Rig, tmp_path: Path) -> None:
    """An agent that is there already is used; a restarted service is cut off again."""

    async def rehearse() -> None:
        async with claimed(rig, str(tmp_path)) as stack:
            await armed(stack, KINDS["blackhole"])
            await stack.intend("a1", ISOLATE)
            await stack.cut_off("front")
            await stack.restart("front", 1)

            async def cut_again() -> bool:
                return not await asyncio.to_thread(path_open, rig)

            await until(cut_again, 5)
            await stack.join("front")
            assert path_open(rig)
            await stack.forget("a1")

    asyncio.run(rehearse())


def test_isolation_ends_with_the_drill(rig: Rig, tmp_path: Path) -> None:
    """SIGKILL of the drill and its guardian: the agent lets go by itself, and heal tidies up."""
    process, told = drill(rig, tmp_path, "isolating")
    assert not path_open(rig)
    os.kill(told["guardian"], signal.SIGKILL)
    begun = time.monotonic()
    process.kill()
    took(lambda: path_open(rig), 4)
    print(f"open {time.monotonic() - begun:.3f} s after the kill")
    assert not heal(rig.project).remaining
    assert not rig.ours()


@pytest.fixture(name="environment")
def _environment(stack: Stack, tmp_path: Path) -> tuple[Path, Environment]:
    """The environment of the test's own staging, as a file that holds no key."""
    raw: dict[str, Any] = {
        "schema": "drill-environment/1",
        "environment": "staging",
        "compose": {"project": stack.project, "file": "compose.yaml"},
        "web": stack.web_url,
        "features": {"checkout": {"flag": "checkout", "key": "${STAGING_API_KEY}"}},
        "probes": {},
    }
    file = tmp_path / "here.yaml"
    file.write_text(yaml.safe_dump(raw))
    raw["features"]["checkout"]["key"] = stack.api_key
    return file, Environment.model_validate(raw)


def flags(environment: Environment) -> Flags:
    return Flags(environment.web, environment.features)


def test_feature_off_and_on(stack: Stack, environment: tuple[Path, Environment]) -> None:
    """The shop's own flag is switched, read again, and a wrong key is said plainly."""
    _, loaded = environment

    async def rehearse() -> None:
        hand = flags(loaded)
        assert await hand.flag("checkout")
        assert "off" in await hand.set_flag("checkout", on=False)
        assert not await hand.flag("checkout")
        assert "on" in await hand.set_flag("checkout", on=True)
        wrong = Flags(loaded.web, {"checkout": Feature(flag="checkout")})
        with pytest.raises(Exception, match="401"):
            await wrong.flag("checkout")

    asyncio.run(rehearse())


def test_a_dead_drills_flag_is_put_back(
    stack: Stack,
    environment: tuple[Path, Environment],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The marker names file and feature and no key; healing reads the key and switches it on."""
    file, loaded = environment
    monkeypatch.setenv("STAGING_API_KEY", stack.api_key)
    undo = json.dumps({"feature": "checkout", "on": True})

    async def dies(*, healed: bool) -> None:
        async with open_stack(stack.project) as here:
            info = RunInfo(run="r1", scenario="s", project=stack.project, directory=str(tmp_path))
            info = RunInfo(
                run=info.run,
                scenario=info.scenario,
                project=info.project,
                directory=info.directory,
                environment=str(file),
            )
            await here.claim(info)
            await here.intend("a1", undo)
            await flags(loaded).set_flag("checkout", on=False)
            left = await here.remaining()
            assert "act a1 is not undone" in left[0].what
            claim = here._claim
            assert claim is not None
            guardian = claim._guardian
            assert isinstance(guardian, ProcessGuardian)
            if healed:
                os.kill(guardian.pid, signal.SIGKILL)
                claim._file.close()
            else:
                assert guardian._process.stdin is not None
                guardian._process.stdin.close()  # As its death would.
                claim._file.close()
                took(lambda: not alive(guardian.pid), 30)

    for healed in (False, True):
        asyncio.run(dies(healed=healed))
        if healed:
            assert not heal(stack.project).remaining
        assert asyncio.run(flags(loaded).flag("checkout"))
    with pytest.raises(Exception, match="is of project"):
        asyncio.run(undo_act(file, "another", undo))
