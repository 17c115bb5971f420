"""The sentences that all reports share, so that no two of them disagree."""

import re
import shlex
import time

from drill.duration import show_duration
from drill.events import SlaJudged
from drill.incident import Acted, AlertSeen, MessageSent
from reports.fold import Story
from reports.incident import Alert

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
FEW = 2
GLYPHS = {"pass": "✔", "fail": "✖", "unknown": "?"}


def safe(text: str) -> str:
    """Replace what a terminal or an XML parser would act on or choke at."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, width: int = 110) -> str:
    """Make *text* one safe line of at most *width* characters."""
    line = safe(re.sub(r"[\r\n\t]+", " ", text)).strip()
    return line if len(line) <= width else line[: width - 1] + "…"


def check_name(check: str) -> str:
    """Shorten a check that lists more than two probes to their count."""
    name, _, inner = check.partition("(")
    count = len(inner.split(", "))
    return f"{name} ({count} probes)" if inner.endswith(")") and count > FEW else check


def check_probes(check: str) -> str:
    """Give the list that `check_name` left out, empty if it left nothing out."""
    return "" if check_name(check) == check else check.partition("(")[2].removesuffix(")")


def seconds(value: float | None) -> str:
    """Write seconds to the millisecond, a dash for None."""
    return "-" if value is None else f"{value:.3f} s"


def spaced(value_s: float) -> str:
    """Write a duration with a space before each unit, such as `30 s`."""
    return re.sub(r"(\d)([a-z])", r"\1 \2", show_duration(value_s))


def clean_line(story: Story) -> str:
    """Say whether staging is as it was found."""
    clean = story.clean
    if story.faultless and not (clean and clean.remaining):
        return "nothing was touched: this run only looked at staging"
    if clean is None:
        return "staging is NOT proven clean: the drill did not get that far"
    if clean.remaining:
        return f"staging is NOT clean: {'; '.join(left.what for left in clean.remaining)}"
    return f"staging is clean, proven {time.strftime('%H:%M:%SZ', time.gmtime(clean.wall_s))}"


def heal_commands(story: Story) -> list[str]:
    """Give the exact commands that heal what is left, one each, none if nothing is."""
    if story.clean is None:
        return [] if story.faultless else ["drill heal"]
    return list(dict.fromkeys(left.command for left in story.clean.remaining))


def outcome_line(story: Story) -> str:
    """Say what came of it: the recovery, or what works now if there was nothing to recover from."""
    return works_line(story) if story.faultless else recovery_line(story)


def works_line(story: Story) -> str:
    """Say of a run without faults what works and what does not."""
    judged: dict[str, list[str]] = {"fail": [], "unknown": [], "pass": []}
    for finding in story.findings:
        inner = finding.check.partition("(")[2].removesuffix(")")
        judged[finding.verdict].append(inner or finding.check)
    if not story.findings:
        return "whether everything works now is not known: nothing was judged"
    told = {"fail": "not good now", "unknown": "not known whether good now"}
    lines = [f"{text}: {', '.join(judged[word])}" for word, text in told.items() if judged[word]]
    if lines and judged["pass"]:
        lines.append(f"all else works ({len(judged['pass'])})")
    return "; ".join(lines) or "everything works now"


def recovery_line(story: Story) -> str:
    """Say how long recovery took, between which bounds, against which limit, and whose it was."""
    seen = story.recovery
    limit = story.plan.recover_limit_s if story.plan else None
    against = "" if limit is None else f", limit {spaced(limit)}"
    slowest = f", slowest: {seen.probe}" if seen.probe else ""
    if seen.status == "recovered" and seen.value_s is not None:
        if seen.value_s < 0:
            return f"good again {-seen.value_s:.3f} s before the heal already{against}{slowest}"
        bounds = f"(-{seen.minus_s:.3f}/+{seen.plus_s:.3f})"
        return f"recovered {seen.value_s:.3f} s {bounds}{against}{slowest}"
    if seen.status == "censored":
        over = "" if seen.over_s is None else f" after {seen.over_s:.1f} s"
        return f"NOT recovered{over}, when looking ended{against}{slowest}"
    if seen.status == "never_bad":
        return "nothing to recover from: no probe was ever bad"
    return f"recovery unknown: nothing was judged after a proven heal{against}"


def severity_line(story: Story) -> str:
    """Give the severity declared beside the one that was seen; empty without a fault."""
    if story.faultless:
        return ""
    seen = story.severity.seen if story.severity else None
    return f"severity {story.header.severity} declared, {seen or 'undecided'} seen"


def repeat_line(story: Story) -> str:
    """Give the line that repeats the drill."""
    header = story.header
    dirty = " + uncommitted changes" if header.dirty else ""
    command = header.command or f"drill run {shlex.quote(header.scenario)}"
    seed = "" if story.faultless else f"seed {header.seed}, "
    return f"{command}  ({seed}commit {header.commit or 'unknown'}{dirty})"


def clock_line(sla: SlaJudged) -> str:
    """Give what one clock measured: seconds, more than so many seconds, or nothing."""
    if sla.status == "missing":
        return "not measured"
    value = sla.measured_s if sla.measured_s is not None else sla.earliest_s
    if value is None:
        return "not measured"
    if sla.status == "censored":
        return f"> {value:.3f} s"
    earliest = value if sla.earliest_s is None else sla.earliest_s
    latest = value if sla.latest_s is None else sla.latest_s
    return f"{value:.3f} s (-{value - earliest:.3f}/+{latest - value:.3f})"


def limit_text(sla: SlaJudged) -> str:
    """Give a clock's limit as people write it; a compressed one as the playbook's and as ours."""
    if sla.limit_s is None:
        return "no limit"
    if sla.playbook_limit_s in (None, sla.limit_s):
        return spaced(sla.limit_s)
    return f"{spaced(sla.playbook_limit_s or 0.0)} of the playbook, here {spaced(sla.limit_s)}"


def why_unfinished(story: Story) -> str:
    """Say why a drill stopped early, empty if it did not."""
    if story.aborted:
        return f"aborted: {story.aborted}"
    torn = ", its last line torn" if story.torn else ""
    what = "look" if story.faultless else "drill"
    return "" if story.finished else f"the {what} did not end by itself (the journal stops{torn})"


def alert_words(seen: AlertSeen) -> str:
    """Say what an alert did, such as `PaystackUnreachable firing`."""
    early = " (before any fault)" if seen.before_fault else ""
    labels = ", ".join(f"{name}={value}" for name, value in sorted(seen.labels.items()))
    return f"{seen.alert} {seen.state}{early}{f' ({labels})' if labels else ''}"


def act_words(act: Acted) -> str:
    """Say what was done and what shows it, such as `acknowledge done: silence made`."""
    state = act.state.replace("_", " ")
    return f"{act.do} {state}{f': {act.proof}' if act.proof else ''}"


def message_words(sent: MessageSent) -> str:
    """Say what was told to whom, or that no server took it."""
    kind = f"{sent.kind} to {sent.audience} by {sent.channel}"
    if sent.sent is None:
        return f"{kind} NOT sent: {sent.evidence or 'no server took it'}"
    return f"{kind}, taken by the server: {sent.evidence or 'its words are missing'}"


def chain_line(alert: Alert) -> str:
    """Say how slow an alert's chain can be, and of which links; empty if nobody asked."""
    chain = alert.chain
    if chain is None:
        known = alert.planned_chain_s
        return "" if known is None else f"at most {spaced(known)} by the plan"
    links = (
        ("scrape", chain.scrape_s), ("evaluation", chain.evaluation_s), ("for", chain.for_s),
        ("group wait", chain.group_wait_s),
    )  # fmt: skip
    told = [f"{name} {'unknown' if s is None else spaced(s)}" for name, s in links]
    series = "series unknown" if chain.series is None else f"{chain.series} series"
    return f"{' + '.join(told)}; {series}"
