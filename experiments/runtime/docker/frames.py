"""Docker's attached stream, cut into whole lines: frames are read by length, never by guess."""

from collections.abc import Iterator

STDOUT, STDERR = 1, 2
HEADER = 8


class FrameReader:
    """
    Takes bytes in any portions and gives whole lines, stdout and stderr apart.

    A frame is one byte of stream number, three of nothing, four of length (big-endian), then that
    many bytes; a line may span frames and a frame may hold many lines.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines = {STDOUT: bytearray(), STDERR: bytearray()}

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Pairs of stream number and line without its newline."""
        self._buffer += data
        while len(self._buffer) >= HEADER:
            end = HEADER + int.from_bytes(self._buffer[4:HEADER], "big")
            if len(self._buffer) < end:
                return
            stream, payload = self._buffer[0], bytes(self._buffer[HEADER:end])
            del self._buffer[:end]
            yield from self._cut(stream, payload)

    def _cut(self, stream: int, payload: bytes) -> Iterator[tuple[int, bytes]]:
        rest = self._lines.setdefault(stream, bytearray())
        *whole, last = bytes(rest + payload).split(b"\n")
        self._lines[stream] = bytearray(last)
        for line in whole:
            yield stream, line
