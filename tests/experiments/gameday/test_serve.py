"""Whatever the page does, the drill beside it goes on."""

import os
import signal
import socket
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from starlette.types import Message

from drill.errors import DrillError
from drill.events import Note
from experiments.gameday import serve as serve_module
from experiments.gameday.access import Access
from experiments.gameday.app import Guard
from experiments.gameday.serve import NOTES, open_page
from tests.experiments.gameday import journals
from tests.experiments.gameday.gameday import LIMIT_S, GameDay, opened
from tests.experiments.gameday.test_control import ACK

pytestmark = pytest.mark.anyio
RUN = journals.header().id


async def test_a_page_that_cannot_be_served_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """No port, no page; the body runs all the same."""

    def taken(*_: object, **__: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "create_server", taken)
    day = GameDay()
    async with open_page(day.recorder, day.control, RUN) as page:
        assert page is None
    notes = [note.text for note in day.journal.every(Note)]
    assert notes == ["there is no live page: OSError: [Errno 98] Address already in use"]
    assert day.recorder.listeners == []


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(1)])
async def test_a_server_that_dies_is_a_note(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The drill does not die with it."""

    async def dying(*_: object, **__: object) -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    monkeypatch.setattr(serve_module._Server, "serve", dying)
    day = GameDay()
    with anyio.fail_after(LIMIT_S):
        async with open_page(day.recorder, day.control, RUN):
            while not list(day.journal.every(Note)):
                await anyio.lowlevel.checkpoint()
            day.detect()
    (note,) = day.journal.every(Note)
    assert "the live page has failed, the drill goes on without it" in note.text


async def test_a_page_that_fails_again_and_again_fills_no_journal() -> None:
    """So many failures are noted, and the drill is told of no more of them."""

    async def failing(_: object) -> str:
        raise RuntimeError("oops")

    day = GameDay()
    day.control.answer = failing
    async with opened(day) as (_, asking):
        for _ in range(NOTES + 2):
            assert (await asking.post("/control", json=ACK)).status_code == 500
    assert len(list(day.journal.every(Note))) == NOTES


async def test_an_answer_that_never_began_is_still_one() -> None:
    """Whatever is put behind the guard and fails at once: a page gets words, the drill a note."""

    async def broken(*_: object) -> None:
        raise RuntimeError("oops")

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    sent: list[dict[str, object]] = []
    notes: list[str] = []
    access = Access("token", 1)
    headers = [(b"host", b"127.0.0.1:1"), (b"authorization", b"Bearer token")]
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": headers}
    await Guard(broken, access, notes.append)(scope, receive, send)

    assert (sent[0]["status"], sent[1]["body"]) == (500, b'{"reason":"the drill could not answer"}')
    assert notes == ["the live page could not answer /events: RuntimeError: oops"]


async def test_what_the_drill_raises_comes_out_as_it_is(runtime: Path) -> None:
    """The command line knows a DrillError, and no group of them."""
    day = GameDay()
    with pytest.raises(DrillError, match="it was me"):
        async with open_page(day.recorder, day.control, RUN):
            raise DrillError("it was me")
    assert os.listdir(runtime) == []  # noqa: PTH208


async def test_a_page_left_open_does_not_hold_the_drill() -> None:
    """A listener that never goes is left behind within the limit."""
    day = GameDay()
    begun = anyio.current_time()
    async with opened(day) as (page, _):
        port = int(page.url.rpartition(":")[2])
        silent = await anyio.connect_tcp("127.0.0.1", port)
        token = page.link.partition("#")[2]
        await silent.send(
            f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        await silent.receive()
    assert anyio.current_time() - begun < LIMIT_S
    await silent.aclose()


async def test_signals_stay_the_drills() -> None:
    """The server takes no signal handler."""
    before = signal.getsignal(signal.SIGTERM)
    async with opened(GameDay()) as (_, asking):
        await asking.get("/")
        assert signal.getsignal(signal.SIGTERM) is before
