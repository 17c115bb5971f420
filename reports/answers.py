"""
What people answer in a postmortem: the labelled lines and the action items, read and checked.

An answer is what follows its label (`**Root cause:** ...`) up to the next empty line, heading or
label. An action item is a row of the table below the heading `Action items`, which has a column
`who` and a column `due`.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence

import msgspec

from reports.markdown import COMMENT

LABELS = ("Owner", "Root cause", "Fix applied", "Guardrail")
TO_FILL = "TO FILL"
NOTHING = re.compile(r"^[\W_]*(to[ -]?do|tbd|n/?a|none yet|missing|x+)?[\W_]*$", re.IGNORECASE)
NO_ACTIONS = re.compile(r"^\s*no action items?:\s*\S", re.IGNORECASE | re.MULTILINE)
CELL = re.compile(r"(?<!\\)\|")
RULE = re.compile(r"^[\s|:-]+$")
WHO = ("who", "owner")


class Problem(msgspec.Struct, frozen=True):
    """Something that is still to fill, and its line, counted from 1."""

    line: int
    text: str


class Answer(msgspec.Struct, frozen=True):
    """What stands behind a label."""

    label: str
    line: int
    text: str

    @property
    def filled(self) -> bool:
        """Whether a person has answered."""
        return not _open(self.text)


def answers(text: str) -> dict[str, Answer]:
    """Read the labelled lines of a postmortem; the first one of each label counts."""
    found: dict[str, Answer] = {}
    lines = _without_comments(text).splitlines()
    for number, line in enumerate(lines):
        for label in LABELS:
            begin = f"**{label.lower()}:**"
            if label not in found and line.strip().lower().startswith(begin):
                words = [line.strip()[len(begin) :], *_until_break(lines[number + 1 :])]
                found[label] = Answer(label, number + 1, " ".join(words).strip())
    return found


def check_postmortem(text: str) -> list[Problem]:
    """List what is still empty or a placeholder, in the order of the file."""
    found = answers(text)
    missing = [
        Problem(1, f"there is no line **{label}:**") for label in LABELS if label not in found
    ]
    unfilled = [
        Problem(answer.line, f"{answer.label.lower()} is still to fill")
        for answer in found.values()
        if not answer.filled
    ]
    problems = [*missing, *unfilled, *_action_problems(text)]
    return sorted(problems, key=lambda problem: problem.line)


def _without_comments(text: str) -> str:
    """Blank the comments, so that line numbers stay."""
    return COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)


def _until_break(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip() or line.startswith(("#", "**", "|")):
            return
        yield line.strip()


def _open(text: str) -> bool:
    return TO_FILL in text.upper() or bool(NOTHING.match(text))


def _action_problems(text: str) -> Iterator[Problem]:
    columns: dict[str, int] = {}
    rows = tables = 0
    here = False
    for number, line in enumerate(_without_comments(text).splitlines(), 1):
        if line.startswith("#"):
            here = line.strip("# ").lower() == "action items"
        if not here:
            continue
        if not line.strip().startswith("|"):
            columns = {}
            continue
        cells = [
            cell.strip() for cell in CELL.split(line.strip().removeprefix("|").removesuffix("|"))
        ]
        if RULE.match(line):
            continue
        if columns:
            rows += 1
            yield from _row_problems(number, rows, cells, columns)
            continue
        columns = _columns(cells)
        tables += bool(columns)
    if not rows and not NO_ACTIONS.search(text):
        why = "the table of action items is empty" if tables else "there is no action item"
        yield Problem(1, f"{why}: add one with who and due, or write 'No action items: <why>'")


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """Find the columns of a table of action items; empty for any other table."""
    words = [cell.lower() for cell in cells]
    who = next((words.index(name) for name in WHO if name in words), None)
    return {"owner": who, "due": words.index("due")} if who is not None and "due" in words else {}


def _row_problems(
    line: int, number: int, cells: Sequence[str], columns: dict[str, int]
) -> Iterator[Problem]:
    for name, place in columns.items():
        value = cells[place] if place < len(cells) else ""
        word = "due date" if name == "due" else name
        if _open(value):
            yield Problem(line, f"action item {number} has no {word}")
        elif name == "due" and not _is_date(value):
            yield Problem(line, f"action item {number}: {value!r} is no date; write YYYY-MM-DD")


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
