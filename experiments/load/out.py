"""
The generator's end of the pipe into the journal; it never makes a customer wait.

What the pipe does not take at once is kept, in order, and written when it can be. Samples are
dropped instead. The rest is bounded by the plan: a purchase has only so many steps.
"""

import contextlib
import fcntl
import os
from collections import deque

from drill.payments import LoadSample
from experiments.load.wire import LINE_LIMIT, Message, encode_message

PIPE_BYTES = 1024 * 1024


class Out:
    """
    Writes lines into a pipe without waiting.

    Args:
        pipe: Its file descriptor; others may write into the same pipe.
    """

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.dropped = 0
        self._kept: deque[bytes] = deque()
        os.set_blocking(pipe, False)
        with contextlib.suppress(OSError):
            # All of a usual run fits in, so that a drill that is stopped for a while loses nothing.
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    @property
    def waiting(self) -> bool:
        """Whether lines are kept that the pipe has not taken yet."""
        return bool(self._kept)

    def say(self, message: Message) -> None:
        """
        Write a message, or keep it; a sample is dropped instead.

        Raises:
            BrokenPipeError: Nobody reads any more.
        """
        line = encode_message(message)
        if len(line) > LINE_LIMIT:
            raise ValueError(f"a line of {len(line)} bytes could be torn apart")
        if not self._kept and self._taken(line):
            return
        if isinstance(message, LoadSample):
            self.dropped += 1
        else:
            self._kept.append(line)

    def flush(self) -> None:
        """Write what is kept, as far as the pipe takes it now."""
        while self._kept and self._taken(self._kept[0]):
            self._kept.popleft()

    def _taken(self, line: bytes) -> bool:
        """Whether the pipe took the line: all of it or nothing, as it is short enough."""
        try:
            os.write(self.pipe, line)
        except BlockingIOError:
            return False
        return True
