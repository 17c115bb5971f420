"""From specs to what looks, and what a probe's connection may do."""

import socket
import struct
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
import trio.testing
from pydantic import JsonValue

from drill.events import Observation
from drill.verdict import Health
from tests.validators.probes.test_http import look_at, run
from tests.validators.probes.test_schedule import Fake
from validators.probes import wire
from validators.probes.build import (
    FAST_PERIOD_S,
    build_journey,
    fast_period_s,
    run_http,
    run_journey,
)
from validators.probes.http import HttpLook
from validators.probes.journeys.checkout import CheckoutLook
from validators.probes.journeys.customer import CustomerLook
from validators.probes.journeys.look import JourneyLook
from validators.probes.schedule import ProbeRunner, Seen
from validators.probes.specs import HttpProbe, Journey, fill

NOBODY = "http://127.0.0.1:9"


def journey(kind: str, folder: Path) -> JourneyLook:
    """A journey that is built and never taken, so that no browser is needed."""
    browser: Any = None
    spec = Journey.model_validate({"journey": kind, "every": "7s"})
    return build_journey(kind, spec, NOBODY, browser, evidence=folder, kept=lambda *_: None)


def test_each_journey_is_taken_by_its_own_look(tmp_path: Path) -> None:
    """Checkout pays, the customer's flows look around, each under its own name."""
    looks = [journey(kind, tmp_path) for kind in ("checkout", "customer")]
    assert [type(look) for look in looks] == [CheckoutLook, CustomerLook]
    assert [look.name for look in looks] == ["checkout", "customer"]
    assert list(tmp_path.iterdir()) == []


def test_a_journeys_runner_has_the_period_and_the_deadline_of_its_spec(tmp_path: Path) -> None:
    """What the environment says is what is kept."""
    look = journey("checkout", tmp_path)
    runner = run_journey(look, lambda _: None, 0.0)
    assert (runner.name, runner.period_s) == ("checkout", 7.0)
    assert runner._deadline_s == look.deadline_s


def test_a_probe_has_room_in_flight_for_the_fast_look_around_a_heal() -> None:
    """At 20 ms, or as often as its limit allows, a whole deadline of looks fits."""
    quick = HttpProbe.model_validate({"http": [{"url": "/"}], "deadline": "800ms"})
    limited = HttpProbe.model_validate({"http": [{"url": "/"}], "max_rate": "2/s"})
    assert (fast_period_s(quick), fast_period_s(limited)) == (FAST_PERIOD_S, 0.5)
    runner = run_http("shop", quick, NOBODY, lambda _: None, 0.0)
    assert runner._max_in_flight >= 0.8 / FAST_PERIOD_S


def test_a_runner_that_is_stopped_before_it_runs_never_looks() -> None:
    """Hold and stop may come first: nothing is sent, and the look is closed."""
    look, seen = Fake(lambda _: 0.1), list[Observation]()

    async def scenario() -> None:
        runner = ProbeRunner("p", look, 1.0, 0.8, 4, seen.append, anyio.current_time())
        runner.hold()
        runner.stop()
        with anyio.fail_after(5):
            await runner.run()

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
    assert (seen, look.sent, look.closed) == ([], 0, True)


def test_an_answer_too_large_is_down_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe reads so much and no more."""
    monkeypatch.setattr(wire, "BODY_LIMIT", 1000)
    (seen,) = run(look_at(lambda *_: (200, "x" * 2000), {"http": [{"url": "/"}]}))
    assert (seen.health, seen.detail) == (Health.DOWN, "GET /: an answer of more than 4 MB")


def test_a_connection_that_is_reset_is_down() -> None:
    """Cut off in the middle of an answer, in words and without a traceback."""

    async def main() -> list[Seen]:
        async def reset(stream: anyio.abc.SocketStream) -> None:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
            raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await stream.aclose()

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        look = HttpLook(
            HttpProbe.model_validate({"http": [{"url": "/"}]}), f"http://127.0.0.1:{port}"
        )
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, reset)
            seen = await look.look()
            group.cancel_scope.cancel()
        await look.close()
        return [seen]

    (seen,) = run(main())
    assert (seen.health, seen.detail) == (Health.DOWN, "GET /: the connection broke")


def test_a_server_without_tls_is_not_trusted() -> None:
    """`https` is never answered by something else."""

    async def main() -> list[Seen]:
        async def plain(stream: anyio.abc.SocketStream) -> None:
            async with stream:
                await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        look = HttpLook(
            HttpProbe.model_validate({"http": [{"url": "/"}]}), f"https://127.0.0.1:{port}"
        )
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, plain)
            seen = await look.look()
            group.cancel_scope.cancel()
        await look.close()
        return [seen]

    (seen,) = run(main())
    assert (seen.health, seen.detail) == (Health.DOWN, "GET /: no trusted TLS connection")


def test_places_are_filled_however_deep_they_lie() -> None:
    """In texts, lists and objects; numbers and the rest stay as they are."""
    body: JsonValue = {"a": ["{nonce}", {"b": "id {id}"}], "n": 1, "ok": True, "none": None}
    assert fill(body, {"nonce": "x", "id": "7"}) == {
        "a": ["x", {"b": "id 7"}], "n": 1, "ok": True, "none": None,
    }  # fmt: skip


def test_a_rate_may_be_a_bare_number_a_second() -> None:
    """Ten is ten a second; yes is no rate, and neither is nothing."""
    assert (
        HttpProbe.model_validate({"http": [{"url": "/"}], "max_rate": 10}).shortest_period_s == 0.1
    )
    for odd in (True, 0, -1, "0/s"):
        with pytest.raises(ValueError, match="such as 50/s"):
            HttpProbe.model_validate({"http": [{"url": "/"}], "max_rate": odd})
