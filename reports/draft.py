"""
Files that we draft and people edit: written anew only while nobody has touched them.

The last line of a draft carries the hash of what stands above it. A file whose hash does not fit
belongs to a person, and the new draft goes beside it.
"""

import hashlib
import re
from pathlib import Path

from drill.errors import BadInput
from reports.atomic import write_atomically

MOST_DRAFTS = 9
MARKER = re.compile(r"\n*<!-- drill-draft/1 sha256:([0-9a-f]{64}) -->\s*\Z")


def marked(text: str) -> str:
    """Give *text* with the line that tells later whether somebody edited it."""
    body = text.rstrip("\n")
    return f"{body}\n\n<!-- drill-draft/1 sha256:{_hash(body)} -->\n"


def untouched(text: str) -> bool:
    """Say whether *text* is a draft just as we wrote it."""
    found = MARKER.search(text)
    return found is not None and found.group(1) == _hash(text[: found.start()].rstrip("\n"))


def write_draft(path: Path, text: str) -> Path:
    """
    Write *text* to *path*, or to `name.new.md` beside it when a person has edited *path*.

    Returns:
        The file that was written.

    Raises:
        BadInput: Too many edited drafts lie there.
        OSError: The folder cannot be written.
    """
    for number in range(1, MOST_DRAFTS + 1):
        suffix = "" if number == 1 else ".new" if number == 2 else f".new-{number - 1}"  # noqa: PLR2004
        candidate = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        if not candidate.exists() or untouched(_read(candidate)):
            write_atomically(candidate, marked(text).encode("utf-8", "replace"))
            return candidate
    raise BadInput(f"{path}: {MOST_DRAFTS} edited drafts lie here; remove those you no longer need")


def edited(path: Path) -> bool:
    """Say whether *path* exists and is a person's by now."""
    return path.exists() and not untouched(_read(path))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
