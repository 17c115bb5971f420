"""
Folds the people's side of an outage: acts, alerts' chains, messages, roles, releases. Pure.

What the journal does not know is None; a drill without an incident has no `IncidentStory`.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from drill import events as e
from drill import incident as i
from drill.journal import Journal

STEPS: tuple[i.AlertState, ...] = ("pending", "firing", "notified", "delivered", "resolved")
MENDING = ("undone", "undo_failed")
UNPLANNED = "missing"
"""Stands for the playbook of an incident whose plan was not recorded."""


class Act(msgspec.Struct, frozen=True):
    """
    One act from plan to undoing; times in seconds from the drill's start.

    *due_s* is when the plan wanted it, None while its trigger never came; *delay_s* how much later
    it was begun.
    """

    id: str
    do: str
    moment: str
    when: str
    after_s: float | None
    by: str
    role: str
    state: str
    actor: str
    via: str
    due_s: float | None
    begun_s: float | None
    done_s: float | None
    undone_s: float | None
    proof: str

    @property
    def delay_s(self) -> float | None:
        """How much later than planned it was begun, None where either is missing."""
        if self.due_s is None or self.begun_s is None:
            return None
        return self.begun_s - self.due_s


class Alert(msgspec.Struct, frozen=True):
    """One alert's life: the first time of each step, and what its monitoring says of its chain."""

    alert: str
    source: str
    promised: bool
    within_s: float | None
    planned_chain_s: float | None
    steps: dict[str, float]
    resolution_s: float | None
    before_fault: bool
    ignored: bool
    evidence: str
    chain: i.ChainSeen | None

    @property
    def chain_sum_s(self) -> float | None:
        """The slowest its chain can be, None where one link of it is unknown."""
        if self.chain is None:
            return self.planned_chain_s
        links = (self.chain.scrape_s, self.chain.evaluation_s, self.chain.for_s)
        known = [link for link in links if link is not None]
        return sum(known) if len(known) == len(links) else self.planned_chain_s

    @property
    def why_mute(self) -> str:
        """Why it can never fire, empty if nothing says so."""
        if self.chain is None:
            return ""
        if not self.chain.present:
            return "it does not exist"
        if self.chain.series == 0:
            return "its expression has no series"
        bad = self.chain.health not in ("", "ok")
        return f"its rule is {self.chain.health}" if bad else ""


class Role(msgspec.Struct, frozen=True):
    """A role: who holds it, and who acted in it."""

    role: str
    held_by: list[str]
    acted: list[str]


class IncidentStory(msgspec.Struct, frozen=True):
    """The incident as it is told; lists are empty where nothing was recorded."""

    planned: i.IncidentPlanned
    acts: list[Act]
    alerts: list[Alert]
    roles: list[Role]
    messages: list[i.MessageSent]
    escalations: list[i.Escalated]
    releases: list[i.ReleaseSeen]
    monitoring: list[i.MonitoringSeen]
    guardrails: list[i.GuardrailSeen]


def fold_incident(journal: Journal) -> IncidentStory | None:
    """Read the incident; None for a drill that promised none and recorded none."""
    planned = journal.last(i.IncidentPlanned)
    kinds = (i.AlertSeen, i.Acted, i.Escalated, i.MessageSent)
    if planned is None:
        if not any(isinstance(event, kinds) for event in journal.events):
            return None
        planned = i.IncidentPlanned(0.0, UNPLANNED, journal_scale(journal), None, None, {}, {})
    return IncidentStory(
        planned=planned,
        acts=_acts(journal, planned),
        alerts=list(_alerts(journal, planned)),
        roles=_roles(journal, planned),
        messages=sorted(journal.every(i.MessageSent), key=_message_time),
        escalations=list(journal.every(i.Escalated)),
        releases=list(journal.every(i.ReleaseSeen)),
        monitoring=list(journal.every(i.MonitoringSeen)),
        guardrails=list(journal.every(i.GuardrailSeen)),
    )


def journal_scale(journal: Journal) -> float:
    """How many seconds of the playbook pass in one real second."""
    first = journal.first(e.Header)
    return first.time_scale if first else 1.0


def _message_time(sent: i.MessageSent) -> float:
    return sent.t if sent.sent is None else sent.sent


