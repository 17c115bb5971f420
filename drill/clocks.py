"""
The playbook's clocks, read from the moments of an incident. Pure.

A clock whose ends are missing is `missing`, never zero; one that was still running when looking
ended is `censored`, and `missed` once its limit has passed.
"""

from collections.abc import Iterator, Mapping

from drill.events import MomentSet, SlaJudged
from drill.incident import IncidentPlanned
from drill.journal import Journal


def clock(
    name: str,
    limit_s: float | None,
    start: MomentSet | None,
    end: MomentSet | None,
    *,
    until: float,
) -> SlaJudged:
    """
    Measure from one moment to another.

    Args:
        name: What the clock is called.
        limit_s: In real seconds, None if it only measures.
        start: Where it starts; None gives `missing`.
        end: Where it stops; None while it has not.
        until: When looking ended, in the journal's seconds.

    Returns:
        With bounds from the bounds of both moments; `t` is *until*.
    """
    if start is None:
        return SlaJudged(t=until, name=name, limit_s=limit_s, status="missing")
    if end is None:
        waited = max(0.0, until - start.t)
        late = limit_s is not None and waited > limit_s
        return SlaJudged(
            t=until,
            name=name,
            limit_s=limit_s,
            status="missed" if late else "censored",
            measured_s=None,
            earliest_s=waited,
        )
    measured = max(0.0, end.t - start.t)
    return SlaJudged(
        t=until,
        name=name,
        limit_s=limit_s,
        status="met" if limit_s is None or measured <= limit_s else "missed",
        measured_s=measured,
        earliest_s=max(0.0, end.earliest - start.latest),
        latest_s=max(0.0, end.latest - start.earliest),
    )


def playbook_clocks(
    journal: Journal, moments: Mapping[str, MomentSet], until: float
) -> Iterator[SlaJudged]:
    """
    Give the clocks that run from the fault to detection and from there to the people's acts.

    Args:
        journal: With its `IncidentPlanned`; nothing is given without one that rehearses people.
        moments: All moments by name, those of machines and those of people.
        until: When looking ended.
    """
    planned = journal.last(IncidentPlanned)
    if planned is None or not (planned.detections or planned.acts):
        return
    detected = moments.get("detected")
    within = [one.within_s for one in planned.detections]
    if within:
        start = moments.get("effective")
        yield clock("detect", min(within), start, detected, until=until)
    limits = {"acknowledge": planned.acknowledge_s, "resolve": planned.resolve_s}
    ends = {"acknowledge": "acknowledged", "contain": "contained", "resolve": "resolved"}
    wanted = {act.moment for act in planned.acts}
    for name, end in ends.items():
        limit = limits.get(name)
        if limit is None and end not in wanted:
            continue
        real = None if limit is None else limit / planned.time_scale
        judged = clock(name, real, detected, moments.get(end), until=until)
        yield _with_playbook_limit(judged, limit)


def _with_playbook_limit(judged: SlaJudged, limit: float | None) -> SlaJudged:
    return SlaJudged(
        t=judged.t,
        name=judged.name,
        limit_s=judged.limit_s,
        status=judged.status,
        measured_s=judged.measured_s,
        earliest_s=judged.earliest_s,
        latest_s=judged.latest_s,
        playbook_limit_s=limit,
    )
