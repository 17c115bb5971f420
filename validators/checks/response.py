"""Promises about the people's answer: containment, rollback, clocks, roles, escalation."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from drill.duration import show_duration
from drill.events import MomentSet, Phase
from drill.incident import REPORT, Acted, Escalated, IncidentPlanned
from drill.journal import Journal
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import Finding, ImpliedCheck, Names, Window
from validators.checks.rollback import RollbackTookEffect

ESCALATION_GRACE_S = 1.0
"""Real seconds that paging somebody may take."""


class ContainmentHolds(ImpliedCheck):
    """From `contained` until its undo nobody can start a payment, and all are told politely."""

    about: ClassVar[str] = "once contained, nobody can start a payment until it is undone"
    check: Literal["containment_holds"] = "containment_holds"
    probes: Names = ("journeys",)

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether an act of the plan contains anything."""
        return any(act.moment == "contained" for act in planned.acts)

    @property
    def label(self) -> str:
        return f"{self.check}({', '.join(self.probes)})"

    def named_probes(self) -> tuple[str, ...]:
        return self.probes

    def with_probes(self, names: tuple[str, ...]) -> "ContainmentHolds":
        return self.model_copy(update={"probes": names})

    def judge(self, journal: Journal) -> Finding:
        moment = _moments(journal).get("contained")
        if moment is None:
            return Finding(Verdict.UNKNOWN, "the incident was never contained", Cause.HARNESS)
        window = Window(moment.latest, _undone_at(journal, moment.t))
        told = []
        for probe in self.probes:
            finding = self._judge_one(journal, probe, window)
            if finding.verdict is not Verdict.PASS:
                return finding
            told.append(finding.reason)
        if not told:
            return Finding(Verdict.UNKNOWN, "no probe looks at payments here", Cause.ENVIRONMENT)
        return Finding(Verdict.PASS, "; ".join(told))

    def _judge_one(self, journal: Journal, probe: str, window: Window) -> Finding:
        columns = journal.columns(probe)
        # Begun before the containment or ended after its undo: it may rightly have got through.
        inside = [
            index
            for index in range(len(columns))
            if columns.sent[index] >= window.start and columns.got[index] <= window.end
        ]
        seen = [index for index in inside if columns.health[index] != Health.LIMITED]
        if not seen:
            return Finding(
                Verdict.UNKNOWN, f"{probe} was not looked at while contained", Cause.HARNESS
            )
        wrong = {
            Health.OK: "got through, so a payment could be started,",
            Health.DOWN: "was down instead of refused politely",
        }
        for health, words in wrong.items():
            bad = [index for index in seen if columns.health[index] == health]
            if bad:
                after = columns.sent[bad[0]] - window.start
                detail = columns.details.get(bad[0], "")
                return Finding(
                    Verdict.FAIL,
                    f"{probe} {words} in {len(bad)} of {len(seen)} looks while contained, first "
                    f"{after:.1f} s after the containment: {detail}".rstrip(": "),
                    Cause.APPLICATION,
                )
        return Finding(Verdict.PASS, f"{probe} was refused politely in all {len(seen)} looks")


class _Clock(ImpliedCheck):
    """A clock of the playbook that starts with the detection."""

    moment: ClassVar[str]
    says: ClassVar[str]

    @classmethod
    @abstractmethod
    def limit_s(cls, planned: IncidentPlanned) -> float | None:
        """Its limit on the playbook's clock, None if there is none."""

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether people are rehearsed and the playbook sets a limit."""
        return bool(planned.acts) and cls.limit_s(planned) is not None

    def judge(self, journal: Journal) -> Finding:
        planned = journal.last(IncidentPlanned)
        limit = self.limit_s(planned) if planned else None
        if planned is None or limit is None:
            return Finding(
                Verdict.UNKNOWN, "the playbook sets no limit for this severity", Cause.HARNESS
            )
        moments = _moments(journal)
        start, end = moments.get("detected"), moments.get(self.moment)
        if start is None:
            return Finding(
                Verdict.UNKNOWN, "it was never detected, so this clock did not start", Cause.HARNESS
            )
        real = limit / planned.time_scale
        words = _limit_words(limit, planned.time_scale)
        if end is None:
            return self._missing(_end(journal) - start.t, real, words)
        took, least = end.t - start.t, end.earliest - start.latest
        who = f" by {end.actor} ({end.role})" if end.actor else ""
        told = f"{self.says}{who} {took:.1f} s after detection, {words}"
        if took <= real:
            return Finding(Verdict.PASS, told)
        if least <= real:
            return Finding(
                Verdict.UNKNOWN, f"{told}: the limit lies within what was measured", Cause.HARNESS
            )
        return Finding(Verdict.FAIL, told, Cause.APPLICATION)

    def _missing(self, waited: float, real: float, words: str) -> Finding:
        if waited > real:
            return _failed(f"not {self.says} within {waited:.1f} s of the detection, {words}")
        return Finding(
            Verdict.UNKNOWN,
            f"not {self.says} when looking ended {waited:.1f} s after the detection, {words}: "
            "the clock was still running (censored)",
            Cause.HARNESS,
        )


class AcknowledgesInTime(_Clock):
    """Somebody takes the incident within the playbook's limit."""

    about: ClassVar[str] = "acknowledged within the playbook's limit of the detection"
    moment: ClassVar[str] = "acknowledged"
    says: ClassVar[str] = "acknowledged"
    check: Literal["acknowledges_in_time"] = "acknowledges_in_time"

    @classmethod
    def limit_s(cls, planned: IncidentPlanned) -> float | None:
        return planned.acknowledge_s


