"""
The draft of a postmortem: what the journal knows, stated; what only people know, left to fill.

No sentence here guesses: what was not recorded is `missing`, and what nobody measured says so.
"""

from collections.abc import Iterator

import msgspec

from drill.events import Found
from drill.journal import Journal
from reports import words
from reports.answers import TO_FILL
from reports.budget import FORMULA, percent
from reports.fold import RESPONSE, FaultStory, ProbeStory, Story, fold
from reports.incident import STEPS, Alert, first_detection
from reports.markdown import MISSING, markdown_template
from reports.payments import payments_lines
from reports.timeline import timeline

MOST_ENTRIES = 400
CLOSE_SHARE = 0.9
"""A clock that used more of its limit than this was met by luck as much as by care."""
LEDGER_CHECK = "loses_nothing"
WATCHERS = ("alert", "detect", "guardrail", "monitoring", "dashboard")
"""Words in the names of checks that judge what should have caught it."""


class Lessons(msgspec.Struct, frozen=True):
    """What the facts say went well, went wrong, and was only lucky."""

    well: list[str]
    wrong: list[str]
    lucky: list[str]


def render_postmortem(journal: Journal) -> str:
    """Give the draft as Markdown, newline at the end; the journal may end anywhere."""
    story = fold(journal)
    entries = timeline(journal)
    return markdown_template("postmortem.md.j2").render(
        story=story,
        incident=story.incident,
        words=words,
        entries=entries[:MOST_ENTRIES],
        left_out=max(0, len(entries) - MOST_ENTRIES),
        summary=summary(story),
        purchases=purchases(story),
        journeys=journeys(story),
        detection=detection(story),
        cause=cause(story),
        gaps=gaps(story),
        lessons=lessons(story),
        steps=STEPS,
        to_fill=TO_FILL,
        formula=FORMULA,
        percent=percent,
        actions=[found for found in story.findings if found.verdict != "pass"],
    )


def summary(story: Story) -> list[str]:
    """Sum up in two to four sentences, each true by the journal."""
    sentences = [_what_broke(story), _what_it_hit(story)]
    if story.incident:
        sentences.append(_who_answered(story))
    return [*sentences, _how_it_ended(story)]


def _what_broke(story: Story) -> str:
    told = [_fault_sentence(fault) for fault in story.faults if fault.begin_s is not None]
    if not told:
        return "No fault was injected."
    return f"This was a drill on {story.header.environment}: {'; '.join(told)}."


def _fault_sentence(fault: FaultStory) -> str:
    name = f"{fault.plan.fault} on {fault.plan.target}"
    begin = fault.effective_s if fault.effective_s is not None else fault.begin_s
    shown = "" if fault.effective_s is not None else " but was not shown to be in force"
    if begin is None or fault.healed_s is None:
        return f"{name} was injected{shown}, and its healing is missing"
    return f"{name} was injected{shown} and healed after {fault.healed_s - begin:.1f} s"


def _what_it_hit(story: Story) -> str:
    looked = [probe for probe in story.probes if probe.observations]
    if not looked:
        return "What it did to customers is missing: no probe looked."
    hurt = [probe.plan.name for probe in looked if probe.outages]
    sacred = [p.plan.name for p in looked if p.plan.sacred and p.outages]
    if not hurt:
        return f"None of {len(looked)} probes was ever bad."
    sacred_words = f"sacred features hit: {', '.join(sacred)}" if sacred else "no sacred feature"
    return f"{len(hurt)} of {len(looked)} probes were bad ({', '.join(hurt)}; {sacred_words})."


def _who_answered(story: Story) -> str:
    told = []
    for name in story.incident_moments:
        if name in RESPONSE and story.is_asked(name):
            moment = story.moments.get(name)
            at = MISSING if moment is None else f"at {words.seconds(moment.t)}"
            who = f" by {moment.actor}" if moment and moment.actor else ""
            told.append(f"{name} {at}{who}")
    return f"It was {', '.join(told)}." if told else "Nobody was asked to answer it."


def _how_it_ended(story: Story) -> str:
    bad = [found for found in story.findings if found.verdict == "fail"]
    unknown = [found for found in story.findings if found.verdict == "unknown"]
    judged = f"{len(story.findings)} findings: {len(bad)} failed, {len(unknown)} unknown"
    told = judged if story.findings else "nothing was judged"
    unfinished = words.why_unfinished(story)
    ended = f"; {unfinished}" if unfinished else ""
    return f"Verdict {story.verdict} ({told}{ended}); {words.recovery_line(story)}."


def purchases(story: Story) -> str:
    """Say what happened to purchases: by the judge's record, and by the ledger's finding."""
    told = payments_lines(story.payments)
    told += [
        f"{found.verdict}: {found.reason}"
        for found in story.findings
        if found.check.partition("(")[0].strip() == LEDGER_CHECK
    ]
    return "; ".join(told) or "not measured"


def journeys(story: Story) -> str:
    """Name the customers' journeys that failed, with their counts."""
    walked = [p for p in story.probes if p.plan.kind == "journey" and p.observations]
    if not walked:
        return "not measured: no journey was walked"
    failed = [p for p in walked if p.outages]
    return "; ".join(map(_journey, failed)) or f"none of {len(walked)} journeys failed"


