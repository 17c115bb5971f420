"""
How much of a month's error budget a drill spent, by requests and by time. Pure.

A look is bad when it was degraded or down; a timeout is down. A look that was limited is not
valid: it says nothing about the shop. Formulas, with B = 1 - objective and W = the window:

    by requests: bad / (B * valid * W / watched), as if W had been asked at the drill's own rate
    by time:     outage / (B * W)
"""

from collections.abc import Iterator

import msgspec

from drill.events import Planned
from drill.journal import Columns, Journal
from drill.moments import outages
from drill.verdict import Health

OBJECTIVE = 0.999
WINDOW_S = 30 * 24 * 3600.0
FORMULA = (
    "B = 1 - 0.999, W = 30 days. By requests: bad / (B * valid * W / watched). By time: "
    "outage / (B * W). Bad is degraded or down, a timeout too; limited looks are not valid. These "
    "are the harness's own looks, no customer's requests."
)
HARDEST = 100.0
VALID = (Health.OK, Health.DEGRADED, Health.DOWN)


class Budget(msgspec.Struct, frozen=True):
    """
    One probe's share of its objective; None where nobody looked, never 0.

    Attributes:
        good: Looks that were ok, of `valid`.

        watched_s: From the first sending to the last answer.

        outage_s: Seconds in which the probe was degraded or down; a lower bound when `open`. Split
            into `degraded_s` and `down_s` by what each look saw until the next one was sent.

        spent_ratio: Share of the window's budget that the outage spent, 1 is all of it.

        request_spent_ratio: The same by requests.
    """

    objective: str
    probe: str
    target: float
    window_s: float
    good: int | None
    valid: int | None
    watched_s: float | None
    outage_s: float | None
    degraded_s: float | None
    down_s: float | None
    open: bool
    spent_ratio: float | None
    request_spent_ratio: float | None


def budgets(journal: Journal) -> list[Budget]:
    """Give one budget for each probe that was planned or seen, sacred features first."""
    return [_budget(name, journal.observations.get(name, Columns())) for name in _names(journal)]


def _names(journal: Journal) -> Iterator[str]:
    plan = journal.last(Planned)
    planned = sorted(plan.probes, key=lambda p: (not p.sacred, p.name)) if plan else []
    yield from (probe.name for probe in planned)
    known = {probe.name for probe in planned}
    yield from sorted(name for name in journal.observations if name not in known)


def _budget(probe: str, seen: Columns) -> Budget:
    title = f"{probe} available {OBJECTIVE:.1%} of 30 days"
    valid = sum(seen.health.count(health) for health in VALID)
    if not valid:
        return Budget(
            title, probe, OBJECTIVE, WINDOW_S, None, None, None, None, None, None,
            open=False, spent_ratio=None, request_spent_ratio=None,
        )  # fmt: skip
    good = seen.health.count(Health.OK)
    end = max(seen.got)
    watched = end - min(seen.sent)
    spells = outages(seen)
    outage = sum(((end if until is None else until) - begin for begin, until in spells), 0.0)
    down = min(outage, _down(seen, end))
    allowed = 1 - OBJECTIVE
    share = watched / WINDOW_S
    return Budget(
        title, probe, OBJECTIVE, WINDOW_S, good, valid, watched, outage, outage - down, down,
        open=any(until is None for _, until in spells),
        spent_ratio=outage / (allowed * WINDOW_S),
        request_spent_ratio=(valid - good) / valid * share / allowed if watched > 0 else None,
    )  # fmt: skip


def _down(seen: Columns, end: float) -> float:
    """Sum the time from each look that was down to the next look, or to a good one's answer."""
    total, since = 0.0, None
    for at in sorted(range(len(seen)), key=seen.sent.__getitem__):
        health = seen.health[at]
        if health == Health.LIMITED:
            continue
        if since is not None:
            total += (seen.got[at] if health == Health.OK else seen.sent[at]) - since
        since = seen.sent[at] if health == Health.DOWN else None
    return total if since is None else total + end - since


def percent(ratio: float | None) -> str:
    """Write a share of a budget: `2.31 %`, or that it is missing."""
    if ratio is None:
        return "missing"
    return f"{ratio:.0%}" if ratio >= HARDEST else f"{100 * ratio:.3g} %"
