"""How slow an alert's chain can be, and which promises it therefore cannot keep. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence

from drill.duration import show_duration
from drill.incident import ChainSeen, PlannedDetection

BY_CHAIN = ("prometheus", "alertmanager")
"""Sources whose alerts go through a chain that can be read."""


def chain_s(scrape_s: float, evaluation_s: float, for_s: float, group_wait_s: float) -> float:
    """
    The slowest detection in seconds, from the trouble to the alert's sending.

    A scrape may just have missed it, an evaluation may just have missed the scrape, `for` ends
    with an evaluation, and Alertmanager waits for more of the group. What a window such as
    `rate(...[5m])` takes to fill is not in it, nor the way of the message.
    """
    held = math.ceil(for_s / evaluation_s) * evaluation_s if evaluation_s > 0 else for_s
    return scrape_s + evaluation_s + held + group_wait_s


def slowest_s(chain: ChainSeen) -> float | None:
    """The slowest detection through *chain*; None if it is not known whole."""
    if chain.scrape_s is None or chain.evaluation_s is None or chain.for_s is None:
        return None
    # Without Alertmanager nothing waits for a group.
    return chain_s(chain.scrape_s, chain.evaluation_s, chain.for_s, chain.group_wait_s or 0.0)


def chain_problems(
    detections: Sequence[PlannedDetection], chains: Iterable[ChainSeen]
) -> Iterator[tuple[int, str]]:
    """
    Find the promises that their chain cannot keep.

    Returns:
        The place of each among *detections*, and a sentence for people. A chain that could not be
        read, or a rule that is not there, is for `alerts_can_fire` to find.
    """
    by_alert = {chain.alert: chain for chain in chains}
    for place, promise in enumerate(detections):
        chain = by_alert.get(promise.alert)
        if chain is None or promise.source not in BY_CHAIN:
            continue
        slowest = slowest_s(chain)
        if slowest is not None and slowest > promise.within_s:
            yield place, f"{promise.alert} within {show_duration(promise.within_s)}: {_sum(chain)}"


def _sum(chain: ChainSeen) -> str:
    parts = (
        ("scrape", chain.scrape_s),
        ("evaluation", chain.evaluation_s),
        ("`for`", chain.for_s),
        ("group wait", chain.group_wait_s),
    )
    told = " + ".join(f"{name} {show_duration(value)}" for name, value in parts if value)
    return f"its chain takes up to {show_duration(slowest_s(chain) or 0.0)} ({told})"
