"""The journal on disk: one writer, appended line by line, synced where it matters."""

import os
from pathlib import Path

from drill.errors import BadInput
from drill.events import Observation
from drill.journal import encode
from drill.records import Record


class JournalFile:
    """
    Appends records to `journal.jsonl`.

    A write that fails (a full disk) never stops a drill in the middle of a fault: the first error
    is kept in `failed`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed: OSError | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BadInput(f"{path}: the journal cannot be written: {error.strerror}") from None

    def write(self, record: Record, *, durable: bool = False) -> None:
        """Append one record; with *durable* it is on disk before this returns."""
        line = encode(record)
        try:
            written = os.write(self._file, line)
            if written < len(line):
                os.write(self._file, line[written:])
            if durable and not isinstance(record, Observation):
                os.fdatasync(self._file)
        except OSError as error:
            self.failed = self.failed or error

    def close(self) -> None:
        """Sync and close."""
        try:
            os.fsync(self._file)
        except OSError as error:
            self.failed = self.failed or error
        os.close(self._file)
