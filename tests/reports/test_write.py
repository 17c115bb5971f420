"""Files of a run are written whole, and what is somebody else's stays."""

from pathlib import Path

import pytest

from drill.errors import BadInput
from drill.journal import encode
from reports.atomic import write_atomically
from reports.write import load, write_all
from tests.reports import journals


def test_what_cannot_be_replaced_is_left_whole_and_alone(tmp_path: Path) -> None:
    """A write that fails leaves what was there, and no half file beside it."""
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "report.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_broken_journal_is_named_with_its_line(tmp_path: Path) -> None:
    """Who asks for the report of a broken run learns which file and which line."""
    lines = [encode(journals.header()), b"{broken}\n", encode(journals.plan())]
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(BadInput, match=r"journal\.jsonl: line 2: "):
        load(tmp_path)


def test_a_folder_called_latest_is_somebodys(tmp_path: Path) -> None:
    """`latest` is made a link only where it is free or a link already."""
    (tmp_path / "latest").mkdir()
    write_all(tmp_path / "one", journals.passing())
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one"]
