"""
The time line of a drill: one entry for each thing that a responder would want to see. Pure.

Every entry says where it can be looked up: a file of the run, where another system was read, or
the journal's own line.
"""

import time
from collections.abc import Callable, Iterator

import msgspec

from drill import events as e
from drill import incident as i
from drill.journal import Columns, Journal
from drill.moments import outages
from drill.verdict import Health
from reports.words import act_words, alert_words, message_words, seconds

OWN_RESOLUTION_S = 0.001
"""Our own clock is finer; no report prints more."""
FAULT_STATES = {
    "held": "waits at a held edge",
    "seen": "has its edge reached",
    "let_go": "let go of its edge",
    "injected": "injected",
    "effective": "in force",
    "not_effective": "injected, but nothing showed it in force",
    "gap": "gone: the target came back without it",
    "rearmed": "in force again",
    "gone_with_target": "gone with its target",
    "healed": "healed",
    "heal_failed": "could NOT be healed",
}
ENGINE_ACTIONS = ("restart", "oom", "die", "kill", "start", "stop", "pause", "unpause")
Told = tuple[str, str]
"""Kind and text of an entry."""


class Entry(msgspec.Struct, frozen=True):
    """
    One thing that happened.

    Attributes:
        t_s: Seconds from the drill's start.

        utc: ISO 8601 with milliseconds; empty if the journal has no wall clock.

        source: Who says so: `drill`, `engine`, `probe checkout`, `prometheus` ...

        kind: What it is: fault, impact, alert, moment, act, escalation, message, release, engine,
            evidence, monitoring, note.

        evidence: A path below the run's folder, or where it was read; never empty.

        resolution_s: How exactly the time is known; None if the source does not say.
    """

    t_s: float
    utc: str
    source: str
    kind: str
    text: str
    evidence: str
    actor: str = ""
    role: str = ""
    resolution_s: float | None = OWN_RESOLUTION_S


class Clock:
    """Places the journal's seconds on the wall clock, by the nearest phase before."""

    def __init__(self, journal: Journal) -> None:
        self._pairs = [
            (event.t, event.wall_s)
            for event in journal.events
            if isinstance(event, e.Header | e.Phase) and event.wall_s > 0
        ]

    def utc(self, t: float) -> str:
        """Give the UTC time of *t*, empty if nothing places it."""
        if not self._pairs:
            return ""
        before = [pair for pair in self._pairs if pair[0] <= t] or self._pairs[:1]
        zero, wall_s = before[-1]
        whole, milli = divmod(round((wall_s + t - zero) * 1000), 1000)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milli:03d}Z"


def timeline(journal: Journal) -> list[Entry]:
    """Give all entries in order of time; entries of one instant in the journal's order."""
    clock = Clock(journal)
    entries = [*_from_events(journal, clock), *_from_probes(journal, clock)]
    return sorted(entries, key=lambda entry: entry.t_s)


def _from_events(journal: Journal, clock: Clock) -> Iterator[Entry]:
    plan = journal.last(e.Planned)
    faults = {fault.id: f"{fault.fault} on {fault.target}" for fault in plan.faults} if plan else {}
    for line, event in zip(journal.lines, journal.events, strict=True):
        if isinstance(event, e.FaultChange):
            told = _fault(event, faults.get(event.id, event.id))
        else:
            told = _told(event)
        if told is None:
            continue
        kind, text = told
        t = _when(event)
        yield Entry(
            t, clock.utc(t), _source(event), kind, text,
            evidence=_evidence(event) or f"journal.jsonl#L{line}",
            actor=str(getattr(event, "actor", "")), role=str(getattr(event, "role", "")),
            resolution_s=_resolution(event),
        )  # fmt: skip


def _when(event: e.Event) -> float:
    if isinstance(event, i.MessageSent) and event.sent is not None:
        return event.sent
    return event.t


def _fault(event: e.FaultChange, fault: str) -> Told | None:
    state = FAULT_STATES.get(event.state)
    if state is None:
        return None
    by = f" by {event.by}" if event.by else ""
    proof = f": {event.proof}" if event.proof else ""
    return "fault", f"{fault} {state}{by}{proof}"


def _told(event: e.Event) -> Told | None:
    """Say what an event means; None if it is nothing to show."""
    tell = TELLERS.get(type(event))
    return tell(event) if tell else None


def _alert(event: i.AlertSeen) -> Told:
    return "alert", alert_words(event)


def _moment(event: e.MomentSet) -> Told:
    return "moment", f"{event.name} ({event.source})" if event.source else event.name


def _act(event: i.Acted) -> Told | None:
    return "act", act_words(event)


