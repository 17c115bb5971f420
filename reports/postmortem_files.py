"""Puts a postmortem and a filled HOTFIX form into a run's folder, never over a person's words."""

from pathlib import Path

import msgspec

from drill.errors import BadInput
from drill.journal import Journal
from reports import answers
from reports.atomic import write_atomically
from reports.draft import edited, write_draft
from reports.hotfix import fill, read_template
from reports.html import template
from reports.markdown import to_html
from reports.postmortem import render_postmortem

NAME = "postmortem.md"
PAGE = "postmortem.html"
HOTFIX = "hotfix.md"


class Made(msgspec.Struct, frozen=True):
    """The files that were written, and what a person should know about them."""

    path: Path
    page: Path
    hotfix: Path | None
    notes: list[str]


def make_postmortem(run_dir: Path, journal: Journal, hotfix: Path | None = None) -> Made:
    """
    Draft the postmortem of a run; the page shows what people made of it.

    Args:
        run_dir: The run's folder.
        journal: Its journal, which may end anywhere.
        hotfix: The team's own HOTFIX form, if it has one.

    Raises:
        BadInput: The form cannot be read.
        OSError: The folder cannot be written.
    """
    form = read_template(hotfix) if hotfix else None
    path, notes = run_dir / NAME, []
    if edited(path):
        beside = write_draft(path, render_postmortem(journal))
        notes.append(f"{path} was edited and is left alone; the new draft is {beside}")
    else:
        write_draft(path, render_postmortem(journal))
    text = path.read_text(encoding="utf-8", errors="replace")
    page = run_dir / PAGE
    write_atomically(page, render_page(text))
    filled = None if form is None else _write_hotfix(run_dir, journal, form, text, notes)
    return Made(path, page, filled, notes)


def refresh_postmortem(run_dir: Path, journal: Journal) -> None:
    """Make the draft again unless a person has edited it; for reports that are made again."""
    if not edited(run_dir / NAME):
        make_postmortem(run_dir, journal)


def _write_hotfix(
    run_dir: Path, journal: Journal, form: str, postmortem: str, notes: list[str]
) -> Path:
    filled = fill(form, journal, postmortem)
    target = run_dir / HOTFIX
    written = write_draft(target, filled.text)
    if written != target:
        notes.append(f"{target} was edited and is left alone; the new one is {written}")
    if filled.unknown:
        left = ", ".join(f"{{{{{name}}}}}" for name in filled.unknown)
        notes.append(f"{written}: unknown placeholders were left as they are: {left}")
    return written


def render_page(text: str) -> bytes:
    """Give a postmortem's Markdown as one page without network."""
    title = next((line[2:] for line in text.splitlines() if line.startswith("# ")), "Postmortem")
    problems = answers.check_postmortem(text)
    page = template("postmortem.html.j2").render(title=title, problems=problems, body=to_html(text))
    return page.encode("utf-8", "replace")


def check_file(path: Path) -> list[str]:
    """
    List what a postmortem still lacks, one line each as `file:line: what`.

    Args:
        path: The file, or a run's folder with a `postmortem.md`.

    Raises:
        BadInput: There is no such file.
    """
    file = path / NAME if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadInput(f"{file}: {reason}; `drill postmortem RUN` makes one") from None
    return [f"{file}:{one.line}: {one.text}" for one in answers.check_postmortem(text)]
