"""The engine's own event stream, read by a thread from the moment the stack is opened."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import docker.errors

from drill.events import ENGINE_BACK, ENGINE_LOST
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import SILENCE, Engine
from experiments.runtime.shapes import EngineEvent

SLACK_S = 0.002
RETRY_S = 0.2
AT_ONCE_S = 0.5
"""A stream that ended while the engine answers at once was cut by something on the way."""
NANO = 1e-9


class Watch:
    """Keeps every event about the project's containers, in order, and wakes who waits for one."""

    def __init__(self, engine: Engine, project: str) -> None:
        self._engine = engine
        self._project = project
        self._seen: list[EngineEvent] = []
        self._fresh = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._stream: Any = None
        # Asked for explicitly, so that nothing between now and the connection is missed.
        self._since_ns = int(time.time() * 1e9)
        self._thread = threading.Thread(target=self._read, name="engine-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the stream; iterators end too."""
        self._closed = True
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()
        self._fresh.set()

    def add(self, event: EngineEvent) -> None:
        """Take one event in, on the loop's thread."""
        self._seen.append(event)
        self._fresh.set()
        self._fresh = asyncio.Event()

    async def first(
        self, wanted: Callable[[EngineEvent], bool], since: float, patience_s: float
    ) -> EngineEvent | None:
        """The first wanted event at or after *since* (monotonic); None after *patience_s*."""
        until = time.monotonic() + patience_s
        while True:
            fresh = self._fresh
            for event in self._seen:
                if event.at >= since - SLACK_S and wanted(event):
                    return event
            left_s = until - time.monotonic()
            if left_s <= 0 or self._closed:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(fresh.wait(), left_s)

    async def follow(self) -> AsyncIterator[EngineEvent]:
        """Events from now on, until closed."""
        index = len(self._seen)
        while not self._closed:
            fresh = self._fresh
            while index < len(self._seen):
                yield self._seen[index]
                index += 1
            if not self._closed:
                await fresh.wait()

    def _read(self) -> None:
        while not self._closed:
            with contextlib.suppress(*SILENCE, Exception):
                self._read_once()
            if not self._closed:
                self._outlast(time.monotonic())
                time.sleep(RETRY_S)  # Ask again, from the last event on.

    def _outlast(self, ended: float) -> None:
        """Where the stream ended because the engine did, say so and wait until it answers."""
        if self._answer_s() <= AT_ONCE_S:
            return
        self._say(ENGINE_LOST, ended)
        while not self._closed and self._answer_s() == float("inf"):
            time.sleep(RETRY_S)
        self._say(ENGINE_BACK, time.monotonic())

    def _answer_s(self) -> float:
        """How long the engine takes to say a word; one that starts lets its callers wait."""
        asked = time.monotonic()
        try:
            self._engine.look.ping()
        except (docker.errors.DockerException, *SILENCE):
            return float("inf")
        return time.monotonic() - asked

    def _say(self, action: str, at: float) -> None:
        """Our own event about the engine itself, which can hardly tell of its own end."""
        wall_s = at + time.time() - time.monotonic()
        event = EngineEvent(service="", container="", action=action, at=at, wall_s=wall_s)
        with contextlib.suppress(RuntimeError):  # The loop is closed already.
            self._loop.call_soon_threadsafe(self.add, event)

    def _read_once(self) -> None:
        since = f"{self._since_ns // 10**9}.{self._since_ns % 10**9:09d}"
        filters = {"type": "container", "label": f"{labels.PROJECT}={self._project}"}
        self._stream = self._engine.act.api.events(
            since=since,  # type: ignore[call-overload]  # Text keeps the nanoseconds.
            filters=filters,
            decode=True,
        )
        for raw in self._stream:
            nano = int(raw.get("timeNano", 0))
            if nano < self._since_ns or str(raw.get("Action", "")).startswith("exec_"):
                continue
            self._since_ns = nano + 1
            self._loop.call_soon_threadsafe(self.add, to_event(raw))


def to_event(raw: dict[str, Any]) -> EngineEvent:
    """The engine's time stamp becomes monotonic by a (wall, monotonic) pair taken on arrival."""
    wall_s = int(raw.get("timeNano", 0)) * NANO
    at = wall_s - (time.time() - time.monotonic())
    actor = raw.get("Actor", {})
    return EngineEvent(
        service=actor.get("Attributes", {}).get(labels.SERVICE, ""),
        container=actor.get("ID", ""),
        action=str(raw.get("Action", "")),
        at=at,
        wall_s=wall_s,
    )