def _acts(journal: Journal, planned: i.IncidentPlanned) -> list[Act]:
    """Follow each act; one that the plan does not know, as a person's, gets a row too."""
    seen: dict[str, list[i.Acted]] = {}
    for act in journal.every(i.Acted):
        seen.setdefault(act.id, []).append(act)
    plans = {act.id: act for act in planned.acts}
    times = _trigger_times(journal)
    scale = planned.time_scale or 1.0
    rows = []
    for name in dict.fromkeys([*plans, *seen]):
        plan = plans.get(name)
        trigger = times.get(plan.when) if plan else None
        due = trigger + plan.after_s / scale if plan and trigger is not None else None
        rows.append(_act(name, plan, seen.get(name, []), due))
    return rows


def _trigger_times(journal: Journal) -> dict[str, float]:
    """When each moment came, and what is a trigger without being a moment of people."""
    times = {moment.name: moment.t for moment in journal.every(e.MomentSet)}
    for change in journal.every(e.FaultChange):
        if change.state == "effective":
            times.setdefault("effective", change.t)
    for page in journal.every(i.Escalated):
        times.setdefault("escalated", page.t)
    return times


def _act(name: str, plan: i.PlannedAct | None, seen: Sequence[i.Acted], due: float | None) -> Act:
    last = seen[-1] if seen else None
    # The undoing is the drill's; who did the act is whoever began it.
    did = next((act for act in seen if act.state not in MENDING), last)
    proofs = dict.fromkeys(_proof(act, last) for act in seen if act.proof)
    return Act(
        id=name,
        do=plan.do if plan else (did.do if did else "missing"),
        moment=plan.moment if plan else (did.moment if did else ""),
        when=plan.when if plan else "",
        after_s=plan.after_s if plan else None,
        by=plan.by if plan else "people",
        role=did.role if did else (plan.role if plan else ""),
        state=last.state if last else "never begun",
        actor=did.actor if did else "",
        via=did.via if did else "",
        due_s=due,
        begun_s=_first(seen, "begun", "done", "failed", "refused"),
        done_s=_first(seen, "done"),
        undone_s=_first(seen, "undone"),
        proof="; ".join(proofs),
    )


def _proof(act: i.Acted, last: i.Acted | None) -> str:
    """The proof, with its state where that is not the one the act ended in."""
    known = last is not None and act.state == last.state
    return act.proof if known else f"{act.state.replace('_', ' ')}: {act.proof}"


def _first(seen: Iterable[i.Acted], *states: str) -> float | None:
    return next((act.t for act in seen if act.state in states), None)


def _alerts(journal: Journal, planned: i.IncidentPlanned) -> Iterator[Alert]:
    """Every alert that was promised, seen or looked up; the promised ones first."""
    promised = {(one.alert, str(one.source)): one for one in planned.detections}
    seen: dict[tuple[str, str], list[i.AlertSeen]] = {}
    for alert in journal.every(i.AlertSeen):
        seen.setdefault((alert.alert, str(alert.source)), []).append(alert)
    chains = {(one.alert, str(one.source)): one for one in journal.every(i.ChainSeen)}
    for key in dict.fromkeys([*promised, *seen, *chains]):
        steps = seen.get(key, [])
        plan = promised.get(key)
        yield Alert(
            alert=key[0],
            source=key[1],
            promised=plan is not None,
            within_s=plan.within_s if plan else None,
            planned_chain_s=plan.chain_s if plan else None,
            steps=_steps(steps),
            resolution_s=max((step.resolution_s for step in steps), default=None),
            before_fault=any(step.before_fault for step in steps),
            ignored=key[0] in planned.ignore_alerts,
            evidence=next((step.evidence for step in steps if step.evidence), ""),
            chain=chains.get(key),
        )


def _steps(seen: Sequence[i.AlertSeen]) -> dict[str, float]:
    """The first time of each step that was seen, in the order of an alert's life."""
    firsts = {step: [one.t for one in seen if one.state == step] for step in STEPS}
    return {step: min(times) for step, times in firsts.items() if times}


def _roles(journal: Journal, planned: i.IncidentPlanned) -> list[Role]:
    acted: dict[str, dict[str, None]] = {}
    for event in journal.events:
        if isinstance(event, i.Acted | i.MessageSent | e.MomentSet) and event.role:
            acted.setdefault(event.role, {})[event.actor] = None
    return [
        Role(name, planned.roles.get(name, []), [one for one in acted.get(name, {}) if one])
        for name in dict.fromkeys([*planned.roles, *acted])
    ]


def first_detection(story: IncidentStory) -> Alert | None:
    """The promised alert that fired first; None if none of them did."""
    fired = [a for a in story.alerts if a.promised and "firing" in a.steps and not a.before_fault]
    return min(fired, key=lambda alert: alert.steps["firing"], default=None)
