"""
The playbook's clocks of one incident, each with its deadline and how it stands.

Pure: a journal and an instant go in, frozen clocks come out.
"""

from collections.abc import Iterator, Sequence
from math import floor
from typing import Literal

import msgspec

from drill import events as e
from drill import incident as i
from drill.journal import Journal

State = Literal["waiting", "running", "met", "missed", "censored", "missing"]
TOUCH_S = 1e-6
"""Times closer than this are the same point."""
GONE = frozenset({"healed", "gone_with_target"})
UPDATES = ("first", "update", "final")


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """
    One clock. Times are the journal's seconds, limits are durations in seconds.

    *limit_s* is real time; *playbook_limit_s* is what the playbook writes where the clock is the
    playbook's own, None where it is a machine's. *left_s* is below zero when it is overdue.
    """

    name: str
    title: str
    state: State
    note: str = ""
    begin_s: float | None = None
    deadline_s: float | None = None
    end_s: float | None = None
    limit_s: float | None = None
    playbook_limit_s: float | None = None
    left_s: float | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the clocks are read from, gathered once."""

    journal: Journal
    planned: i.IncidentPlanned | None
    moments: dict[str, e.MomentSet]
    messages: Sequence[i.MessageSent]
    now: float
    over: bool

    def at(self, moment: str) -> float | None:
        """When a moment was reached, None if it was not."""
        found = self.moments.get(moment)
        return found.t if found else None

    @property
    def healed(self) -> float | None:
        """When the last fault was proven gone; None while one is in force."""
        if "healed" in self.moments:
            return self.at("healed")
        plan = self.journal.last(e.Planned)
        last = {change.id: change for change in self.journal.every(e.FaultChange)}
        wanted = [fault.id for fault in plan.faults] if plan else []
        gone = [last[name] for name in wanted if name in last and last[name].state in GONE]
        if not wanted or len(gone) < len(wanted):
            return None
        return max(change.t if change.latest is None else change.latest for change in gone)

    def real_s(self, playbook_s: float) -> float:
        """Give real seconds for a time on the playbook's clock."""
        return playbook_s / self.planned.time_scale if self.planned else playbook_s


def gather(journal: Journal, now: float) -> Facts:
    """Read the facts from a journal."""
    return Facts(
        journal=journal,
        planned=journal.last(i.IncidentPlanned),
        moments={moment.name: moment for moment in journal.every(e.MomentSet)},
        messages=list(journal.every(i.MessageSent)),
        now=now,
        over=journal.last(e.End) is not None,
    )


def read_clocks(facts: Facts) -> list[Clock]:
    """Give every clock that this drill has, in the order of the playbook."""
    clocks: list[Clock] = []
    if facts.planned:
        clocks += _detections(facts, facts.planned)
        clocks += _people(facts, facts.planned)
    clocks.append(_recover(facts))
    if facts.planned:
        for promise in facts.planned.messages:
            clocks.append(_messages(facts, promise))
    return clocks


def broken_since(journal: Journal, state: str) -> float | None:
    """When the first fault came into *state*; None before that."""
    shown = (
        change.t if change.latest is None else change.latest
        for change in journal.every(e.FaultChange)
        if change.state == state
    )
    return min(shown, default=None)


def _detections(facts: Facts, planned: i.IncidentPlanned) -> Iterator[Clock]:
    begin = broken_since(facts.journal, "effective")
    if begin is None:
        begin = broken_since(facts.journal, "injected")
    if not planned.detections:
        yield _clock(facts, "detect", "Detect", begin=begin, end=facts.at("detected"))
        return
    firing: dict[str, float] = {}
    for seen in facts.journal.every(i.AlertSeen):
        if seen.state == "firing" and not seen.before_fault:
            firing.setdefault(seen.alert, seen.t)
    for one in planned.detections:
        name = "detect" if one is planned.detections[0] else f"detect:{one.alert}"
        end = firing.get(one.alert)
        if end is None and len(planned.detections) == 1:
            end = facts.at("detected")
        yield _clock(
            facts,
            name,
            "Detect",
            note=f"{one.alert} from {one.source}",
            begin=begin,
            end=end,
            limit=one.within_s,
        )


def _people(facts: Facts, planned: i.IncidentPlanned) -> Iterator[Clock]:
    wanted: list[tuple[str, str, str, float | None]] = [
        ("acknowledge", "Acknowledge", "acknowledged", planned.acknowledge_s),
        ("resolve", "Resolve", "resolved", planned.resolve_s),
    ]
    for name, title, moment, limit in wanted:
        yield _clock(
            facts,
            name,
            title,
            begin=facts.at("detected"),
            end=facts.at(moment),
            limit=None if limit is None else facts.real_s(limit),
            playbook=limit,
        )


