"""A duration is written with its unit, and means the same whoever reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.duration import LONGEST_S, parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("800ms", 0.8), ("30s", 30.0), ("15m", 900.0), ("1h30m", 5400.0), ("2.5s", 2.5)],
)
def test_a_number_with_its_unit_is_seconds(text: str, seconds: float) -> None:
    """
    Every unit, and several of them in a row, add up to seconds.
    """
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (30, "a number with a unit"),
        (True, "a number with a unit"),
        ("30", "did you mean '30s'"),
        ("soon", "is no duration"),
        ("30 s", "is no duration"),
        ("8d", "is no duration"),
        ("169h", "longer than a week"),
    ],
)
def test_what_could_be_misread_is_refused(text: object, reason: str) -> None:
    """
    No unit, an unknown one, YAML's own numbers or more than a week: each is told why.
    """
    with pytest.raises(ValueError, match=reason):
        parse_duration(text)


@given(st.integers(0, int(LONGEST_S)))
def test_what_is_shown_is_read_back(seconds: int) -> None:
    """
    Whole seconds survive being written and read.
    """
    assert parse_duration(show_duration(seconds)) == pytest.approx(seconds, rel=1e-5)
