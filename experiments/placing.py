"""Times of other systems' wall clocks on the drill's own clock, and back."""

from collections.abc import Iterator

from drill.events import Header, Phase
from drill.journal import Journal


def place(journal: Journal, wall_s: float) -> float:
    """
    Place a wall time in the journal's seconds.

    Args:
        journal: With the pairs of both clocks that each phase brought.
        wall_s: Seconds since 1970.

    Returns:
        By the nearest pair before it; by the first one for what was before the drill.
    """
    pairs = list(_pairs(journal))
    t, wall = next((pair for pair in reversed(pairs) if pair[1] <= wall_s), pairs[0])
    return t + (wall_s - wall)


def wall(journal: Journal, t: float) -> float:
    """Seconds since 1970 for one of the journal's times; as `place`, the other way round."""
    pairs = list(_pairs(journal))
    at, wall_s = next((pair for pair in reversed(pairs) if pair[0] <= t), pairs[0])
    return wall_s + (t - at)


def _pairs(journal: Journal) -> Iterator[tuple[float, float]]:
    yield from (
        (event.t, event.wall_s) for event in journal.events if isinstance(event, Header | Phase)
    )
