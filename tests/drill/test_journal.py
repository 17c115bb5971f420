"""A journal is read whole or refused; only its last line may be torn."""

import pytest

from drill.errors import BadInput
from drill.events import Aborted, Note, Observation
from drill.journal import encode, read_journal
from drill.verdict import Health

NOTE, LOOK = Note(1.0, "one"), Observation("shop", 2.0, 2.0, 2.1, Health.OK)
LAST = Aborted(3.0, "stopped")
LINES = [encode(NOTE), encode(LOOK), encode(LAST)]


def test_a_torn_last_line_is_left_out_and_noted() -> None:
    """
    A writer that was killed in a line costs that line and nothing before it.
    """
    whole, torn = read_journal(LINES), read_journal([*LINES[:2], LINES[2][:-5]])

    assert (whole.events, whole.lines, whole.torn) == ([NOTE, LAST], [1, 3], False)
    assert (torn.events, len(torn.columns("shop")), torn.torn) == ([NOTE], 1, True)


def test_a_broken_line_in_the_middle_is_named() -> None:
    """
    What was written after a broken line is no killed writer's: the journal is refused by its line.
    """
    with pytest.raises(BadInput, match=r"^line 2: "):
        read_journal([LINES[0], LINES[1][:-5], LINES[2]])


def test_what_has_no_header_is_no_drill() -> None:
    """
    Some other file of JSON lines is not taken for a drill.
    """
    with pytest.raises(BadInput, match="no header line"):
        _ = read_journal(LINES).header
    with pytest.raises(BadInput, match="no header line"):
        _ = read_journal([]).header
