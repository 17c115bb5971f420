"""From the journal to what the page shows. Pure, so that a reload shows the same."""

from drill import events as e
from drill import incident as i
from drill.journal import Columns, Journal
from drill.verdict import Health
from experiments.gameday.buttons import read_buttons
from experiments.gameday.clocks import Facts, broken_since, gather, read_clocks
from experiments.gameday.outages import Bad, Outages
from experiments.gameday.snapshot import (
    ActNow,
    AlertNow,
    Board,
    EscalationNow,
    FaultNow,
    Finding,
    MessageNow,
    Over,
    ProbeNow,
    Reached,
    RoleNow,
)

MOMENTS = (
    "effective", "impact", "detected", "acknowledged", "contained", "resolved", "healed",
    "recovered",
)  # fmt: skip
SHOWN = 40
"""So many of the newest messages and acts."""
TEXT_LIMIT = 400
OVERTAKING = 50
"""So many looks of one probe may be in flight."""
IN_FORCE = frozenset(
    {
        "holding",
        "held",
        "seen",
        "intent",
        "injected",
        "effective",
        "not_effective",
        "rearmed",
        "healing",
        "heal_failed",
    }
)


def fold_board(journal: Journal, now: float, outages: Outages | None = None) -> Board:
    """
    Read the whole state from the journal.

    Args:
        journal: A journal that has its header; it may still be growing.
        now: Seconds from the drill's start.
        outages: Kept from fold to fold it saves reading old observations again.

    Raises:
        BadInput: The journal has no header.
    """
    head, plan, phase = journal.header, journal.last(e.Planned), journal.last(e.Phase)
    facts, aborted = gather(journal, now), journal.last(e.Aborted)
    kept = outages or Outages()
    bad = kept.read(journal, plan, now)
    return Board(
        run=head.id,
        title=head.title,
        scenario=head.scenario,
        environment=head.environment,
        severity=head.severity,
        wall_s=head.wall_s - head.t,
        time_scale=facts.planned.time_scale if facts.planned else head.time_scale,
        now=now,
        phase=phase.name if phase else "starting",
        phase_since=phase.t if phase else 0.0,
        aborted=_short(aborted.reason) if aborted else "",
        moments=[_reached(facts, kept, name) for name in MOMENTS],
        clocks=read_clocks(facts),
        buttons=read_buttons(facts),
        roles=_roles(facts),
        probes=_probes(journal, plan, bad),
        faults=_faults(journal, plan),
        messages=[_message(facts, one) for one in facts.messages[-SHOWN:]],
        acts=[_act(one) for one in list(journal.every(i.Acted))[-SHOWN:]],
        alerts=_alerts(journal),
        escalations=_escalations(facts),
        over=_over(journal),
    )


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def _reached(facts: Facts, kept: Outages, name: str) -> Reached:
    found = facts.moments.get(name)
    if found:
        return Reached(name, found.t, found.actor, found.role, _short(found.source))
    if name == "impact" and (hit := kept.impact(facts.journal, facts.now)):
        return Reached(name, hit[0], source=hit[1], so_far=True)
    t = {"effective": broken_since(facts.journal, "effective"), "healed": facts.healed}.get(name)
    return Reached(name, t, so_far=t is not None)


def _roles(facts: Facts) -> list[RoleNow]:
    last = {one.role: one.actor for one in facts.journal.every(i.Acted)}
    last |= {moment.role: moment.actor for moment in facts.moments.values() if moment.role}
    held = facts.planned.roles if facts.planned else {}
    return [RoleNow(name, list(holders), last.get(name, "")) for name, holders in held.items()]


def _probes(journal: Journal, plan: e.Planned | None, bad: dict[str, Bad]) -> list[ProbeNow]:
    sacred = {probe.name: probe.sacred for probe in plan.probes} if plan else {}
    names = sorted({*sacred, *journal.observations}, key=lambda n: (not sacred.get(n), n))
    found = []
    for name in names:
        columns, hurt = journal.observations.get(name), bad.get(name, Bad())
        health, detail = "", ""
        if columns is not None and len(columns):
            last = _newest(columns)
            health, detail = Health(columns.health[last]).word, columns.details.get(last, "")
        found.append(
            ProbeNow(
                name, sacred.get(name, False), health, _short(detail), hurt.total_s, hurt.since_s
            )
        )
    return found


def _newest(columns: Columns) -> int:
    """Give the place of the look that was sent last; answers overtake each other."""
    count = len(columns)
    return max(range(max(0, count - OVERTAKING), count), key=columns.sent.__getitem__)


def _faults(journal: Journal, plan: e.Planned | None) -> list[FaultNow]:
    last = {change.id: change for change in journal.every(e.FaultChange)}
    found = []
    for fault in plan.faults if plan else []:
        change = last.get(fault.id)
        state = change.state if change else "planned"
        since = change.t if change else None
        found.append(FaultNow(fault.id, fault.fault, fault.target, state, state in IN_FORCE, since))
    return found


def _message(facts: Facts, one: i.MessageSent) -> MessageNow:
    grace = next(
        (
            facts.real_s(promise.grace_s)
            for promise in (facts.planned.messages if facts.planned else [])
            if (promise.channel, promise.audience) == (one.channel, one.audience)
        ),
        None,
    )
    timed = one.kind in {"first", "update", "final"} and grace is not None
    late = timed and one.sent is not None and one.sent > one.due + (grace or 0.0)
    return MessageNow(
        t=one.due if one.sent is None else one.sent,
        channel=one.channel,
        audience=one.audience,
        kind=one.kind,
        actor=one.actor,
        role=one.role,
        accepted=one.sent is not None,
        late=late,
        text=_short(one.text),
        evidence=_short(one.evidence),
    )


def _act(one: i.Acted) -> ActNow:
    return ActNow(one.t, one.do, one.state, one.actor, one.role, one.via, _short(one.proof))


def _alerts(journal: Journal) -> list[AlertNow]:
    last: dict[tuple[str, str], AlertNow] = {}
    for seen in journal.every(i.AlertSeen):
        if not seen.before_fault:
            last[seen.alert, seen.source] = AlertNow(seen.alert, seen.source, seen.state, seen.t)
    return list(last.values())[-SHOWN:]


def _escalations(facts: Facts) -> list[EscalationNow]:
    paged = {one.role: one.t for one in facts.journal.every(i.Escalated)}
    detected, acknowledged = facts.at("detected"), facts.at("acknowledged")
    found = []
    for one in facts.planned.escalations if facts.planned else []:
        due = None if detected is None else detected + facts.real_s(one.after_s)
        state = "waiting" if due is None else "running"
        if one.role in paged:
            state = "paged"
        elif acknowledged is not None or facts.over:
            state = "not needed"
        found.append(EscalationNow(one.role, state, due, paged.get(one.role)))
    return found


def _over(journal: Journal) -> Over | None:
    end, clean = journal.last(e.End), journal.last(e.Clean)
    if end is None:
        return None
    told = "staging is not proven clean"
    if clean:
        left = "; ".join(one.what for one in clean.remaining)
        told = f"staging is NOT clean: {left}" if left else "staging is clean"
    worst = ("fail", "unknown", "pass")
    found = sorted(journal.every(e.Found), key=lambda one: worst.index(one.verdict))
    findings = [Finding(one.check, one.verdict, _short(one.reason)) for one in found]
    return Over(end.verdict, end.exit_code, _short(told), findings)
