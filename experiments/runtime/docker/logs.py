"""What containers wrote, read in one pass, cut to size, and secrets taken out as it is read."""

import re
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import docker.errors

from drill.redact import redact
from experiments.runtime.docker.engine import Engine
from experiments.runtime.shapes import LogPart, LogWindow

READING_LIMIT_S = 4.0
LINE_LIMIT = 8192
ASSEMBLED_LIMIT = 2 * LINE_LIMIT
"""A line is read up to here; what may be half of a secret at its end is dropped."""
EDGE = 1024
SHORTEST_SECRET = 8
SECRET_NAME = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL", re.IGNORECASE)
URL_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")


def read_log(engine: Engine, container: str, window: LogWindow) -> LogPart | None:
    """
    Read one container's log within *window*, in `READING_LIMIT_S` at most.

    Returns:
        None if the container exists no more.

    Raises:
        docker.errors.APIError: The engine keeps no log of it, or says no.
    """
    try:
        secrets = known_secrets(engine.look.api.inspect_container(container))
        wall = time.time() - time.monotonic()
        stream = engine.look.api.logs(
            container,
            stream=True,
            follow=False,
            timestamps=True,
            since=wall + window.since,
            until=wall + window.until,
        )
    except docker.errors.NotFound:
        return None
    ends = time.monotonic() + READING_LIMIT_S
    kept = Kept(window.limit_bytes, stamp(wall + window.around))
    try:
        for line in whole_lines(stream):
            kept.add(shown(line, secrets))
            if time.monotonic() > ends:
                return kept.part(complete=False)
    finally:
        stream.close()
    return kept.part(complete=True)


def known_secrets(info: dict[str, Any]) -> frozenset[str]:
    """The values of a container's variables that are secrets by name, and passwords in URLs."""
    pairs = [line.partition("=")[::2] for line in info["Config"].get("Env") or ()]
    named = [value for name, value in pairs if SECRET_NAME.search(name)]
    inside = [found for _, value in pairs for found in URL_PASSWORD.findall(value)]
    return frozenset(each for each in (*named, *inside) if len(each) >= SHORTEST_SECRET)


def shown(line: bytes, secrets: Collection[str]) -> str:
    """One line as it is kept."""
    text = redact(line.decode("utf-8", "replace").rstrip("\r"), secrets)
    room = LINE_LIMIT if len(line) < ASSEMBLED_LIMIT else min(LINE_LIMIT, len(text) - EDGE)
    return text if len(text) <= room else text[: max(0, room)] + " ... [line cut]"


def stamp(wall_s: float) -> str:
    """A time as the engine writes it before each line; compares as text does."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut chunks into lines; of a line without end only the beginning is held."""
    rest = bytearray()
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield bytes(rest + line[: ASSEMBLED_LIMIT - len(rest)])
            rest.clear()
        rest += last[: ASSEMBLED_LIMIT - len(rest)]
    if rest:
        yield bytes(rest)


class Kept:
    """
    Keeps a log while it fits into *limit* bytes; else half from *around* on, and half at the end.

    What lies before *around* goes first.
    """

    def __init__(self, limit: int, around: str) -> None:
        self._half = limit // 2
        self._around = around
        self._before: deque[str] = deque()
        self._first: list[str] = []
        self._last: deque[str] = deque()
        self._bytes = [0, 0, 0]
        self._cut_before = 0
        self._cut_between = 0

    def add(self, line: str) -> None:
        """Take the next line in."""
        size = len(line.encode()) + 1
        if line < self._around and not self._first:
            self._put(self._before, 0, line, size)
        elif not self._last and self._bytes[1] + size <= self._half:
            self._first.append(line)
            self._bytes[1] += size
        else:
            self._put(self._last, 2, line, size)
            self._cut_between += self._shorten(self._last, 2, self._half)
        # What was before the fault stays only while there is room for it.
        room = 2 * self._half - self._bytes[1] - self._bytes[2]
        self._cut_before += self._shorten(self._before, 0, room)

    def part(self, *, complete: bool) -> LogPart:
        """What was kept."""
        return LogPart(
            first=[*self._before, *self._first],
            last=list(self._last),
            cut_before=self._cut_before,
            cut_between=self._cut_between,
            complete=complete,
        )

    def _put(self, lines: deque[str], place: int, line: str, size: int) -> None:
        lines.append(line)
        self._bytes[place] += size

    def _shorten(self, lines: deque[str], place: int, room: int) -> int:
        cut = 0
        while lines and self._bytes[place] > room:
            self._bytes[place] -= len(lines.popleft().encode()) + 1
            cut += 1
        return cut
