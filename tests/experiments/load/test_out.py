"""The generator's end of the pipe."""

import os
from collections.abc import Iterator

import pytest

from drill.payments import Begun, LoadSample, Told
from experiments.load.out import Out
from experiments.load.wire import (
    LINE_LIMIT,
    TEXT_LIMIT,
    Message,
    decode_message,
    encode_message,
    short,
)

SAMPLE = LoadSample(
    t=1.0, users=1, requests=1, failures=0, p50_ms=1, p95_ms=1, behind_s=0, cpu_ratio=0
)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    yield reads, writes
    for end in (reads, writes):
        os.close(end)


def drained(reads: int, size: int = 1 << 22) -> list[Message]:
    """Everything that is in the pipe now."""
    os.set_blocking(reads, False)
    data = b""
    while True:
        try:
            part = os.read(reads, size)
        except BlockingIOError:
            return [decode_message(line) for line in data.splitlines()]
        if not part:
            return [decode_message(line) for line in data.splitlines()]
        data += part


def test_a_reader_who_sleeps_stops_nobody_and_loses_only_samples(pipe: tuple[int, int]) -> None:
    """
    With the pipe full nothing waits: samples are dropped and counted, the rest comes in order.
    """
    reads, writes = pipe
    out = Out(writes)
    wanted = [Begun(t=float(number), intent="i" * 50) for number in range(30_000)]
    for message in wanted:
        out.say(message)
    assert out.waiting
    for _ in range(5):
        out.say(SAMPLE)
    got: list[Message] = []
    for _ in range(100):
        got += drained(reads)
        out.flush()

    assert got == wanted
    assert out.dropped == 5


def test_a_whole_run_fits_into_the_pipe(pipe: tuple[int, int]) -> None:
    """
    Of 430 purchases with eight records each nothing is kept back while the reader sleeps.
    """
    out = Out(pipe[1])
    told = Told(t=1.0, intent="i430", said="paid", via="page", detail="x" * 60, order="o" * 36)
    for _ in range(430 * 8):
        out.say(told)
    out.say(SAMPLE)

    assert not out.waiting
    assert out.dropped == 0


def test_a_line_that_could_be_torn_is_refused(pipe: tuple[int, int]) -> None:
    """
    No line is longer than what a pipe takes whole, and texts are cut so that none has to be.
    """
    out = Out(pipe[1])
    long = Told(t=1.0, intent="i1", said="paid", via="page", detail="é" * LINE_LIMIT)

    with pytest.raises(ValueError, match="torn"):
        out.say(long)
    assert len(short("é\n  " * 5000)) == TEXT_LIMIT
    cut = Told(t=1.0, intent="i1", said="paid", via="page", detail=short("😀" * 5000))
    assert len(encode_message(cut)) < LINE_LIMIT


def test_a_reader_who_is_gone_is_noticed(pipe: tuple[int, int]) -> None:
    """
    Writing to nobody is an error, not a wait.
    """
    reads, writes = os.pipe()
    os.close(reads)
    try:
        with pytest.raises(BrokenPipeError):
            Out(writes).say(SAMPLE)
    finally:
        os.close(writes)
