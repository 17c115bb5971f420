"""
What messages say: pure text from frozen facts.

Every message says in its subject and in its first line that it is a drill, so that nobody who
reads only one line takes it for an incident.
"""

from collections.abc import Sequence

import msgspec

from drill.duration import show_duration
from drill.incident import MessageKind
from experiments.comms.facts import ClockFact, Facts

MARK = "[DRILL]"
REHEARSAL = "This is a rehearsal on staging."
HEADLINES: dict[MessageKind, str] = {
    "first": "Incident",
    "update": "Update",
    "final": "Resolved",
    "summary": "Executive summary",
    "page": "You are paged",
}


class Words(msgspec.Struct, frozen=True):
    """A subject and a text, of the drill *drill*."""

    drill: str
    subject: str
    text: str


def for_team(kind: MessageKind, facts: Facts, *, every_s: float | None, said: str = "") -> Words:
    """
    An update in the shape conditions, actions, needs.

    Args:
        kind: Which message of its stream it is.
        facts: What is known now.
        every_s: The cadence on the playbook's clock; None where no update follows.
        said: What somebody adds in their own words.
    """
    conditions = (f"phase {facts.phase}", *_moments(facts), *facts.known)
    return _marked(
        facts,
        f"{HEADLINES[kind]}: {_title(facts)}",
        *([said, ""] if said else []),
        *_listed("Conditions", conditions),
        *_listed("Actions", facts.actions or ("none yet",)),
        *_listed("Needs", () if kind == "final" else facts.needs),
        _next(kind, facts, every_s),
    )


def for_customers(
    kind: MessageKind, facts: Facts, *, every_s: float | None, said: str = ""
) -> Words:
    """A short mail without internals: not even the title, which names what was broken."""
    if kind == "final":
        lines = [
            "The problem with our service is solved, and everything works again.",
            "You need not do anything. Thank you for your patience.",
        ]
        subject = "Solved: the problem with our service"
    else:
        lines = [
            "We have noticed a problem with our service, and we are sorry for it.",
            _how_it_stands(facts),
            "You need not do anything. We will write again as soon as it is solved.",
        ]
        subject = "We are working on a problem with our service"
    return _marked(
        facts, subject, *([said, ""] if said else []), *lines, _next(kind, facts, every_s)
    )


def executive_summary(facts: Facts) -> Words:
    """Current status, overview, next steps, and which clocks were met."""
    resolved = facts.moment("resolved") is not None
    status = "resolved" if resolved else "not resolved"
    missed = [f"find out why the clock '{each.name}' was missed" for each in _missed(facts)]
    steps = ("complete the postmortem: root cause, guardrail, owner and due date", *missed)
    return _marked(
        facts,
        f"{HEADLINES['summary']}: {_title(facts)}",
        *_listed("Current status", (status, *facts.known)),
        *_listed("Overview", (*_moments(facts), *facts.actions)),
        *_listed("Next steps", steps),
        *_listed("Clocks", [_clock(each) for each in facts.clocks] or ["none applied"]),
        _scale(facts),
    )


def for_role(role: str, holders: Sequence[str], facts: Facts, said: str) -> Words:
    """A page: who is asked, for what, and how it stands."""
    who = ", ".join(holders) or "nobody holds this role"
    return _marked(
        facts,
        f"{HEADLINES['page']} as {role}: {_title(facts)}",
        f"{role}: {who}",
        said,
        "",
        *_listed("Conditions", (f"phase {facts.phase}", *_moments(facts), *facts.known)),
        *_listed("Needs", facts.needs),
    )


def _marked(facts: Facts, subject: str, *lines: str) -> Words:
    line = f"{MARK} {' '.join(subject.split())}"
    body = "\n".join(lines).strip()
    return Words(facts.drill, line, f"{line}\n{MARK} {REHEARSAL}\n\n{body}\n")


def _title(facts: Facts) -> str:
    return f"{facts.title} (severity {facts.severity})"


def _listed(heading: str, items: Sequence[str]) -> list[str]:
    return [f"{heading}:", *(f"- {item}" for item in items), ""] if items else []


def _moments(facts: Facts) -> list[str]:
    """Each moment with who set it, counted from detection."""
    detected = facts.moment("detected")
    if detected is None:
        return ["not detected yet"]
    told = [f"detected {facts.now - detected.t:.1f} s ago"]
    for each in facts.moments:
        if each.name != "detected":
            by = f" by {each.actor} ({each.role})" if each.actor else ""
            told.append(f"{each.name} {each.t - detected.t:.1f} s after detection{by}")
    return told


def _how_it_stands(facts: Facts) -> str:
    if facts.moment("contained"):
        return "We have limited its effect; some features may be switched off for now."
    if facts.moment("acknowledged"):
        return "Our team is working on it."
    return "Our team has been told."


def _next(kind: MessageKind, facts: Facts, every_s: float | None) -> str:
    if kind == "final" or every_s is None:
        return "This is the last message about it."
    real = f", which is {every_s / facts.time_scale:.1f} s in this drill"
    scaled = real if facts.time_scale != 1 else ""
    return f"Next update within {show_duration(every_s)}{scaled}."


def _clock(clock: ClockFact) -> str:
    took = "not reached" if clock.took_s is None else f"{clock.took_s:.1f} s"
    state = "missed" if clock.missed else "running" if clock.took_s is None else "met"
    limit = f"{clock.limit_s:.1f} s ({show_duration(clock.playbook_limit_s)} in the playbook)"
    return f"{clock.name}: {state}, {took} of {limit}"


def _missed(facts: Facts) -> list[ClockFact]:
    return [clock for clock in facts.clocks if clock.missed]


def _scale(facts: Facts) -> str:
    if facts.time_scale == 1:
        return ""
    return f"One second of this drill stands for {show_duration(facts.time_scale)} of the playbook."
