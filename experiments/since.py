"""Since when: the moment that a recovery check measures from, and what came of it. Pure."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from drill.duration import LONGEST_S, parse_duration
from drill.errors import BadInput
from drill.events import MomentSet
from drill.journal import Columns, Journal
from drill.verdict import Health

BAD = (Health.DEGRADED, Health.DOWN)
EXAMPLES = "give how long ago, such as 10m, or a time with its zone, such as 2026-11-23T10:00:00Z"


class Back(msgspec.Struct, frozen=True):
    """When one probe was good again: between *earliest* and *latest*, in the journal's seconds."""

    probe: str
    earliest: float
    latest: float


def parse_since(text: str, now_wall_s: float) -> float:
    """
    Read a moment of the past.

    Args:
        text: A duration ago, or an ISO 8601 time with its zone.
        now_wall_s: Now, in seconds since 1970.

    Returns:
        The moment, in seconds since 1970.

    Raises:
        BadInput: It is neither, lies in the future, or more than a week ago.
    """
    try:
        ago = parse_duration(text)
    except ValueError:
        ago = now_wall_s - _wall(text)
    if ago < 0:
        raise BadInput(f"--since {text}: that is {-ago:.0f} s from now; {EXAMPLES}")
    if ago > LONGEST_S:
        raise BadInput(f"--since {text}: that is more than a week ago; {EXAMPLES}")
    return now_wall_s - ago


def parse_limit(within: str | None, since: str | None) -> float | None:
    """Seconds of `--within`; raises BadInput if it is none, or has no moment to count from."""
    if within is None:
        return None
    if since is None:
        raise BadInput("--within needs --since: a limit counts from a moment")
    try:
        return parse_duration(within)
    except ValueError as error:
        raise BadInput(f"--within {within}: {error}") from None


def _wall(text: str) -> float:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--since {text}: this is no moment; {EXAMPLES}") from None
    if moment.tzinfo is None:
        raise BadInput(f"--since {text}: the time zone is missing; {EXAMPLES}")
    return moment.timestamp()


def back_since(journal: Journal, probes: Sequence[str], since: float) -> list[Back] | None:
    """
    Say when each probe was good again after *since*.

    Args:
        journal: With all looks.
        probes: Which.
        since: In the journal's seconds, so negative for a moment before the first look.

    Returns:
        One each; what was good at our first look came back some time before it, nobody knows
        when. None if a probe is not good now or was not looked at.
    """
    found = [_back(journal.columns(probe), probe, since) for probe in probes]
    back = [one for one in found if one is not None]
    return back if len(back) == len(found) and back else None


def _back(columns: Columns, probe: str, since: float) -> Back | None:
    order = sorted(range(len(columns)), key=columns.sent.__getitem__)
    bad = [index for index in order if columns.health[index] in BAD]
    last_bad = columns.sent[bad[-1]] if bad else None
    good = [
        columns.got[index]
        for index in order
        if columns.health[index] == Health.OK
        and (last_bad is None or columns.sent[index] > last_bad)
    ]
    if not good:
        return None
    return Back(probe, since if last_bad is None else last_bad, min(good))


def moments_since(back: Sequence[Back] | None, since: float) -> list[MomentSet]:
    """The moments of a recovery check: `resolved` as it was given, `recovered` if all is good."""
    moments = [MomentSet(t=since, name="resolved", earliest=since, latest=since, source="as given")]
    if back:
        slowest = max(back, key=lambda one: one.latest)
        moments.append(
            MomentSet(
                t=slowest.latest,
                name="recovered",
                earliest=max(one.earliest for one in back),
                latest=slowest.latest,
                source=slowest.probe,
            )
        )
    return moments


def past_saving(journal: Journal, probes: Sequence[str], limit: float) -> bool:
    """
    Whether no further look can save the promise: one sent after the limit saw something bad.

    Args:
        journal: With the looks so far.
        probes: All that must have been seen once, so that the report tells of each.
        limit: When all had to be good, in seconds from the journal's start.
    """
    seen = [journal.columns(name) for name in probes]
    return all(map(len, seen)) and any(
        columns.sent[-1] > limit and columns.health[-1] in BAD for columns in seen
    )