def _recover(facts: Facts) -> Clock:
    plan = facts.journal.last(e.Planned)
    return _clock(
        facts,
        "recover",
        "Recover",
        begin=facts.healed,
        end=facts.at("recovered"),
        limit=plan.recover_limit_s if plan else None,
    )


def _messages(facts: Facts, promise: i.PlannedMessages) -> Clock:
    sent = [
        message
        for message in facts.messages
        if (message.channel, message.audience) == (promise.channel, promise.audience)
    ]
    if promise.every_s is None:
        return _summary(facts, promise, [one for one in sent if one.kind == "summary"])
    return _updates(facts, promise, [one for one in sent if one.kind in UPDATES])


def _summary(facts: Facts, promise: i.PlannedMessages, sent: Sequence[i.MessageSent]) -> Clock:
    limit = promise.within_s or 0.0
    taken = [one.sent for one in sent if one.sent is not None]
    return _clock(
        facts,
        f"summary:{promise.channel}:{promise.audience}",
        "Executive summary",
        note=_to(promise),
        begin=facts.at("resolved"),
        end=min(taken, default=None),
        limit=facts.real_s(limit),
        playbook=limit,
        grace=facts.real_s(promise.grace_s),
    )


def _updates(facts: Facts, promise: i.PlannedMessages, sent: Sequence[i.MessageSent]) -> Clock:
    """Give the clock of the next update; it has ended once the final one was taken."""
    grace = facts.real_s(promise.grace_s)
    bad = [one for one in sent if one.sent is None or one.sent > one.due + grace]
    final = [one.sent for one in sent if one.kind == "final" and one.sent is not None]
    begin, span = _cadence(facts, promise, sent)
    clock = _clock(
        facts,
        f"update:{promise.channel}:{promise.audience}",
        "Next update" if facts.at("resolved") is None else "Final update",
        note="; ".join([_to(promise), *([f"{len(bad)} late or not accepted"] if bad else [])]),
        begin=begin,
        end=min(final, default=None),
        limit=facts.real_s(span),
        playbook=span,
        grace=grace,
    )
    if final and bad:
        return msgspec.structs.replace(clock, state="missed")
    return clock


def _cadence(
    facts: Facts, promise: i.PlannedMessages, sent: Sequence[i.MessageSent]
) -> tuple[float | None, float]:
    """Give from when the next message is counted, and how long it may take by the playbook."""
    detected, resolved = facts.at("detected"), facts.at("resolved")
    span, every = promise.first_s or 0.0, promise.every_s or 0.0
    if resolved is not None:
        return resolved, 0.0
    if detected is None:
        return None, span
    first, step = detected + facts.real_s(span), facts.real_s(every)
    last = max((one.due for one in sent if one.sent is not None), default=None)
    if last is None or last < first - TOUCH_S or step <= 0:
        return detected, span
    # A message between two points of the cadence leaves the next point where it is.
    return first + floor((last - first + TOUCH_S) / step) * step, every


def _to(promise: i.PlannedMessages) -> str:
    return f"{promise.audience} by {promise.channel}" + (f" to {promise.to}" if promise.to else "")


def _clock(  # noqa: PLR0913 - one keyword a fact of the clock
    facts: Facts,
    name: str,
    title: str,
    *,
    begin: float | None,
    end: float | None,
    note: str = "",
    limit: float | None = None,
    playbook: float | None = None,
    grace: float = 0.0,
) -> Clock:
    deadline = None if begin is None or limit is None else begin + limit
    left = None if deadline is None or end is not None or facts.over else deadline - facts.now
    clock = Clock(
        name=name,
        title=title,
        state=_state(facts, begin, end, None if deadline is None else deadline + grace),
        note=note,
        begin_s=begin,
        deadline_s=deadline,
        end_s=end,
        limit_s=limit,
        playbook_limit_s=playbook,
        left_s=left,
    )
    judged = [one for one in facts.journal.every(e.SlaJudged) if one.name == name]
    return msgspec.structs.replace(clock, state=judged[-1].status) if judged else clock


def _state(facts: Facts, begin: float | None, end: float | None, deadline: float | None) -> State:
    """Say how a clock stands where no judge has spoken yet."""
    if begin is None:
        return "missing" if facts.over else "waiting"
    if deadline is not None and (facts.now if end is None else end) > deadline:
        return "missed"
    if end is not None:
        return "met"
    return "censored" if facts.over else "running"
