"""
When things happened, read from observations: impact, outages, recovery.

An observation was decided at some instant between `sent` and `got`, we do not know which. So
nothing here is a point: a bad answer proves badness at or after its sending, a good one goodness
at or before its receipt.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import inf

import msgspec

from drill.events import FAULT_BEGINS, FaultChange, Recovery
from drill.journal import Columns, Journal
from drill.verdict import Health

BAD = (Health.DEGRADED, Health.DOWN)
Outage = tuple[float, float | None]


def recovery(  # noqa: PLR0913 - one keyword a fact of the heal
    columns: Columns,
    *,
    probe: str = "",
    heal_call: float,
    healed: float,
    stable_for: float,
    blocked: bool,
    until: float,
    since: float = 0.0,
) -> Recovery:
    """
    Say when a probe was good again after a fault, and between which bounds the truth lies.

    Args:
        columns: The probe's observations in any order, with everything in flight drained.
        probe: Its name, only passed on.
        heal_call: When the heal was called; the fault held until then at least.
        healed: When the removal was proven.
        stable_for: How long it has to stay good, in seconds.
        blocked: Whether the fault provably blocked this probe, so that it cannot have recovered
            before the heal call. Ignored if the observations show otherwise.
        until: When looking ended.
        since: When the first fault was injected; what was over before does not count.

    Returns:
        `recovered` with earliest <= truth <= latest = value; `never_bad`; `censored` with only
        `earliest` if it did not come back, or not for long enough to say so; `missing` if nobody
        looked after the heal.
    """
    if all(sent < healed for sent in columns.sent):
        return Recovery(probe, "missing")
    bad = [i for i in _having(columns, BAD) if columns.got[i] >= since]
    found = Recovery(probe, "missing")
    for cutoff in _cutoffs(sorted(columns.sent[i] for i in bad), healed, stable_for):
        known = [i for i in range(len(columns)) if columns.sent[i] < cutoff]
        found = _recovery_before(
            columns,
            known,
            [i for i in bad if columns.sent[i] < cutoff],
            heal_call=heal_call,
            stable_for=stable_for,
            blocked=blocked,
            until=min(until, cutoff),
        )
        if found.status != "censored":
            break
    return msgspec.structs.replace(found, probe=probe)


def _cutoffs(bad_sent: Sequence[float], healed: float, stable_for: float) -> list[float]:
    """
    The sendings of bad observations that a lasting good run may have come before, and infinity.

    A run that lasted counts from its beginning; what goes wrong later is an outage of its own.
    """
    before = healed
    cutoffs = []
    for sent in bad_sent:
        if sent <= healed:
            continue
        if sent - before >= stable_for > 0:
            cutoffs.append(sent)
        before = sent
    return [*cutoffs, inf]


def _recovery_before(  # noqa: PLR0913 - one keyword a fact of the heal
    columns: Columns,
    known: Sequence[int],
    bad: Sequence[int],
    *,
    heal_call: float,
    stable_for: float,
    blocked: bool,
    until: float,
) -> Recovery:
    """Judge the observations *known*, of which *bad* are bad, as if looking had ended there."""
    if not bad:
        return Recovery("", "never_bad")
    last_bad = max(columns.sent[i] for i in bad)
    # Sent before this, a good answer may be one from before the outage that a slow bad one has
    # overtaken.
    onset = min(columns.got[i] for i in bad)
    run = [i for i in known if columns.health[i] == Health.OK and columns.sent[i] > last_bad]
    value = min((columns.got[i] for i in run if columns.sent[i] >= onset), default=None)
    blocked = blocked and (value is None or value >= heal_call)
    if blocked:
        sure = min(onset, heal_call)
        after = (i for i in run if columns.sent[i] >= sure and columns.got[i] >= heal_call)
        value = min((columns.got[i] for i in after), default=None)
    if value is None or not _lasted(columns, run, value, stable_for, until):
        return Recovery("", "censored", earliest=last_bad)
    earliest = max(last_bad, heal_call) if blocked else last_bad
    return Recovery("", "recovered", value=value, earliest=earliest, latest=value)


def impact(journal: Journal) -> tuple[float, float, float, str] | None:
    """
    Find the first bad observation that was sent after the first fault's injection began.

    Returns:
        Its sending as value, then earliest and latest, between which the truth lies, and the
        probe's name; None if no fault was injected or nothing was bad after it.
    """
    acts = (e.t for e in journal.every(FaultChange) if e.state in FAULT_BEGINS)
    begin = next(acts, None)
    if begin is None:
        return None
    firsts = []
    for name, columns in journal.observations.items():
        sent = columns.sent
        first = min(
            (i for i in _having(columns, BAD) if sent[i] >= begin),
            key=sent.__getitem__,
            default=None,
        )
        if first is not None:
            firsts.append((sent[first], columns.got[first], name))
    if not firsts:
        return None
    value, latest, name = min(firsts)
    seen = journal.observations[name]
    # Answered before the bad one was sent: so it was decided before the outage, not after it.
    before = (seen.sent[i] for i in _having(seen, (Health.OK,)) if seen.got[i] <= value)
    return value, max(begin, max(before, default=begin)), latest, name


def outages(columns: Columns) -> list[Outage]:
    """
    Give the spells in which a probe was degraded or down, by order of sending.

    Returns:
        From the sending of the first bad observation to the receipt of the next good one, None if
        there was none. `limited` neither begins nor ends a spell.
    """
    sent, got, health = columns.sent, columns.got, columns.health
    if not any(state in health for state in BAD):
        return []
    spells: list[Outage] = []
    begin: float | None = None
    for i in sorted(range(len(columns)), key=sent.__getitem__):
        if health[i] in BAD:
            begin = sent[i] if begin is None else begin
        elif begin is not None and health[i] == Health.OK:
            spells.append((begin, got[i]))
            begin = None
    return spells if begin is None else [*spells, (begin, None)]


def counts(columns: Columns) -> dict[Health, int]:
    """Count the observations of each health; every health has an entry."""
    return {health: columns.health.count(health) for health in Health}


def percentiles(values: Iterable[float], shares: Sequence[float]) -> list[float | None]:
    """
    Give order statistics by nearest rank, so that each is a value that was really seen.

    Args:
        values: In any order and unit.
        shares: Between 0 and 1; 1 is the maximum.

    Returns:
        One value a share, None where there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        return [None for _ in shares]
    last = len(ordered) - 1
    return [ordered[min(last, max(0, -int(-share * len(ordered) // 1) - 1))] for share in shares]


def _having(columns: Columns, wanted: Sequence[Health]) -> list[int]:
    """Give the places of the observations with one of the *wanted* healths."""
    numbers = {int(health) for health in wanted}
    return [i for i, health in enumerate(columns.health) if health in numbers]


def _lasted(
    columns: Columns, run: Sequence[int], value: float, stable_for: float, until: float
) -> bool:
    """Say whether the good run *run* was watched for long enough after *value*."""
    if until >= value + stable_for:
        return True  # Nothing was bad since, or it would have ended the run.
    due = sorted(columns.due[i] for i in run)
    gaps = sorted(later - sooner for sooner, later in pairwise(due))
    period = min(gaps[len(gaps) // 2], stable_for) if gaps else 0.0
    return any(columns.sent[i] >= value + stable_for - period for i in run)