class ResolvesInTime(_Clock):
    """The incident is resolved, or rolled back, within the playbook's limit."""

    about: ClassVar[str] = "resolved or rolled back within the playbook's limit of the detection"
    moment: ClassVar[str] = "resolved"
    says: ClassVar[str] = "resolved"
    check: Literal["resolves_in_time"] = "resolves_in_time"

    @classmethod
    def limit_s(cls, planned: IncidentPlanned) -> float | None:
        return planned.resolve_s


class RolesAreHeld(ImpliedCheck):
    """Every act is somebody's in a role of the playbook that somebody holds."""

    about: ClassVar[str] = "every act has an actor in a role that somebody holds"
    check: Literal["roles_are_held"] = "roles_are_held"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether people are rehearsed."""
        return bool(planned.acts)

    def judge(self, journal: Journal) -> Finding:
        planned = journal.last(IncidentPlanned)
        done = (act for act in journal.every(Acted) if act.state != "refused")
        acts = [act for act in done if act.do != REPORT]
        if planned is None or not acts:
            return Finding(Verdict.UNKNOWN, "nobody acted", Cause.HARNESS)
        problems = list(dict.fromkeys(_unheld(acts, planned.roles)))
        if problems:
            return _failed("; ".join(problems))
        roles = sorted({act.role for act in acts})
        return Finding(Verdict.PASS, f"every act was of a held role: {', '.join(roles)}")


def _unheld(acts: list[Acted], roles: dict[str, list[str]]) -> Iterator[str]:
    for act in acts:
        if not act.actor:
            yield f"nobody's name is on {act.do}"
        if not act.role:
            yield f"{act.do} by {act.actor or 'nobody'} was in no role"
        elif act.role not in roles:
            yield f"{act.do} was done as {act.role}, which is no role of the playbook"
        elif not roles[act.role]:
            yield f"nobody holds the role {act.role}, which {act.do} needs"


class EscalatesInTime(ImpliedCheck):
    """Unanswered, the incident reaches the next role when the playbook says so."""

    about: ClassVar[str] = "unacknowledged, the next role is paged when the playbook says so"
    check: Literal["escalates_in_time"] = "escalates_in_time"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the playbook escalates and people are rehearsed."""
        return bool(planned.escalations) and bool(planned.acts)

    def judge(self, journal: Journal) -> Finding:
        planned, moments = journal.last(IncidentPlanned), _moments(journal)
        detected, answered = moments.get("detected"), moments.get("acknowledged")
        if planned is None or detected is None or not planned.escalations:
            return Finding(
                Verdict.UNKNOWN, "it was never detected, so nothing could escalate", Cause.HARNESS
            )
        told = []
        for one in planned.escalations:
            due = detected.t + one.after_s / planned.time_scale
            pages = [page for page in journal.every(Escalated) if page.role == one.role]
            finding = _paged(one.role, due, pages, answered, _end(journal))
            if finding.verdict is not Verdict.PASS:
                return finding
            told.append(finding.reason)
        return Finding(Verdict.PASS, "; ".join(told))


def _paged(
    role: str, due: float, pages: list[Escalated], answered: MomentSet | None, end: float
) -> Finding:
    if pages:
        late = pages[0].t - due
        if late > ESCALATION_GRACE_S:
            return _failed(f"{role} was paged {late:.1f} s late")
        if late < -ESCALATION_GRACE_S:
            return _failed(f"{role} was paged {-late:.1f} s before it was due")
        return Finding(Verdict.PASS, f"{role} was paged in time, as nobody had acknowledged")
    if answered is not None and answered.t <= due + ESCALATION_GRACE_S:
        return Finding(Verdict.PASS, f"acknowledged before {role} had to be paged")
    if end <= due + ESCALATION_GRACE_S:
        return Finding(
            Verdict.UNKNOWN,
            f"looking ended before {role} had to be paged (censored)",
            Cause.HARNESS,
        )
    return _failed(f"nobody had acknowledged, and {role} was not paged")


def _moments(journal: Journal) -> dict[str, MomentSet]:
    return {moment.name: moment for moment in journal.every(MomentSet)}


def _undone_at(journal: Journal, since: float) -> float:
    """When containment ended: its undo, or the begin of what resolves, which may take all away."""
    ends = (
        act.t
        for act in journal.every(Acted)
        if act.t > since
        and (
            (act.do.startswith("contain.") and act.state in {"undoing", "undone"})
            or (act.do.startswith("resolve.") and act.state == "begun")
        )
    )
    return min(ends, default=float("inf"))


def _end(journal: Journal) -> float:
    """When looking ended: the judge's phase, else whatever was seen last."""
    for phase in journal.every(Phase):
        if phase.name == "judge":
            return phase.t
    looks = [columns.got[-1] for columns in journal.observations.values() if len(columns)]
    return max([*looks, *(event.t for event in journal.events)], default=0.0)


def _limit_words(limit: float, scale: float) -> str:
    words = f"limit {show_duration(limit)}"
    return words if scale == 1 else f"{words}, here {limit / scale:g} s"


def _failed(reason: str) -> Finding:
    return Finding(Verdict.FAIL, reason, Cause.APPLICATION)


CHECKS = (ContainmentHolds, RollbackTookEffect)
IMPLIED: tuple[type[ImpliedCheck], ...] = (
    ContainmentHolds,
    RollbackTookEffect,
    AcknowledgesInTime,
    ResolvesInTime,
    RolesAreHeld,
    EscalatesInTime,
)
