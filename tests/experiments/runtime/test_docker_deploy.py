"""A bad release under a service, and every way back, on real containers."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.errors import BadInput
from experiments.faults.deploy import BadRelease
from experiments.runtime.docker.claim import heal
from tests.experiments.runtime.compose_rig import Shop, likeness, shop_of, two_releases, variables
from tests.experiments.runtime.dying import STEPS
from tests.experiments.runtime.rig import armed, claimed, until
from tests.experiments.runtime.test_docker_deaths import alive, drill, took

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", name="image")
def _image() -> Iterator[str]:
    with two_releases() as image:
        yield image


@pytest.fixture(name="shop")
def _shop(image: str, tmp_path: Path) -> Iterator[Shop]:
    with shop_of(image, tmp_path) as shop:
        yield shop


def bad() -> BadRelease:
    return BadRelease(target="front", release="v1.3.0")


def test_bad_release_bites_and_goes(shop: Shop, tmp_path: Path) -> None:
    """The engine shows another image under the service, all else as it was; then as before."""
    before = shop.front()

    async def rehearse() -> None:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            since = time.monotonic()
            await fault.inject(stack, undo)
            took_s = time.monotonic() - since
            proof = await fault.effective(stack, undo, since)
            assert proof.holds, proof
            assert proof.latest is not None
            during = shop.front()
            assert during["Image"] != before["Image"]
            assert variables(during)["RELEASE"] == variables(during)["OF_IMAGE"] == "v1.3.0"
            kept_key = variables(during)["SECRET_KEY"]
            assert kept_key == "not-for-labels"
            for part in ("name", "host", "networks", "mounts", "running"):
                assert likeness(during)[part] == likeness(before)[part], part
            left = await stack.remaining()
            assert left[0].what.startswith("front runs v1.3.0")
            since = time.monotonic()
            assert await fault.heal(stack, undo) == "put back"
            print(f"deployed in {took_s:.2f} s, put back in {time.monotonic() - since:.2f} s")

            async def removed() -> bool:
                return (await fault.removed(stack, undo, since)).holds

            await until(removed, 10)
            assert await fault.heal(stack, undo) == "already"
            assert not await stack.remaining()
        assert not shop.ours()

    asyncio.run(rehearse())
    assert likeness(shop.front()) == likeness(before)


def test_no_secret_is_in_a_label(shop: Shop, tmp_path: Path) -> None:
    """The marker holds what is needed to restore, and none of the service's variables in labels."""

    async def rehearse() -> None:
        async with claimed(shop, str(tmp_path)) as stack:
            await armed(stack, bad())
            assert "not-for-labels" not in json.dumps([one.labels for one in shop.ours()])
            assert all(one.status == "created" for one in shop.ours())

    asyncio.run(rehearse())


def test_compose_leaves_what_was_put_back_and_repairs_what_was_not(
    shop: Shop, tmp_path: Path
) -> None:
    """`up` replaces the bad release, and leaves the container that was put back as it is."""

    async def rehearse(*, healed: bool) -> str:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            await fault.inject(stack, undo)
            kept = ""
            if healed:
                await fault.heal(stack, undo)
                kept = str(shop.front()["Id"])
            shop.compose("up", "-d")
            now = shop.front()
            assert now["Image"] == undo.release.digest  # type: ignore[union-attr]
            assert await fault.heal(stack, undo) == "already"
            assert shop.front()["Id"] == now["Id"]
            return kept

    asyncio.run(rehearse(healed=False))
    kept = asyncio.run(rehearse(healed=True))
    assert shop.front()["Id"] == kept


def test_a_rollback_by_compose_is_seen(shop: Shop, tmp_path: Path) -> None:
    """A release deployed by compose itself is followed by service name, and its heal is clean."""

    async def rehearse() -> None:
        fault = bad()
        async with claimed(shop, str(tmp_path)) as stack:
            undo = await armed(stack, fault)
            shop.compose("up", "-d", "--no-deps", "front", release="v1.3.0")
            assert (await fault.effective(stack, undo, 0.0)).holds
            await fault.heal(stack, undo)
            assert not await stack.remaining()

    asyncio.run(rehearse())


@pytest.mark.parametrize("release", ["v1.2.0", "v9.9.9"])
def test_a_release_that_changes_nothing_is_refused(
    shop: Shop, tmp_path: Path, release: str
) -> None:
    """What runs already, or is no image here, is refused before anything is touched."""

    async def rehearse() -> None:
        async with claimed(shop, str(tmp_path)) as stack:
            fault = BadRelease(target="front", release=release)
            with pytest.raises(BadInput, match=r"runs v1\.2\.0 already|has no image"):
                await fault.prepare(stack, "f1")

    asyncio.run(rehearse())


def test_killed_drill_is_healed_by_the_guardian(shop: Shop, tmp_path: Path) -> None:
    """SIGKILL of a drill with a bad release in force: the guardian puts the one before back."""
    before = shop.front()
    process, told = drill(shop, tmp_path, "release")
    assert shop.front()["Image"] != before["Image"]
    begun = time.monotonic()
    process.kill()
    took(lambda: not alive(told["guardian"]), 30)
    print(f"put back {time.monotonic() - begun:.2f} s after the kill")
    assert likeness(shop.front()) == likeness(before)
    assert not shop.ours()


@pytest.mark.parametrize(
    "step",
    [STEPS[1], *(pytest.param(x, marks=pytest.mark.thorough) for x in (STEPS[0], *STEPS[2:]))],
)
def test_killed_in_the_middle_is_healed_by_hand(shop: Shop, tmp_path: Path, step: str) -> None:
    """Drill and guardian killed at any step of the exchange: `drill heal` restores by labels."""
    before = shop.front()
    process, _ = drill(shop, tmp_path, step)
    assert process.wait(30) == -signal.SIGKILL
    begun = time.monotonic()
    healing = heal(shop.project)
    print(f"healed in {time.monotonic() - begun:.2f} s: {healing.healed}")
    assert not healing.remaining
    assert likeness(shop.front()) == likeness(before)
    assert not shop.ours()


def test_nothing_is_left_of_the_service(shop: Shop, tmp_path: Path) -> None:
    """Even with every container of the service removed, the marker alone restores it."""
    before = shop.front()
    process, told = drill(shop, tmp_path, "release")
    os.kill(told["guardian"], signal.SIGKILL)
    process.kill()
    process.wait()
    shop.client.api.remove_container(shop.front()["Id"], force=True)
    assert not heal(shop.project).remaining
    assert likeness(shop.front()) == likeness(before)
