"""The summary in plain text that ends a drill on stdout, 25 lines at most."""

from pathlib import Path

from drill.journal import Journal
from reports import words
from reports.fold import fold
from reports.load import load_line
from reports.payments import payments_lines

MOST_FINDINGS, MOST_CLOCKS, MOST_COMMANDS = 4, 6, 3
LONGEST = 160


def render_text(journal: Journal, run_dir: Path | None = None) -> str:
    """
    Sum up the drill.

    Args:
        journal: It may end anywhere.
        run_dir: Where the other reports are.

    Returns:
        At most 25 lines without colour, safe for a terminal, newline at the end.
    """
    story = fold(journal)
    glyph = words.GLYPHS[story.verdict]
    lines = [words.clean_line(story)]
    lines += [f"  heal it: {command}" for command in words.heal_commands(story)[:MOST_COMMANDS]]
    lines += [f"{glyph} {story.verdict.upper()}  {story.header.title}"]
    lines += [f"  {why}" for why in [words.why_unfinished(story)] if why]
    lines += [
        f"  {line}" for line in (words.severity_line(story), words.outcome_line(story)) if line
    ]
    payments = payments_lines(story.payments)
    payments += [f"load: {load_line(story.load)}"] if story.load else []
    lines += [f"  {line}" for line in payments]
    for sla in story.slas[: MOST_CLOCKS - len(payments)]:
        measured, limit = words.clock_line(sla), words.limit_text(sla)
        lines.append(f"  {sla.name:<12} {sla.status:<9} {measured}, {limit}")
    bad = [finding for finding in story.findings if finding.verdict != "pass"]
    for finding in bad[:MOST_FINDINGS]:
        name = words.check_name(finding.check)
        cause = finding.cause or "cause unknown"
        lines.append(f"{words.GLYPHS[finding.verdict]} {finding.verdict} {name} [{cause}]")
        lines.append(f"    {finding.reason}")
    if len(bad) > MOST_FINDINGS:
        lines.append(f"  and {len(bad) - MOST_FINDINGS} more that did not pass: see the report")
    passed = len(story.findings) - len(bad)
    lines.append(f"  {passed} of {len(story.findings)} findings pass")
    told = [words.one_line(line.lstrip(), LONGEST) for line in lines]
    told = [
        " " * (len(line) - len(line.lstrip())) + text
        for line, text in zip(lines, told, strict=True)
    ]
    told += [f"report: {run_dir / 'report.html'}"] if run_dir else []
    told += [f"repeat: {words.safe(words.repeat_line(story))}"]
    return "\n".join(told) + "\n"
