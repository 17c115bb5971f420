"""What is known at one moment of an incident, read from the journal: all that messages may say."""

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from drill.events import Header, MomentSet, Phase
from drill.incident import ORDER, Acted, AlertSeen, Escalated, IncidentPlanned
from drill.journal import Journal
from drill.verdict import Health

BAD = (Health.DEGRADED, Health.DOWN)


class ClockFact(msgspec.Struct, frozen=True):
    """A clock of the playbook so far: *took_s* None while it runs; *limit_s* is real seconds."""

    name: str
    took_s: float | None
    limit_s: float
    playbook_limit_s: float
    missed: bool


class Facts(msgspec.Struct, frozen=True):
    """
    Frozen facts; equal facts give equal words.

    *known*, *actions* and *needs* are for the team and may name internals. *moments* are those
    reached so far, in order; *now* is in the journal's seconds.
    """

    drill: str
    title: str
    severity: int
    phase: str
    now: float
    time_scale: float
    moments: tuple[MomentSet, ...] = ()
    known: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    clocks: tuple[ClockFact, ...] = ()

    def moment(self, name: str) -> MomentSet | None:
        """The moment of this name, None if it was not reached."""
        return next((each for each in self.moments if each.name == name), None)


FactsNow = Callable[[], Facts]


def facts_of(journal: Journal, planned: IncidentPlanned, now: float) -> Facts:
    """Read the facts from a journal that is still being written; *now* in its seconds."""
    header, phase = journal.first(Header), journal.last(Phase)
    moments = {each.name: each for each in journal.every(MomentSet)}
    reached = tuple(moments[name] for name in ORDER if name in moments)
    return Facts(
        drill=header.id if header else "",
        title=header.title if header else "",
        severity=header.severity if header else 0,
        phase=phase.name if phase else "preflight",
        now=now,
        time_scale=planned.time_scale,
        moments=reached,
        known=(*_firing(journal), *_bad_now(journal)),
        actions=tuple(_done(journal)),
        needs=tuple(_needs(planned, moments.keys())),
        clocks=tuple(_clocks(planned, moments, now)),
    )


def _firing(journal: Journal) -> Iterator[str]:
    state = {}
    for seen in journal.every(AlertSeen):
        if not seen.before_fault:
            state[seen.alert] = seen.state
    firing = [alert for alert, last in state.items() if last not in {"pending", "resolved"}]
    if firing:
        yield f"firing: {', '.join(sorted(firing))}"


def _bad_now(journal: Journal) -> Iterator[str]:
    looked = {name: columns.health[-1] for name, columns in journal.observations.items() if columns}
    for health in reversed(BAD):
        names = sorted(name for name, last in looked.items() if last == health)
        if names:
            yield f"{health.word}: {', '.join(names)}"
    if looked and not any(last in BAD for last in looked.values()):
        yield f"all {len(looked)} probes are good"


def _done(journal: Journal) -> Iterator[str]:
    for act in journal.every(Acted):
        if act.state in {"done", "failed", "refused"}:
            yield f"{act.do} {act.state}, by {act.actor} ({act.role})"
    for paged in journal.every(Escalated):
        yield f"{paged.role} paged, as nobody had acknowledged"


def _needs(planned: IncidentPlanned, reached: Collection[str]) -> Iterator[str]:
    if "acknowledged" not in reached:
        yield "somebody to acknowledge it"
    elif "resolved" not in reached:
        yield "nothing from others now; the resolution is being worked on"
    for role, holders in planned.roles.items():
        if not holders:
            yield f"somebody who holds the role {role}"


def _clocks(
    planned: IncidentPlanned, moments: Mapping[str, MomentSet], now: float
) -> Iterator[ClockFact]:
    detected = moments.get("detected")
    limits = (
        ("acknowledge", "acknowledged", planned.acknowledge_s),
        ("resolve", "resolved", planned.resolve_s),
    )
    for name, end, playbook_s in limits:
        if detected is None or playbook_s is None:
            continue
        reached = moments.get(end)
        took = None if reached is None else max(0.0, reached.t - detected.t)
        limit = playbook_s / planned.time_scale
        missed = (now - detected.t if took is None else took) > limit
        yield ClockFact(name, took, limit, playbook_s, missed)
