"""Whether the load or staging was the limit, from the samples. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from drill.events import FaultChange
from drill.payments import LoadSample

CORE_FULL, BEHIND_S = 0.85, 0.25
"""Of a sample: the busiest process is near a core, or a wait ended so much too late."""
LOAD_SHARE, LOAD_LEAST = 0.1, 2
GREW, SLOW_MS = 3.0, 500.0
QUARTER, PERCENT = 4, 100
RECOVERING_S = 5.0
"""How long after a heal answers may still be slow because of the fault."""
Limit = Literal["none", "load", "staging", "unknown"]


class Limited(msgspec.Struct, frozen=True):
    """What was the limit, and the numbers that say so."""

    limit: Limit
    detail: str


def judge_limit(
    samples: Sequence[LoadSample], faults: Sequence[tuple[float, float]] = ()
) -> Limited:
    """
    Judge the samples.

    Args:
        samples: In order.
        faults: From when to when faults were in force: answers that were slow meanwhile do not say
            that staging had too little room.

    Returns:
        `load` if its own processes were near a core or its customers came late; `staging` if
        answers became slow while the load had CPU left; `unknown` without any answered request.
    """
    busy = [one for one in samples if one.requests]
    if not busy:
        return Limited("unknown", "no request was answered")
    full = [one for one in samples if one.cpu_ratio >= CORE_FULL or one.behind_s >= BEHIND_S]
    calm = [one for one in busy if not any(a <= one.t <= b + RECOVERING_S for a, b in faults)]
    low, high = _ends([one.p95_ms for one in calm])
    text = (
        f"CPU of the busiest load process at most {max(s.cpu_ratio for s in samples):.2f} cores, "
        f"waits at most {max(s.behind_s for s in samples):.3f} s late, "
        f"both within bounds in {len(samples) - len(full)} of {len(samples)} samples; "
        f"p95 outside of faults {low:.0f} ms in the best quarter, {high:.0f} ms in the worst"
    )
    if len(full) >= max(LOAD_LEAST, LOAD_SHARE * len(samples)):
        return Limited("load", text)
    if high >= SLOW_MS and high >= GREW * low:
        return Limited("staging", text)
    return Limited("none", text)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The middle of the lowest and of the highest quarter."""
    if not values:
        return 0.0, 0.0
    ordered, size = sorted(values), max(1, len(values) // QUARTER)
    return median(ordered[:size]), median(ordered[-size:])


def in_force(changes: Sequence[FaultChange], until: float) -> list[tuple[float, float]]:
    """From when to when each fault was in force; one that was not healed is until the end."""
    began: dict[str, float] = {}
    windows: list[tuple[float, float]] = []
    for change in changes:
        if change.state == "intent":
            began[change.id] = change.t
        elif change.state in ("healed", "gone_with_target") and change.id in began:
            windows.append((began.pop(change.id), change.t))
    return windows + [(start, until) for start in began.values()]


def percentile(counts: Mapping[int, int], percent: int) -> float:
    """The value that so many per cent do not exceed; 0 where there is nothing."""
    wanted = sum(counts.values()) * percent / PERCENT
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if counts[value] and seen >= wanted:
            return float(value)
    return 0.0
