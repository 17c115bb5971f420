"""
When each promised message is due. Pure: times in, times out.

The promise is on the playbook's clock; every time here is real, in the journal's seconds.
"""

import math

import msgspec

from drill.incident import MessageKind, PlannedMessages

MOST_UPDATES = 10_000


class Due(msgspec.Struct, frozen=True):
    """A message of a kind, not before *at*."""

    kind: MessageKind
    at: float


def update_at(promise: PlannedMessages, scale: float, detected: float, index: int) -> Due:
    """The update number *index*, counted from 0, of an incident that lasts at least so long."""
    kind: MessageKind = "update" if index else "first"
    first_s, every_s = promise.first_s or 0.0, promise.every_s or 0.0
    return Due(kind=kind, at=detected + (first_s + index * every_s) / scale)


def dues(
    promise: PlannedMessages,
    scale: float,
    *,
    detected: float,
    resolved: float | None,
    until: float,
) -> list[Due]:
    """
    Everything that one promise makes due up to *until*, in order.

    Args:
        promise: Updates at a cadence, or one summary.
        scale: Seconds of the playbook in one real second.
        detected: When it began.
        resolved: When it was over; None while it is not.
        until: Nothing later is given.

    Returns:
        For updates the first, one each *every_s* while it is not resolved, and the final at
        resolution; for a summary the summary, due from resolution on. At most `MOST_UPDATES`.
    """
    ended = [] if resolved is None or resolved > until else [resolved]
    if promise.every_s is None:
        return [Due("summary", at) for at in ended]
    found = [
        due
        for index in range(_count(promise, scale, detected, until))
        if (due := update_at(promise, scale, detected, index)).at <= until
        and (resolved is None or due.at < resolved)
    ]
    return [*found, *(Due("final", at) for at in ended)]


def summary_limit(promise: PlannedMessages, scale: float, resolved: float) -> float:
    """When the summary must have been accepted, grace not counted."""
    return resolved + (promise.within_s or 0.0) / scale


def _count(promise: PlannedMessages, scale: float, detected: float, until: float) -> int:
    """At least as many as are due until then; one more, as a division may round down."""
    every = (promise.every_s or math.inf) / scale
    return max(0, min(MOST_UPDATES, math.floor((until - detected) / every) + 2))
