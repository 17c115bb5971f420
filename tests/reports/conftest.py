"""A whole incident, as a draft and as a run's folder."""

from pathlib import Path

import pytest

from drill.journal import encode
from reports.postmortem import render_postmortem
from tests.reports import journals

RECORDS = journals.whole_incident()


@pytest.fixture(scope="module")
def draft() -> str:
    return render_postmortem(journals.journal(RECORDS))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with the journal of a whole incident."""
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_bytes(b"".join(map(encode, RECORDS)))
    return folder
