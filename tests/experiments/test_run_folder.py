"""Where a run is kept: its folder, its journal, and what its header knows."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest

from drill.errors import BadInput, Unsure
from drill.events import Header, Note, Observation
from drill.journal import read_journal
from drill.verdict import Health
from experiments import run_folder
from experiments.run_folder import new_run, provenance, refuse_full_disk, run_id, writer
from experiments.runtime.journal_file import JournalFile

NOTE = Note(1.0, "one")


class TestRun:
    def test_a_run_has_its_folder_and_its_files(self, tmp_path: Path) -> None:
        """The journal is there from the first record on, and evidence lies beside it."""
        with new_run(tmp_path / "runs" / "one") as sink:
            sink.write(NOTE, durable=True)
            writer(tmp_path / "runs" / "one")("evidence/a.png", b"png")
        with (tmp_path / "runs" / "one" / "journal.jsonl").open("rb") as lines:
            assert read_journal(lines).events == [NOTE]
        assert (tmp_path / "runs" / "one" / "evidence" / "a.png").read_bytes() == b"png"

    def test_a_drill_that_never_began_leaves_no_folder(self, tmp_path: Path) -> None:
        """What was refused is no run; any other end is one, and keeps its journal."""
        with pytest.raises(Unsure), new_run(tmp_path / "refused"):
            raise Unsure("no engine")
        with pytest.raises(RuntimeError), new_run(tmp_path / "broken"):
            raise RuntimeError("oops")
        assert [path.name for path in tmp_path.iterdir()] == ["broken"]

    def test_a_full_disk_is_refused_before_anything_is_touched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The journal must fit, and the message says how much room it needs."""
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=1, f_frsize=4096))
        with pytest.raises(BadInput, match=r"the disk is full \(0 MiB free\)"):
            refuse_full_disk(tmp_path)

    def test_a_place_that_is_no_folder_is_named(self, tmp_path: Path) -> None:
        """Neither runs nor a journal can be kept below a file."""
        (tmp_path / "file").write_text("")
        with pytest.raises(BadInput, match="runs cannot be kept there: File exists"):
            refuse_full_disk(tmp_path / "file")
        with pytest.raises(BadInput, match="the journal cannot be written: File exists"):
            JournalFile(tmp_path / "file" / "journal.jsonl")


class TestJournalFile:
    def test_a_write_that_fails_stops_nothing_and_is_kept(self, tmp_path: Path) -> None:
        """A full disk in the middle of a fault: the first error stays, and the drill goes on."""
        sink = JournalFile(tmp_path / "journal.jsonl")
        os.close(sink._file)
        sink._file = os.open("/dev/full", os.O_WRONLY)
        sink.write(NOTE)
        first = sink.failed
        sink.write(NOTE)
        sink.close()
        assert first is not None
        assert sink.failed is first
        assert "No space left" in str(first)

    def test_a_write_that_was_cut_short_is_finished(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The system may take a part of a line; the rest follows, so that no line is torn."""
        write, sizes = os.write, [5]

        def little(file: int, data: bytes) -> int:
            return write(file, data[: sizes.pop()] if sizes else data)

        monkeypatch.setattr(os, "write", little)
        sink = JournalFile(tmp_path / "journal.jsonl")
        sink.write(Note(1.0, ""))
        sink.close()
        with (tmp_path / "journal.jsonl").open("rb") as lines:
            assert read_journal(lines).events == [Note(1.0, "")]

    def test_looks_are_written_without_waiting_for_the_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only what must be known after a crash is synced, and a look never is."""
        synced: list[int] = []
        monkeypatch.setattr(os, "fdatasync", synced.append)
        sink = JournalFile(tmp_path / "journal.jsonl")
        sink.write(NOTE)
        sink.write(Observation("shop", 1.0, 1.0, 1.1, Health.OK), durable=True)
        assert synced == []
        sink.write(NOTE, durable=True)
        assert synced == [sink._file]
        sink.close()

    def test_a_disk_that_fails_at_the_end_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was written may not be on disk: whoever closes knows."""

        def broken(_: int) -> None:
            raise OSError(5, "Input/output error")

        sink = JournalFile(tmp_path / "journal.jsonl")
        monkeypatch.setattr(os, "fsync", broken)
        sink.close()
        assert sink.failed is not None


class TestProvenance:
    def header(self) -> Header:
        async def main() -> Header:
            return provenance(
                "r1", scenario="s", title="t", project="p", command="drill run s", seed=7
            )

        return anyio.run(main)

    def test_a_header_says_which_commit_was_run(self) -> None:
        """The commit is git's own, and whether anything was changed since."""
        header = self.header()
        wanted = ["git", "-C", str(run_folder.ROOT), "rev-parse", "--short=12", "HEAD"]
        asked = subprocess.run(wanted, capture_output=True, text=True, check=False)
        assert header.commit == (asked.stdout.strip() or "unknown")
        assert (header.id, header.seed, header.environment) == ("r1", 7, "staging")

    def test_without_git_and_a_boot_id_nothing_is_made_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A copy without its repository, on a machine that tells no boot: unknown, and no error."""
        read = Path.read_text

        def gone(path: Path, encoding: str | None = None) -> str:
            if path.name == "boot_id":
                raise FileNotFoundError(2, "No such file")
            return read(path, encoding)

        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setattr(Path, "read_text", gone)
        header = self.header()
        assert (header.commit, header.dirty, header.boot_id) == ("unknown", False, "unknown")

    def test_a_run_is_named_by_its_start_and_its_scenario(self) -> None:
        """A path to a scenario leaves its name alone."""
        assert run_id("scenarios/paystack-down.yaml").endswith("Z-paystack-down")
