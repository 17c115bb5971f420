"""Looks by HTTP, over real sockets."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import anyio
import pytest
from pydantic import JsonValue

from drill.verdict import Health
from validators.probes.http import HttpLook, at_path
from validators.probes.schedule import Seen
from validators.probes.specs import HttpProbe

Answer = tuple[int, object] | bytes | None
Handler = Callable[[str, str, object], Answer]


async def look_at(
    handler: Handler, *looks: dict[str, object], delay_s: float = 0.0, times: int = 1
) -> list[Seen]:
    """Look *times* with a probe of these fields at a server that answers by *handler*."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1])) if length else b""
        method, path, _ = head.split(" ", 2)
        await asyncio.sleep(delay_s)
        answer = handler(method, path, json.loads(body or b"null"))
        if isinstance(answer, bytes):
            writer.write(answer)
        elif answer:
            text = json.dumps(answer[1]).encode()
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (answer[0], len(text)))
            writer.write(text)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen = []
    for fields in looks:
        look = HttpLook(HttpProbe.model_validate(fields), f"http://127.0.0.1:{port}")
        try:
            seen += [await look.look() for _ in range(times)]
        finally:
            await look.close()
    server.close()
    assert connections >= 0
    return seen


def run(work: Awaitable[list[Seen]]) -> list[Seen]:
    """Run on asyncio, as a drill does."""

    async def main() -> list[Seen]:
        return await work

    return anyio.run(main)


NOTES: dict[str, object] = {
    "http": [
        {
            "method": "POST",
            "url": "/notes",
            "headers": {"X-API-Key": "very-secret"},
            "json": {"note": "{nonce}"},
            "expect": {"status": [201]},
            "save": {"id": "data.0.id"},
        },
        {"url": "/notes/{id}", "expect": {"json": {"note": "{nonce}", "id": "{id}"}}},
    ]
}


def notes(forgets: str = "") -> Handler:
    """A server that keeps notes; one with *forgets* answers everyone with that."""
    kept: dict[str, str] = {}

    def handle(method: str, path: str, body: object) -> Answer:
        if method == "POST":
            assert isinstance(body, dict)
            kept["a/b"] = body["note"]
            return 201, {"data": [{"id": "a/b"}]}
        assert path == "/notes/a%2Fb"
        return 200, {"note": forgets or kept["a/b"], "id": "a/b"}

    return handle


def test_what_was_written_is_read_back() -> None:
    """A feature that keeps what it is given is ok, look after look, on new connections."""
    assert run(look_at(notes(), NOTES, times=3)) == [Seen(Health.OK)] * 3


def test_a_static_answer_is_down() -> None:
    """A 200 with the same text for everyone is no proof of anything."""
    (seen,) = run(look_at(notes("hello"), NOTES))
    assert seen.health is Health.DOWN
    assert re.fullmatch(r"wrote [0-9a-f]{16}, read back hello", seen.detail)


@pytest.mark.parametrize(
    ("answer", "health", "detail"),
    [
        ((200, {"ok": True}), Health.OK, ""),
        ((503, {}), Health.DOWN, "GET /x answered 503"),
        ((429, {}), Health.LIMITED, "GET /x answered 429"),
        ((200, {"ok": False}), Health.DOWN, "GET /x: ok is False, expected True"),
        ((200, [1]), Health.DOWN, "GET /x: ok is nothing, expected True"),
        ((200, {"ok": "y" * 99}), Health.DOWN, f"GET /x: ok is {'y' * 40}..., expected True"),
        ((503, {"status": "degraded"}), Health.DEGRADED, "GET /x answered 503, a clear refusal"),
        (b"", Health.DOWN, "GET /x: closed without a whole answer"),
        (b"nonsense\r\n\r\n", Health.DOWN, "GET /x: an answer that is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
            Health.DOWN,
            "GET /x: closed without a whole answer",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", Health.DOWN, "GET /x: ok is nothing, expected True"),
        (
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                b'b\r\n{"ok": true\r\n1\r\n}\r\n0\r\n\r\n'
            ),
            Health.OK,
            "",
        ),
    ],
)
def test_each_answer_has_its_health(answer: Answer, health: Health, detail: str) -> None:
    """What comes back decides, and the detail says what came without its query."""
    probe: dict[str, object] = {
        "http": [{"url": "/x?token=secret", "expect": {"json": {"ok": True}}}],
        "degraded_when": {"status": [503], "json": {"status": "degraded"}},
    }
    (seen,) = run(look_at(lambda *_: answer, probe))
    assert (seen.health, seen.detail) == (health, detail)


def test_a_step_that_saves_nothing_is_down() -> None:
    """Without the identity there is nothing to read back."""
    (seen,) = run(look_at(lambda *_: (201, {"data": []}), NOTES))
    assert (seen.health, seen.detail) == (
        Health.DOWN,
        "POST /notes answered without 'data.0.id'",
    )


def test_a_slow_answer_is_degraded() -> None:
    """Slower than promised, but right."""
    probe: dict[str, object] = {"http": [{"url": "/"}], "slow_after": "50ms"}
    (seen,) = run(look_at(lambda *_: (200, {}), probe, delay_s=0.1))
    assert seen.health is Health.DEGRADED
    assert re.fullmatch(r"took 0\.1\d\d s", seen.detail)


def test_nobody_listening_is_down() -> None:
    """A refused connection is told in words."""

    async def look() -> list[Seen]:
        probe = HttpProbe.model_validate({"http": [{"url": "http://127.0.0.1:9/x"}]})
        nobody = HttpLook(probe, "http://127.0.0.1:9")
        seen = await nobody.look()
        await nobody.close()
        return [seen]

    assert run(look()) == [Seen(Health.DOWN, "GET /x: no connection")]


def test_no_secret_is_in_a_repr() -> None:
    """A look may be printed by whoever debugs."""

    async def make() -> list[Seen]:
        look = HttpLook(HttpProbe.model_validate(NOTES), "http://127.0.0.1:9")
        assert "very-secret" not in repr(look)
        await look.close()
        return []

    run(make())


def test_a_path_leads_into_lists_and_objects() -> None:
    """Numbers are places in lists; what is not there is None."""
    body: JsonValue = {"a": [{"b": 1}]}
    assert at_path(body, "a.0.b") == 1
    assert at_path(body, "a.1.b") is None
    assert at_path(body, "a.b") is None
