"""Run the services of a container: applications, background tasks, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from common import dns_stub
from common.cancelling import is_asked_to_end

log = logging.getLogger(__name__)

# Lookups of names run in threads and may hang while DNS is broken: enough of them that the
# lookup that would succeed is not queued behind those that will not.
LOOKUP_THREADS = 32
BACKLOG = 512
TASK_RESTART_S = 0.5


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, as several may share one process."""

    def install_signal_handlers(self) -> None:
        """Do nothing: `serve` handles the signals."""


def server(
    app: ASGIApp, port: int, *, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Server:
    """A server for *app* on all addresses of the container."""
    return _Server(
        uvicorn.Config(
            app,
            host="0.0.0.0",
            port=port,
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_certfile=str(certificate) if certificate else None,
            ssl_keyfile=str(key) if key else None,
        )
    )


async def keep_running(task: Callable[[], Awaitable[None]]) -> None:
    """
    Run a background task for ever: an unforeseen error must not end it for good.

    Nor must a cancellation that nobody asked of it: libraries let one out when a connection breaks.
    """
    while True:
        try:
            await task()
        except asyncio.CancelledError:
            if is_asked_to_end():
                raise
            log.warning("background task %s was cancelled by what it used: again", task)
        except Exception:
            log.exception("background task %s failed, starting it again", task)
        await asyncio.sleep(TASK_RESTART_S)


async def serve(
    *servers: uvicorn.Server, tasks: tuple[Callable[[], Awaitable[None]], ...] = ()
) -> None:
    """Serve until SIGTERM or SIGINT, with *tasks* in the background."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="worker"))
    await dns_stub.start()

    def stop() -> None:
        for one in servers:
            one.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    running = [asyncio.create_task(keep_running(task)) for task in tasks]
    try:
        await asyncio.gather(*(one.serve() for one in servers))
    finally:
        for one in running:
            one.cancel()


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Start a service: logging to stderr, then *main*."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    asyncio.run(main())  # type: ignore[arg-type]
