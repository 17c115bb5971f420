"""The drill's client of the control port, against the sandbox's own application."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest
from pydantic import SecretStr

from drill.errors import BadInput, Unsure
from experiments.faults import FAULTS
from experiments.faults.base import FaultSpec
from experiments.runtime import sandbox as client
from experiments.runtime.sandbox import Leasing, SandboxControl
from tests.staging.sandbox.inside import TOKEN, Inside, part

pytestmark = pytest.mark.anyio
OURS = [fault for fault in FAULTS if fault.needs == "sandbox"]
URL = "http://control.test"


@pytest.fixture
def reached(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> SandboxControl:
    """A client whose connections end at the application of *inside*."""
    app = inside.sandbox.control(TOKEN)
    plain = httpx.AsyncClient

    def connected(**options: object) -> httpx.AsyncClient:
        return plain(transport=httpx.ASGITransport(app))

    monkeypatch.setattr(httpx, "AsyncClient", connected)
    return SandboxControl(URL, SecretStr(TOKEN))


@pytest.mark.parametrize("fault", OURS, ids=lambda fault: str(fault.__name__))
def test_the_sandbox_knows_every_fault(fault: type[FaultSpec]) -> None:
    """Kind, settings and defaults of each fault of the drill are those of the control port."""
    spec = fault.model_validate({"target": "paystack", "for": "5s"})

    parsed = part("kinds").parse(json.loads(spec.body()))  # type: ignore[attr-defined]

    assert f"paystack.{parsed.kind}" == spec.fault


def test_the_drill_knows_every_fault_of_the_sandbox() -> None:
    """No kind of the control port is without its fault."""
    kinds = {f"paystack.{kind}" for kind in part("kinds").KINDS}

    assert kinds == {fault.model_fields["fault"].default for fault in OURS}


async def test_a_fault_from_first_to_last(inside: Inside, reached: SandboxControl) -> None:
    """Imposed it is listed, bitten it says since when, and lifted it is gone with its count."""
    assert await reached.imposed("f1") is None
    await reached.impose("f1", json.dumps({"kind": "error"}))
    before = await reached.imposed("f1")
    await inside.api.get("/transaction")
    after = await reached.imposed("f1")

    assert before is not None
    assert (before.bit, before.bit_at) == (0, None)
    assert after is not None
    assert after.bit == 1
    assert after.bit_at == pytest.approx(anyio.current_time(), abs=1)
    assert list(reached.held) == ["f1"]
    assert await reached.lift("f1") == 1
    assert await reached.lift("f1") is None
    assert await reached.imposed("f1") is None
    assert not reached.held


async def test_it_is_refreshed_while_it_is_ours(
    inside: Inside, reached: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease goes on as long as the client lives, and ends when it stops refreshing."""
    monkeypatch.setattr(client, "REFRESH_S", 0.01)
    await reached.impose("f1", json.dumps({"kind": "error"}))
    for _ in range(3):
        inside.clock.now += 2.9
        with anyio.fail_after(5):
            while inside.sandbox.board.in_force()["f1"].until < inside.clock.now + 3:
                await anyio.sleep(0.005)
    reached.close()
    inside.clock.now += 3.1

    assert await reached.imposed("f1") is None


async def test_a_sandbox_that_began_anew_is_broken_again(
    inside: Inside, reached: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart takes the leases along, and the next refresh brings them back."""
    monkeypatch.setattr(client, "REFRESH_S", 0.01)
    await reached.impose("f1", json.dumps({"kind": "error"}))
    inside.sandbox.board._leases.clear()

    with anyio.fail_after(5):
        while await reached.imposed("f1") is None:
            await anyio.sleep(0.005)
    reached.close()


async def test_a_refresh_that_fails_is_tried_again(
    inside: Inside,
    reached: SandboxControl,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A sandbox that did not answer once is asked again, and one that is imposed twice is kept."""
    monkeypatch.setattr(client, "REFRESH_S", 0.01)
    body = json.dumps({"kind": "error"})
    await reached.impose("f1", body)
    await reached.impose("f1", body)
    assert len(reached.held) == 1
    inside.sandbox.board.drop("f1")  # from now on its refreshes are refused
    with anyio.fail_after(5):
        while "f1 is not refreshed" not in caplog.text:
            await anyio.sleep(0.005)
    inside.sandbox.board._dropped.clear()

    with anyio.fail_after(5):
        while await reached.imposed("f1") is None:
            await anyio.sleep(0.005)
    reached.close()


async def test_a_wrong_token_or_body_is_told(reached: SandboxControl) -> None:
    """What the port refuses is an error with its own words, and never the token."""
    stranger = SandboxControl(URL, SecretStr("wrong-token"))

    with pytest.raises(Unsure, match="the control port needs its token") as refused:
        await stranger.imposed("f1")
    with pytest.raises(Unsure, match="kind: must be one of"):
        await reached.impose("f1", "{}")
    assert "wrong-token" not in str(refused.value)
    assert not reached.held


async def test_another_servers_404_is_no_absence(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the control port can say that a fault is not listed."""
    plain = httpx.AsyncClient

    def astray(**options: object) -> httpx.AsyncClient:
        return plain(transport=httpx.MockTransport(lambda _: httpx.Response(404, text="nothing")))

    monkeypatch.setattr(httpx, "AsyncClient", astray)

    with pytest.raises(Unsure, match="was answered 404 nothing"):
        await SandboxControl(URL, SecretStr(TOKEN)).imposed("f1")


async def test_no_answer_is_no_knowledge() -> None:
    """Where nobody listens nothing is known, and nothing is held."""
    control = SandboxControl("http://127.0.0.1:9", SecretStr("t"))

    with pytest.raises(Unsure, match="control port"):
        await control.impose("f1", "{}")
    assert not control.held


async def test_what_a_stack_says_of_its_leases(reached: SandboxControl) -> None:
    """Held leases remain on staging and are said to end by themselves; without a sandbox none."""
    stack = Leasing()
    with pytest.raises(BadInput, match="has no sandbox"):
        await stack.impose("f1", "{}")
    assert stack.leases() == []
    stack.end_leases()

    stack.use_sandbox(reached)
    await stack.impose("f1", json.dumps({"kind": "error"}))

    assert "ends by itself 3 s after the drill" in stack.leases()[0].what
    assert await stack.imposed("f1") is not None
    assert await stack.lift("f1") == 0
    stack.end_leases()
