"""Which of the four buttons can be pressed now, and why the others cannot. Pure."""

import msgspec

from drill import events as e
from experiments.control import Say
from experiments.gameday.clocks import Facts

LABELS: tuple[tuple[Say, str], ...] = (
    ("acknowledge", "Acknowledge"),
    ("contain", "Contained"),
    ("resolve", "Resolved"),
    ("update", "Post update"),
)
ANSWERED = ("faults", "heal", "quiet", "reconcile")
"""The phases in which somebody answers for the incident."""


class Button(msgspec.Struct, frozen=True):
    """A button; *why* says why it cannot be pressed, empty if it can."""

    say: Say
    label: str
    why: str = ""
    role: str = ""

    @property
    def possible(self) -> bool:
        """Whether the drill would take it now, as far as the journal shows."""
        return not self.why


def read_buttons(facts: Facts) -> list[Button]:
    """Give the four buttons in the playbook's order."""
    acts = facts.planned.acts if facts.planned else []
    roles = {act.do.partition(".")[0]: act.role for act in acts}
    messages = facts.planned.messages if facts.planned else []
    if messages:
        roles["update"] = messages[0].role
    return [
        Button(say, label, _never(facts) or _not_now(facts, say), roles.get(say, ""))
        for say, label in LABELS
    ]


def _never(facts: Facts) -> str:
    """Say why none of them can be pressed."""
    phase = facts.journal.last(e.Phase)
    if facts.planned is None:
        return "This drill has no incident: its scenario names no detection and no response."
    if facts.over or facts.journal.last(e.Aborted):
        return "The drill is over."
    if phase is None or phase.name in {"preflight", "baseline"}:
        return "Nothing has been broken yet."
    if phase.name not in ANSWERED:
        return "The incident is over: the drill is being judged."
    if "detected" not in facts.moments:
        return "Nothing has been detected yet."
    return ""


def _not_now(facts: Facts, say: Say) -> str:
    """Say why this one cannot, by the order of the moments."""
    reached = facts.moments
    if say == "acknowledge":
        return _already(facts, "acknowledged")
    if "resolved" in reached:
        return _already(facts, "resolved")
    if say == "update":
        return ""
    if "acknowledged" not in reached:
        return "Nobody has acknowledged it yet."
    return _already(facts, "contained") if say == "contain" else ""


def _already(facts: Facts, moment: str) -> str:
    found = facts.moments.get(moment)
    if found is None:
        return ""
    by = f" by {found.actor}" if found.actor else ""
    return f"It has been {moment}{by} already."