def _escalated(event: i.Escalated) -> Told:
    after = f"{event.after_s:g} s of the playbook"
    return "escalation", f"nobody acknowledged for {after}: {event.role} was paged"


def _message(event: i.MessageSent) -> Told:
    return "message", message_words(event)


def _release(event: i.ReleaseSeen) -> Told:
    detail = f" ({event.detail})" if event.detail else ""
    return "release", f"{event.service} runs {event.release} [{event.when}]{detail}"


def _engine(event: e.EngineSaw) -> Told | None:
    if event.action not in ENGINE_ACTIONS and "unhealthy" not in event.action:
        return None
    return "engine", f"{event.service}: {event.action}"


def _kept(event: e.EvidenceKept) -> Told:
    note = f": {event.note}" if event.note else ""
    return "evidence", f"{event.kind} of {event.subject}{note}"


def _monitoring(event: i.MonitoringSeen) -> Told | None:
    if event.ok:
        return None
    state = "could not be asked" if event.ok is None else "is not as it should be"
    return "monitoring", f"{event.what} {state}: {event.detail}"


def _note(event: e.Note) -> Told | None:
    return ("note", event.text) if event.level == "warning" else None


def _aborted(event: e.Aborted) -> Told:
    return "note", f"the drill was aborted: {event.reason}"


TELLERS: dict[type[e.Event], Callable[..., Told | None]] = {
    i.AlertSeen: _alert,
    e.MomentSet: _moment,
    i.Acted: _act,
    i.Escalated: _escalated,
    i.MessageSent: _message,
    i.ReleaseSeen: _release,
    e.EngineSaw: _engine,
    e.EvidenceKept: _kept,
    i.MonitoringSeen: _monitoring,
    e.Note: _note,
    e.Aborted: _aborted,
}


def _source(event: e.Event) -> str:
    if isinstance(event, i.AlertSeen):
        return event.source
    if isinstance(event, i.MessageSent):
        return event.channel
    return "engine" if isinstance(event, e.EngineSaw | i.ReleaseSeen) else "drill"


def _evidence(event: e.Event) -> str:
    """Give where an event itself says that it can be looked up, empty if it does not."""
    if isinstance(event, e.EvidenceKept):
        return event.path
    return event.evidence if isinstance(event, i.AlertSeen) else ""


def _resolution(event: e.Event) -> float | None:
    if isinstance(event, i.AlertSeen):
        return event.resolution_s
    if isinstance(event, e.EngineSaw):
        return None
    if isinstance(event, e.MomentSet):
        return max(OWN_RESOLUTION_S, event.latest - event.earliest)
    if isinstance(event, e.FaultChange) and None not in (event.earliest, event.latest):
        return max(OWN_RESOLUTION_S, (event.latest or 0.0) - (event.earliest or 0.0))
    return OWN_RESOLUTION_S


def _from_probes(journal: Journal, clock: Clock) -> Iterator[Entry]:
    """Tell, for each probe, the first impact after the first injection and the end of its last."""
    acts = (c.t for c in journal.every(e.FaultChange) if c.state in e.FAULT_BEGINS)
    begin = next(acts, None)
    if begin is None:
        return
    for name, seen in sorted(journal.observations.items()):
        spells = [spell for spell in outages(seen) if spell[0] >= begin]
        if not spells:
            continue
        start, end = spells[0][0], spells[-1][1]
        yield _probe_entry(name, seen, start, clock)
        if end is not None:
            often = f", after {len(spells)} bad spells" if len(spells) > 1 else ""
            yield Entry(
                end, clock.utc(end), f"probe {name}", "impact", f"{name} is good again{often}",
                evidence=_look_link(name, end), resolution_s=_took(seen, end, ended=True),
            )  # fmt: skip


def _probe_entry(name: str, seen: Columns, start: float, clock: Clock) -> Entry:
    at = seen.sent.index(start)
    detail = seen.details.get(at, "")
    text = f"{name} is {Health(seen.health[at]).word}{': ' if detail else ''}{detail}"
    return Entry(
        start, clock.utc(start), f"probe {name}", "impact", text,
        evidence=_look_link(name, start), resolution_s=_took(seen, start, ended=False),
    )  # fmt: skip


def _look_link(name: str, t: float) -> str:
    """Name one look in the journal: observations are found by probe and time."""
    return f"journal.jsonl, a look of probe {name} at {seconds(t)}"


def _took(seen: Columns, t: float, *, ended: bool) -> float:
    """Give how long the look took that shows it: the truth lies somewhere within."""
    at = (seen.got if ended else seen.sent).index(t)
    return max(OWN_RESOLUTION_S, seen.got[at] - seen.sent[at])
