"""Puts the reports beside the journal, each whole or not at all."""

import os
from pathlib import Path

from drill.errors import BadInput
from drill.incident import IncidentPlanned
from drill.journal import Journal, read_journal
from reports.atomic import write_atomically
from reports.html import render_html
from reports.json_report import render_json
from reports.junit import render_junit
from reports.postmortem_files import refresh_postmortem

JOURNAL = "journal.jsonl"


def load(run_dir: Path) -> Journal:
    """
    Read the journal of a run.

    Raises:
        BadInput: The folder has no journal, or one that cannot be read.
    """
    path = run_dir / JOURNAL
    try:
        with path.open("rb") as lines:
            return read_journal(lines)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except BadInput as error:
        raise BadInput(*(f"{path}: {problem}" for problem in error.problems)) from error


def write_all(run_dir: Path, journal: Journal) -> None:
    """
    Write report.json, report.html and junit.xml, and point `latest` at this run.

    A drill with an incident gets its postmortem too, unless a person has edited it.

    Raises:
        OSError: The folder cannot be written; what was there before is still whole.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    write_atomically(run_dir / "report.json", render_json(journal))
    write_atomically(run_dir / "report.html", render_html(journal, run_dir))
    write_atomically(run_dir / "junit.xml", render_junit(journal))
    if journal.first(IncidentPlanned):
        refresh_postmortem(run_dir, journal)
    point_latest(run_dir)


def point_latest(run_dir: Path) -> None:
    """Make `latest`, beside *run_dir*, a link to it; replaces an older link, never a folder."""
    link = run_dir.parent / "latest"
    if link.exists() and not link.is_symlink():
        return
    fresh = run_dir.parent / f".latest.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(run_dir.name)
    fresh.replace(link)