def _journey(probe: ProbeStory) -> str:
    counts = {health.word: count for health, count in probe.counts.items()}
    bad = f"{counts['down']} down and {counts['degraded']} degraded"
    return f"{probe.plan.name}: {bad} of {probe.observations} walks"


def detection(story: Story) -> list[str]:
    """Say what noticed, how long after what, and by which chain."""
    if story.incident is None:
        return ["Missing: this drill promised no detection, and no alert was recorded."]
    alert = first_detection(story.incident)
    told = [_noticed(story, alert)] if alert else ["No promised alert was seen firing."]
    moment = story.moments.get("detected")
    if moment:
        told.append(f"The moment detected was set at {words.seconds(moment.t)} by {moment.source}.")
    late = [
        one.alert for one in story.incident.alerts if one.promised and "firing" not in one.steps
    ]
    if late:
        told.append(f"Promised, but never seen firing: {', '.join(late)}.")
    others = [
        one.alert + (" (before any fault)" if one.before_fault else "")
        for one in story.incident.alerts
        if "firing" in one.steps and not (one.promised or one.ignored)
    ]
    if others:
        told.append(f"Also fired, without being promised: {', '.join(dict.fromkeys(others))}.")
    return told


def _noticed(story: Story, alert: Alert) -> str:
    firing = alert.steps["firing"]
    since = [
        f"{firing - story.moments[name].t:.3f} s after {what}"
        for name, what in (("effective", "the fault was in force"), ("impact", "the first impact"))
        if name in story.moments
    ]
    within = "" if alert.within_s is None else f"; promised within {words.spaced(alert.within_s)}"
    exact = "" if alert.resolution_s is None else f", known to {words.spaced(alert.resolution_s)}"
    steps = ", ".join(f"{step} {words.seconds(t)}" for step, t in alert.steps.items())
    chain = words.chain_line(alert) or MISSING
    return (
        f"{alert.alert} ({alert.source}) fired at {words.seconds(firing)}, "
        f"{' and '.join(since) or 'how long after the fault is missing'}{within}{exact}. "
        f"Its steps: {steps}. Its chain: {chain}."
    )


def cause(story: Story) -> list[str]:
    """State the injected faults as the cause, and the question that stays open."""
    faults = [fault for fault in story.faults if fault.begin_s is not None]
    if not faults:
        return ["No fault was injected, so the drill itself caused nothing."]
    named = ", ".join(f"{fault.plan.fault} on {fault.plan.target}" for fault in faults)
    targets = ", ".join(dict.fromkeys(fault.plan.target for fault in faults))
    question = f"what would do this to {targets} in production, and why would nothing stop it?"
    return [
        f"This was a drill: the cause is the injected fault ({named}).",
        f"The question a real incident would ask stays open: {question}",
    ]


def gaps(story: Story) -> list[str]:
    """Name the guardrails that would have caught it but could not, or were not there."""
    told: list[str] = []
    if story.incident:
        mute = [one for one in story.incident.alerts if one.why_mute]
        told += [f"the alert {one.alert} cannot fire: {one.why_mute}" for one in mute]
        for rail in story.incident.guardrails:
            if not rail.ok:
                state = "is not known to hold" if rail.ok is None else "does not hold"
                told.append(f"{rail.guardrail} {state}: {rail.detail or MISSING}")
        broken = [seen for seen in story.incident.monitoring if seen.ok is False]
        told += [f"{seen.what} ({seen.when}) was not as it should be: {seen.detail}"
                 for seen in broken]  # fmt: skip
    for found in story.findings:
        if found.verdict != "pass" and any(word in found.check for word in WATCHERS):
            told.append(f"{words.check_name(found.check)}: {found.reason}")
    return list(dict.fromkeys(told))


def lessons(story: Story) -> Lessons:
    """Sort clocks and findings into what went well, what went wrong and what was only lucky."""
    return Lessons(list(_well(story)), list(_wrong(story)), list(_lucky(story)))


def _well(story: Story) -> Iterator[str]:
    for sla in story.slas:
        if sla.status == "met" and sla.limit_s is not None:
            yield f"{sla.name} was met: {words.clock_line(sla)}, limit {words.limit_text(sla)}"
    yield from (_finding(found) for found in story.findings if found.verdict == "pass")


def _wrong(story: Story) -> Iterator[str]:
    for sla in story.slas:
        if sla.status != "met":
            measured = words.clock_line(sla)
            yield f"{sla.name} is {sla.status}: {measured}, limit {words.limit_text(sla)}"
    yield from (_finding(found) for found in story.findings if found.verdict == "fail")
    if story.incident:
        yield from (f"nobody holds {r.role}" for r in story.incident.roles if not r.held_by)
        unsent = [m for m in story.incident.messages if m.sent is None]
        yield from (words.message_words(message) for message in unsent)


def _lucky(story: Story) -> Iterator[str]:
    for sla in story.slas:
        if sla.status != "met" or sla.limit_s is None or sla.measured_s is None:
            continue
        if sla.measured_s > sla.limit_s * CLOSE_SHARE:
            yield f"{sla.name} was met with less than a tenth of its limit to spare"
    for found in story.findings:
        if found.verdict == "unknown":
            yield f"if it was fine, nobody could see it: {_finding(found)}"


def _finding(found: Found) -> str:
    return f"{words.check_name(found.check)}: {found.reason}"
