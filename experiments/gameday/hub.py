"""The snapshot, to everybody who watches: at once, then whenever it changes."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import anyio
import msgspec

from drill.journal import Journal
from drill.records import Record
from experiments.gameday.board import fold_board
from experiments.gameday.outages import Outages
from experiments.gameday.snapshot import Board

GAP_S = 0.25
"""At most one snapshot in so many seconds."""
BEAT_S = 1.0
"""After so long without news a heartbeat is sent; a deadline that passes is news too."""
MAX_LISTENERS = 12
FAREWELL_LIMIT_S = 2.0


class Crowded(Exception):
    """As many listen as may."""


class Hub:
    """
    Folds the journal when it has grown, and only while somebody watches.

    Nobody queues: whoever is slow gets the newest snapshot next and skips those between.

    Args:
        journal: The growing journal.

        now: Seconds from the drill's start.
    """

    def __init__(self, journal: Journal, now: Callable[[], float]) -> None:
        self.listeners = 0
        self._journal = journal
        self._now = now
        self._outages = Outages()
        self._grown = anyio.Event()
        self._news = anyio.Event()
        self._left = anyio.Event()
        self._seen: Board | None = None
        self._version = 0
        self._frame = b""

    def listen(self, _: Record) -> None:
        """Take note that the journal has grown; the recorder's listener."""
        self._grown.set()

    def board(self) -> Board:
        """Fold the journal now."""
        return fold_board(self._journal, self._now(), self._outages)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            with anyio.move_on_after(BEAT_S):
                await self._grown.wait()
            self._grown = anyio.Event()
            if self.listeners:
                self._publish()
            await anyio.sleep(GAP_S)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """
        Count one more listener.

        Raises:
            Crowded: There are as many as may be.
        """
        if self.listeners >= MAX_LISTENERS:
            raise Crowded
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
            left, self._left = self._left, anyio.Event()
            left.set()

    async def follow(self) -> AsyncIterator[bytes]:
        """Yield frames of server-sent events, the whole state first; ends with the drill."""
        news, last = self._news, 0
        self._publish()
        while True:
            if last != self._version:
                last = self._version
                yield self._frame
                if self._seen is not None and self._seen.over:
                    return
            else:
                yield _frame("beat", msgspec.json.encode({"now": self._now()}))
            await news.wait()
            news = self._news

    async def farewell(self) -> None:
        """Publish the end and wait, for a little while, until everybody has got it."""
        self._publish()
        with anyio.move_on_after(FAREWELL_LIMIT_S):
            while self.listeners:
                await self._left.wait()

    def _publish(self) -> None:
        board = self.board()
        if self._seen is None or board.timeless() != self._seen.timeless():
            self._version += 1
        self._seen = board
        self._frame = _frame("board", msgspec.json.encode(board), self._version)
        news, self._news = self._news, anyio.Event()
        news.set()


def _frame(event: str, data: bytes, number: int | None = None) -> bytes:
    identity = b"" if number is None else b"id: %d\n" % number
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), identity, data)
