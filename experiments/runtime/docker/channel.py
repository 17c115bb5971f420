"""The attached socket of one agent: commands out, numbered replies in, always drained."""

import asyncio
import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from drill.errors import Unsure
from experiments.runtime.docker.frames import STDOUT, FrameReader

log = logging.getLogger(__name__)
CHUNK = 65536
READY = 0


class Channel:
    """
    One agent's stdin and stdout.

    Its end (the agent died, or the engine let go) fails whoever still waits and calls *ended* once.
    """

    def __init__(
        self,
        attached: Any,  # noqa: ANN401 - docker-py gives another kind of socket for each transport
        ended: Callable[[], None],
    ) -> None:
        self._attached = attached  # Held: closing this object would close the socket under us.
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        self._socket.settimeout(None)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = READY
        self._ended = ended
        self.alive = True
        self._waiting[READY] = self._loop.create_future()
        threading.Thread(target=self._drain, name="agent-replies", daemon=True).start()

    async def ready(self, limit_s: float) -> None:
        """Until the agent's own first line came."""
        await self._reply_of(READY, limit_s)

    async def ask(self, limit_s: float, **command: object) -> dict[str, Any]:
        """
        Send one command and wait for its reply.

        Raises:
            Unsure: The agent has ended, is silent for *limit_s*, or says no.
        """
        if not self.alive:
            raise Unsure("the fault agent has ended")
        self._number += 1
        number = self._number
        self._waiting[number] = self._loop.create_future()
        line = json.dumps({"n": number, **command}).encode() + b"\n"
        try:
            self._socket.sendall(line)
        except OSError as error:
            self._waiting.pop(number, None)
            raise Unsure(f"the fault agent cannot be reached: {error}") from error
        reply = await self._reply_of(number, limit_s)
        if not reply.get("ok"):
            raise Unsure(f"the fault agent says: {reply.get('error')}")
        return reply

    def close(self) -> None:
        """Close the agent's stdin, at which it reverts and exits."""
        self._end_soon()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._attached.close()

    async def _reply_of(self, number: int, limit_s: float) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._waiting[number], limit_s)
        except TimeoutError:
            raise Unsure(f"the fault agent was silent for {limit_s:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def _drain(self) -> None:
        reader = FrameReader()
        try:
            while data := self._socket.recv(CHUNK):
                for stream, line in reader.feed(data):
                    self._loop.call_soon_threadsafe(self._take, stream, line)
        except OSError as error:
            log.debug("agent stream ended: %s", error)
        try:
            self._loop.call_soon_threadsafe(self._end_soon)
        except RuntimeError:
            log.debug("the loop is closed already")

    def _take(self, stream: int, line: bytes) -> None:
        if stream != STDOUT:
            log.warning("agent: %s", line.decode(errors="replace"))
            return
        try:
            reply = json.loads(line)
        except ValueError:
            log.warning("agent: no JSON: %r", line)
            return
        future = self._waiting.get(reply.get("n"))
        if future is not None and not future.done():
            future.set_result(reply)

    def _end_soon(self) -> None:
        if not self.alive:
            return
        self.alive = False
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unsure("the fault agent has ended"))
        self._ended()
