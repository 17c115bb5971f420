"""What the engine reads from the journal while it runs: is the baseline met, who has recovered."""

from collections.abc import Iterable

from drill.events import PlannedProbe
from drill.journal import Columns, Journal
from drill.verdict import Health
from validators.checks.after import recovery_of


def baseline_missing(
    journal: Journal, probes: Iterable[PlannedProbe], needed_s: float, now: float
) -> str:
    """Why the baseline is not met yet, empty when it is; *now* in seconds from the start."""
    for probe in probes:
        columns = journal.columns(probe.name)
        since = _good_since(columns)
        if since is None:
            last = len(columns) - 1
            detail = columns.details.get(last, "") if last >= 0 else "no answer yet"
            return f"{probe.name}: {detail or 'not good'}"
        if probe.kind == "http" and now - since < needed_s:
            return f"{probe.name}: good for {now - since:.1f} s of {needed_s:g} s"
    return ""


def _good_since(columns: Columns) -> float | None:
    """The sending of the first good look after the last bad one."""
    since = None
    for index in range(len(columns) - 1, -1, -1):
        health = columns.health[index]
        if health in (Health.DEGRADED, Health.DOWN):
            break
        if health == Health.OK:
            since = columns.sent[index]
    return since


def down_for(columns: Columns, now: float) -> float:
    """How long the probe has been down without a break, in seconds; 0 if its last look was not."""
    since = None
    for index in range(len(columns) - 1, -1, -1):
        if columns.health[index] != Health.DOWN:
            break
        since = columns.sent[index]
    return 0.0 if since is None else now - since


def all_back(journal: Journal, names: Iterable[str], stable_for: float) -> bool:
    """True when every probe named is good again and has been for *stable_for* seconds."""
    back = {"recovered", "never_bad"}
    return all(recovery_of(journal, name, stable_for).status in back for name in names)
