"""
From a journal and its checks to findings, moments, clocks and severity.

Pure: it returns events, which the caller writes to the journal.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from drill.clocks import playbook_clocks
from drill.errors import EXIT_FAIL, EXIT_PASS, EXIT_UNKNOWN
from drill.events import (
    FaultChange,
    Found,
    MomentSet,
    Note,
    Planned,
    Recovered,
    Recovery,
    SeverityJudged,
    SlaJudged,
)
from drill.incident import IncidentPlanned
from drill.journal import Journal
from drill.moments import impact
from drill.records import AnyEvent
from drill.severity import severity_seen
from drill.verdict import Cause, Verdict, merge
from validators.checks.after import STABLE_FOR_S, healed_at, recovery_of
from validators.checks.base import (
    CheckSpec,
    Finding,
    fault_times,
    fault_window,
    fingerprint,
)
from validators.checks.engine_loss import blamed
from validators.checks.told import comms_clocks
from validators.ledger.told import payments_judged

EXIT_CODES = {Verdict.PASS: EXIT_PASS, Verdict.FAIL: EXIT_FAIL, Verdict.UNKNOWN: EXIT_UNKNOWN}
Word = Literal["pass", "unknown", "fail"]
WORDS: dict[Verdict, Word] = {
    Verdict.PASS: "pass",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAIL: "fail",
}


class Judgement(msgspec.Struct, frozen=True):
    """All that the judge has to say; *events* go to the journal in this order."""

    events: Sequence[AnyEvent]
    verdict: Verdict

    @property
    def word(self) -> Word:
        """The verdict as the journal writes it."""
        return WORDS[self.verdict]

    @property
    def exit_code(self) -> int:
        """What the command ends with, if staging is clean."""
        return EXIT_CODES[self.verdict]


def judge(journal: Journal, checks: Sequence[CheckSpec], t: float) -> Judgement:
    """Judge every check; a check that raises is UNKNOWN with its reason."""
    findings = [(check, _judge_one(check, journal)) for check in checks]
    stable_for = max((getattr(check, "stable_for", 0.0) for check in checks), default=0.0)
    recoveries = _recoveries(journal, stable_for or STABLE_FOR_S)
    moments = list(_moments(journal, recoveries))
    named = {moment.name: moment for moment in (*journal.every(MomentSet), *moments)}
    told: list[AnyEvent] = [
        Recovered(t=t, probes=recoveries),
        *moments,
        *playbook_clocks(journal, named, t),
        *comms_clocks(journal, t),
        *_slas(journal, moments, recoveries, t),
        _severity(journal, findings, t),
    ]
    planned = journal.first(Planned)
    if planned is not None and not planned.faults:
        told = []  # Without faults there is nothing to recover from, and no severity.
    payments = _payments(journal, t)
    events = [*told, *payments, *(_found(check.label, finding, t) for check, finding in findings)]
    return Judgement(events=events, verdict=merge(finding.verdict for _, finding in findings))


def _payments(journal: Journal, t: float) -> list[AnyEvent]:
    """What came of the purchases, if any were planned; why not, if that cannot be told."""
    try:
        judged = payments_judged(journal, t)
    except Exception as error:  # noqa: BLE001 - the findings say it as well; the rest is still told
        return [Note(t=t, text=f"the payments were not judged: {error!r}", level="warning")]
    return [judged] if judged else []


def _judge_one(check: CheckSpec, journal: Journal) -> Finding:
    try:
        return blamed(check, check.judge(journal), journal)
    except Exception as error:  # noqa: BLE001 - a broken check must never look like a kept promise
        reason = f"the check itself failed: {type(error).__name__}: {error}"
        return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)


def _found(label: str, finding: Finding, t: float) -> Found:
    return Found(
        t=t,
        check=label,
        verdict=WORDS[finding.verdict],
        reason=finding.reason,
        fingerprint=fingerprint(label, finding.verdict, finding.cause),
        cause=finding.cause or "",
        evidence=list(finding.evidence),
    )


def _recoveries(journal: Journal, stable_for: float) -> list[Recovery]:
    planned = journal.first(Planned)
    names = [probe.name for probe in planned.probes] if planned else []
    return [recovery_of(journal, name, stable_for) for name in names]


def _moments(journal: Journal, recoveries: Sequence[Recovery]) -> Iterator[MomentSet]:
    effective = [
        change for states in fault_times(journal).values() if (change := states.get("effective"))
    ]
    if effective:
        first = min(effective, key=_shown_at)
        yield _moment("effective", _shown_at(first), first.earliest, first.latest, first.proof)
    hit = impact(journal)
    if hit:
        value, earliest, latest, probe = hit
        yield _moment("impact", value, earliest, latest, probe)
    healed = healed_at(journal)
    if healed is not None:
        changes = [
            c for c in journal.every(FaultChange) if c.state in {"healed", "gone_with_target"}
        ]
        last = max(changes, key=_shown_at)
        yield _moment("healed", healed, last.earliest, last.latest, last.proof)
    back = [one for one in recoveries if one.status == "recovered" and one.value is not None]
    stuck = any(one.status in {"censored", "missing"} for one in recoveries)
    if back and not stuck:
        slowest = max(back, key=lambda one: one.value or 0.0)
        yield _moment(
            "recovered", slowest.value or 0.0, slowest.earliest, slowest.latest, slowest.probe
        )


def _shown_at(change: FaultChange) -> float:
    return change.latest if change.latest is not None else change.t


def _moment(
    name: str, value: float, earliest: float | None, latest: float | None, source: str
) -> MomentSet:
    return MomentSet(
        t=value,
        name=name,
        earliest=value if earliest is None else earliest,
        latest=value if latest is None else latest,
        source=source,
    )


def _slas(
    journal: Journal, moments: Sequence[MomentSet], recoveries: Sequence[Recovery], t: float
) -> Iterator[SlaJudged]:
    named = {moment.name: moment for moment in moments}
    planned = journal.first(Planned)
    limit = planned.recover_limit_s if planned else None
    if "healed" not in named:
        return
    if any(one.status == "missing" for one in recoveries):
        yield SlaJudged(t=t, name="recover", limit_s=limit, status="missing")
        return
    if any(one.status == "censored" for one in recoveries):
        waited = max(0.0, t - named["healed"].t)
        yield SlaJudged(t=t, name="recover", limit_s=limit, status="censored", measured_s=waited)
        return
    if "recovered" in named:
        yield _clock("recover", limit, named["healed"], named["recovered"], t)
        if "impact" in named:
            yield _clock("outage", None, named["impact"], named["recovered"], t)


def _clock(name: str, limit: float | None, start: MomentSet, end: MomentSet, t: float) -> SlaJudged:
    # The recovery clock starts at the proof of removal; the interval is the end's own, measured
    # from there.
    measured = max(0.0, end.t - start.t)
    met = limit is None or measured <= limit
    return SlaJudged(
        t=t,
        name=name,
        limit_s=limit,
        status="met" if met else "missed",
        measured_s=measured,
        earliest_s=max(0.0, end.earliest - start.t),
        latest_s=max(0.0, end.latest - start.t),
    )


def _severity(
    journal: Journal, findings: Sequence[tuple[CheckSpec, Finding]], t: float
) -> SeverityJudged:
    """The playbook's own rules over what was recorded; what they cannot decide is undecided."""
    declared = journal.header.severity
    planned, window = journal.last(IncidentPlanned), fault_window(journal)
    if planned is None or window is None:
        return SeverityJudged(t=t, declared=declared, seen=None, reason="nothing was broken")
    failed = {check.check for check, finding in findings if finding.verdict is Verdict.FAIL}
    seen, reason = severity_seen(journal, planned.rules, since=window.start, failed=failed)
    return SeverityJudged(t=t, declared=declared, seen=seen, reason=reason)
