"""What went wrong is told in one clause, without the wrapping."""

import pytest

from drill.errors import BadInput, Unhealed, told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadInput("no such file", "no such probe"), "no such file\nno such probe"),
        (ConnectionRefusedError("no answer"), "ConnectionRefusedError: no answer"),
        (TimeoutError(), "TimeoutError"),
        (ExceptionGroup("outer", [ExceptionGroup("in", [Unhealed("redis")])]), "redis"),
    ],
)
def test_an_error_is_told_by_what_it_says(error: BaseException, words: str) -> None:
    """
    Our own errors speak for themselves, others are named, and task groups hide neither.
    """
    assert told(error) == words
