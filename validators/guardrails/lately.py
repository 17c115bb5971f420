"""When staging was drilled last, by the headers of the journals that are kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from drill.errors import BadInput
from drill.events import Header
from drill.journal import read_journal
from validators.guardrails.seen import Look

DAY_S = 24 * 3600.0
DEFAULT_DAYS = 30
LONGEST_LINE = 64 * 1024
MOST_RUNS = 5_000
NO_DRILL = ("verify",)
"""Runs that break nothing are no drills."""


def look_at_drills(runs: Path, within_days: int | None, *, now_s: float, but: str = "") -> Look:
    """
    Say whether staging was drilled in the last days.

    Args:
        runs: The folder of the runs.
        within_days: How old the last drill may be; 30 if None.
        now_s: Seconds since 1970.
        but: A run that does not count: the one that asks.
    """
    days = within_days or DEFAULT_DAYS
    if not runs.exists():
        return Look(ok=False, detail="no drill in staging is on record", evidence=runs.name)
    try:
        folders = sorted(runs.iterdir(), reverse=True)[:MOST_RUNS]
    except OSError:
        return Look(ok=None, detail="the folder of the runs cannot be read", evidence=runs.name)
    unread = [folder.name for folder in folders if _unreadable(folder)]
    # A clock that was set wrong proves nothing about the past.
    past = [
        (one, folder)
        for one, folder in _headers(folders)
        if one.id != but and one.scenario not in NO_DRILL and 0 < one.wall_s <= now_s
    ]
    last, folder = max(past, key=lambda each: each[0].wall_s, default=(None, ""))
    age = (now_s - last.wall_s) / DAY_S if last else float("inf")
    if age > days and unread:
        # The drill that is looked for may be among them.
        told = f"{len(unread)} of the runs cannot be read: {unread[0]}"
        return Look(ok=None, detail=told, evidence=runs.name)
    if last is None:
        return Look(ok=False, detail="no drill in staging is on record", evidence=runs.name)
    told = f"{last.id} was {age:.1f} days ago, limit {days}"
    return Look(ok=age <= days, detail=told, evidence=f"{runs.name}/{folder}/journal.jsonl")


def _unreadable(folder: Path) -> bool:
    """Whether this may be a run, but nobody here can say so."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    try:
        (folder / "journal.jsonl").open("rb").close()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _headers(folders: Sequence[Path]) -> Iterator[tuple[Header, str]]:
    for folder in folders:
        if folder.is_symlink():
            continue
        try:
            with (folder / "journal.jsonl").open("rb") as lines:
                header = read_journal([lines.readline(LONGEST_LINE)]).header
        except (OSError, BadInput):
            continue
        if header.environment == "staging":
            yield header, folder.name
