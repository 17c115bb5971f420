"""
What came of each promise of communication, read from the journal, and its clocks.

Judged by what servers accepted and when, against the moments; never by what the sender says was
due. A message that no server took was not sent.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from drill.events import MomentSet, Phase, SlaJudged
from drill.incident import AlertSeen, IncidentPlanned, MessageSent, PlannedMessages
from drill.journal import Journal

UPDATES = ("first", "update", "final")


class Gap(msgspec.Struct, frozen=True):
    """A time without a message from *start* on; *open* if nothing ended it while we looked."""

    start: float
    seconds: float
    open: bool = False


class Stream(msgspec.Struct, frozen=True):
    """
    One promise and what came of it; times in the journal's seconds, limits in real seconds.

    *known* is when the drill learned of the detection: nobody can be told sooner. *until* is when
    it stopped sending.
    """

    promise: PlannedMessages
    name: str
    scale: float
    known: float
    resolved: float | None
    until: float
    tried: Sequence[MessageSent]

    @property
    def sent(self) -> list[float]:
        """When servers accepted messages, in order."""
        return sorted(each.sent for each in self.tried if each.sent is not None)

    @property
    def told(self) -> list[float]:
        """As `sent`, up to the resolution."""
        return [each for each in self.sent if self.resolved is None or each <= self.resolved]

    @property
    def end(self) -> float:
        """Up to when updates were promised and looked for."""
        return self.until if self.resolved is None else min(self.resolved, self.until)

    @property
    def first_s(self) -> float:
        """How long after detection the first may take, grace included."""
        return ((self.promise.first_s or 0.0) + self.promise.grace_s) / self.scale

    @property
    def every_s(self) -> float:
        """How long silence may last, grace included."""
        return ((self.promise.every_s or 0.0) + self.promise.grace_s) / self.scale

    @property
    def grace_s(self) -> float:
        """How late a message may be."""
        return self.promise.grace_s / self.scale

    def final(self) -> MessageSent | None:
        """The final message that a server accepted first."""
        taken = [each for each in self.tried if each.kind == "final" and each.sent is not None]
        return min(taken, key=lambda each: each.sent or 0.0, default=None)


def comms_clocks(journal: Journal, t: float) -> list[SlaJudged]:
    """
    The clocks of communication, to be written at *t*.

    Returns:
        For each promise of updates `first_CHANNEL_AUDIENCE` (detection to the first accepted
        message) and `update_CHANNEL_AUDIENCE` (the longest silence from the first message to the
        resolution); for each promise of a summary `summary_CHANNEL_AUDIENCE`. Limits of updates
        include the grace. None if nothing was promised.
    """
    planned = journal.first(IncidentPlanned)
    if planned is None or not planned.messages:
        return []
    detected = moment_of(journal, "detected")
    if detected is None:
        return [
            SlaJudged(t=t, name=name, limit_s=None, status="missing")
            for promise, named in _named(planned.messages)
            for name in _clock_names(promise, named)
        ]
    streams = streams_of(journal, planned, detected)
    return [clock for stream in streams for clock in _clocks(stream, t)]


def _clocks(stream: Stream, t: float) -> Iterator[SlaJudged]:
    promise = stream.promise
    if promise.every_s is None:
        yield summary_clock(stream, t)
        return
    first, updates = _clock_names(promise, stream.name)
    yield _clock(first, stream, t, (promise.first_s or 0.0) + promise.grace_s, first_gap(stream))
    worst = max(silences(stream), key=lambda gap: gap.seconds, default=None)
    yield _clock(updates, stream, t, promise.every_s + promise.grace_s, worst)


def first_gap(stream: Stream) -> Gap:
    """From the detection to the first accepted message."""
    told = stream.sent
    if told:
        return Gap(stream.known, max(0.0, told[0] - stream.known))
    return Gap(stream.known, max(0.0, stream.until - stream.known), open=True)


def silences(stream: Stream) -> list[Gap]:
    """Between accepted messages from the first on, and from the last to the resolution."""
    told = stream.told
    if not told:
        return []
    last = Gap(told[-1], max(0.0, stream.end - told[-1]), open=stream.resolved is None)
    return [*(Gap(a, b - a) for a, b in pairwise(told)), last]


def _clock(
    name: str, stream: Stream, t: float, playbook_limit_s: float, gap: Gap | None
) -> SlaJudged:
    limit_s = playbook_limit_s / stream.scale
    status: Literal["met", "missed", "censored", "missing"]
    if gap is None:
        status = "missing"
    elif gap.seconds > limit_s:
        status = "missed"
    else:
        status = "censored" if gap.open else "met"
    return SlaJudged(
        t=t,
        name=name,
        limit_s=limit_s,
        status=status,
        measured_s=None if gap is None else gap.seconds,
        playbook_limit_s=playbook_limit_s,
    )


def summary_clock(stream: Stream, t: float) -> SlaJudged:
    """From resolution to the first accepted summary; grace does not lengthen this limit."""
    (name,) = _clock_names(stream.promise, stream.name)
    gap = None
    if stream.resolved is not None:
        sent = stream.sent
        end = sent[0] if sent else stream.until
        gap = Gap(stream.resolved, max(0.0, end - stream.resolved), open=not sent)
    return _clock(name, stream, t, stream.promise.within_s or 0.0, gap)


def streams_of(journal: Journal, planned: IncidentPlanned, detected: MomentSet) -> Iterator[Stream]:
    """Every promise with what came of it since the incident was *detected*."""
    resolved = moment_of(journal, "resolved")
    messages = list(journal.every(MessageSent))
    audiences = {(each.channel, each.audience) for each in planned.messages}
    by_room = len(audiences) < len(planned.messages)
    for promise, name in _named(planned.messages):
        kinds = UPDATES if promise.every_s is not None else ("summary",)
        tried = [
            each
            for each in messages
            if (each.channel, each.audience) == (promise.channel, promise.audience)
            and each.kind in kinds
            and (not by_room or each.to == promise.to)
        ]
        yield Stream(
            promise=promise,
            name=name,
            scale=planned.time_scale,
            known=_known(journal, planned, detected),
            resolved=None if resolved is None else resolved.t,
            until=_until(journal),
            tried=tried,
        )


def _named(messages: Sequence[PlannedMessages]) -> Iterator[tuple[PlannedMessages, str]]:
    """Each promise with a name of its own: channel and audience, and where it goes if needed."""
    pairs = [(each.channel, each.audience, each.every_s is None) for each in messages]
    for each, pair in zip(messages, pairs, strict=True):
        room = f" {each.to}" if pairs.count(pair) > 1 else ""
        yield each, f"{each.channel} {each.audience}{room}"


def _clock_names(promise: PlannedMessages, name: str) -> tuple[str, ...]:
    kinds = ("first", "update") if promise.every_s is not None else ("summary",)
    return tuple(f"{kind}_{name.replace(' ', '_')}" for kind in kinds)


def _known(journal: Journal, planned: IncidentPlanned, detected: MomentSet) -> float:
    """When the drill saw the alert that made it detected; the alert itself may be older."""
    promised = {each.alert for each in planned.detections}
    seen = [
        alert.seen
        for alert in journal.every(AlertSeen)
        if alert.state == "firing" and alert.alert in promised and alert.seen >= detected.t
    ]
    return min(seen, default=detected.t)


def _until(journal: Journal) -> float:
    """When messages stopped being sent: the judge began, or the journal ends."""
    judged = [phase.t for phase in journal.every(Phase) if phase.name == "judge"]
    return judged[0] if judged else max((event.t for event in journal.events), default=0.0)


def moment_of(journal: Journal, name: str) -> MomentSet | None:
    """The moment of this name, None if it was not reached."""
    return next((each for each in journal.every(MomentSet) if each.name == name), None)
