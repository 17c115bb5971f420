"""Serves the page beside a drill, in the drill's own event loop, and never at its cost."""

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import anyio
import msgspec
import uvicorn
from starlette.types import ASGIApp

from drill.errors import DrillError, told
from experiments.control import Control
from experiments.gameday.access import Access, new_token
from experiments.gameday.app import Tell, make_app
from experiments.gameday.hub import Hub
from experiments.gameday.whereabouts import announced, me
from experiments.recorder import Recorder

LOOPBACK = "127.0.0.1"
CLOSE_LIMIT_S = 2.0
CONNECTIONS = 64
NOTES = 5
"""After so many failures of the page the journal has heard enough."""


class Page(msgspec.Struct, frozen=True):
    """Where the page is. *link* holds the token: for the terminal, never for a file."""

    url: str
    link: str


class _Server(uvicorn.Server):
    """Serves on a socket that listens already; signals stay the drill's."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(config)
        self.ended = anyio.Event()
        self._listening = listening

    async def run_here(self) -> None:
        """Serve in this task until `should_exit`."""
        try:
            await self.serve(sockets=[self._listening])
        finally:
            self.ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def open_page(recorder: Recorder, control: Control, run: str) -> AsyncIterator[Page | None]:
    """
    Serve the page while the body runs; None where it cannot be served, and the journal says why.

    Whatever the server does, the body goes on, and what the body raises is passed on as it is.

    Args:
        recorder: Its journal is shown; notes of failures go there.
        control: Takes what people say.
        run: The drill's id, by which commands find it.
    """
    notes = iter(range(NOTES))

    def tell(text: str) -> None:
        if next(notes, None) is not None:
            recorder.note(text)

    raised: Exception | None = None
    async with anyio.create_task_group() as group:
        with contextlib.ExitStack() as stack:
            page, hub, server = _prepare(stack, recorder, control, run, tell)
            if hub and server:
                recorder.listeners.append(hub.listen)
                group.start_soon(_guarded, hub.run, tell)
                group.start_soon(_guarded, server.run_here, tell)
            try:
                yield page
            except Exception as error:  # noqa: BLE001 - raised again below, outside of the group
                raised = error
            finally:
                if hub and server:
                    recorder.listeners.remove(hub.listen)
                    await _close(hub, server, tell)
                group.cancel_scope.cancel()
    if raised:
        raise raised  # pragma: no cover - coverage loses a frame that a cancellation came through


def _prepare(
    stack: contextlib.ExitStack, recorder: Recorder, control: Control, run: str, tell: Tell
) -> tuple[Page | None, Hub | None, _Server | None]:
    """Take a port, write where it is, and make the server; notes why if that cannot be."""
    try:
        listening = stack.enter_context(socket.create_server((LOOPBACK, 0)))
        port = int(listening.getsockname()[1])
        token, url = new_token(), f"http://{LOOPBACK}:{port}"
        hub = Hub(recorder.journal, recorder.t)
        server = _Server(_config(make_app(hub, control, Access(token, port), tell)), listening)
        stack.enter_context(announced(me(run, url, token)))
    except (OSError, DrillError) as error:
        tell(f"there is no live page: {told(error)}")
        return None, None, None
    return Page(url, f"{url}/#{token}"), hub, server


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        # Nothing of a request reaches a log; what fails is noted in the journal.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=1,
    )


async def _guarded(work: Callable[[], Awaitable[None]], tell: Tell) -> None:
    """Keep whatever fails here from the drill."""
    try:
        await work()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - uvicorn may leave by sys.exit
        tell(f"the live page has failed, the drill goes on without it: {told(error)}")


async def _close(hub: Hub, server: _Server, tell: Tell) -> None:
    """Show everybody the end, then close within the limit."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_LIMIT_S):
        await _guarded(hub.farewell, tell)
        server.should_exit = True
        await server.ended.wait()
