"""
The team's own HOTFIX form, filled in from a drill and from what people answered.

A placeholder is `{{name}}`. One that we do not know stays as it is and is reported; one whose
fact is missing is filled with `missing`, and an answer nobody gave yet stays marked as to fill.
"""

import re
from pathlib import Path

import msgspec

from drill.errors import BadInput
from drill.journal import Journal
from reports import words
from reports.answers import TO_FILL, answers
from reports.fold import Story, fold
from reports.markdown import MISSING, escaped
from reports.postmortem import cause, journeys, purchases, summary

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z][\w-]*)\s*\}\}")
ANSWERED = {
    "root_cause": "Root cause",
    "fix": "Fix applied",
    "guardrail": "Guardrail",
    "owner": "Owner",
}
MAX_BYTES = 256 * 1024


class Filled(msgspec.Struct, frozen=True):
    """The filled form, and the placeholders in it that we do not know."""

    text: str
    unknown: list[str]


def read_template(path: Path) -> str:
    """Read a HOTFIX form; raises BadInput when it cannot be read or is no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: the HOTFIX template cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES // 1024} KiB, which no form needs")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text; save the file as UTF-8") from None


def fill(template: str, journal: Journal, postmortem: str) -> Filled:
    """
    Fill a form.

    Args:
        template: Markdown with placeholders.
        journal: It may end anywhere.
        postmortem: The text of the postmortem as it is now, for what people answered.
    """
    values = _facts(fold(journal)) | _answers(postmortem)
    unknown = {name for name in PLACEHOLDER.findall(template) if name.lower() not in values}

    def value(found: re.Match[str]) -> str:
        return values.get(str(found.group(1)).lower(), str(found.group()))

    return Filled(PLACEHOLDER.sub(value, template), sorted(unknown))


def _answers(postmortem: str) -> dict[str, str]:
    given = answers(postmortem)
    return {
        name: given[label].text if label in given and given[label].filled else TO_FILL
        for name, label in ANSWERED.items()
    }


def _facts(story: Story) -> dict[str, str]:
    head = story.header
    seen = story.severity.seen if story.severity else None
    moments = {
        name: words.seconds(story.moments[name].t) if name in story.moments else MISSING
        for name in story.incident_moments
    }
    facts = {
        "title": head.title,
        "severity": f"{head.severity or MISSING} declared, {seen or 'undecided'} seen",
        "run": head.id,
        "scenario": head.scenario,
        "environment": head.environment,
        "commit": head.commit or MISSING,
        "command": head.command or MISSING,
        "verdict": story.verdict,
        "summary": " ".join(summary(story)),
        "cause": " ".join(cause(story)),
        "impact": f"journeys: {journeys(story)}; purchases: {purchases(story)}",
        "rollback": _rollback(story),
        "stable": (story.incident.planned.stable if story.incident else "") or MISSING,
        "validated": _validated(story),
        "postmortem": "postmortem.md",
    }
    return {name: escaped(text) for name, text in (facts | moments).items()}


def _rollback(story: Story) -> str:
    if story.incident is None:
        return MISSING
    back = [r for r in story.incident.releases if r.when == "rolled_back"]
    told = [f"{r.service} to {r.release} ({r.digest[:19] or 'digest missing'})" for r in back]
    if told:
        return "; ".join(told)
    stable = story.incident.planned.stable
    return f"nothing was rolled back; the last stable tag is {stable}" if stable else MISSING


def _validated(story: Story) -> str:
    if not story.findings:
        return MISSING
    passed = sum(found.verdict == "pass" for found in story.findings)
    return f"{words.recovery_line(story)}; {passed} of {len(story.findings)} findings pass"
