"""Promises about who notices: the right alert, in time, no wrong one, and able to at all."""

from abc import abstractmethod
from typing import ClassVar, Literal

from drill.duration import show_duration
from drill.events import Aborted
from drill.incident import (
    AlertSeen,
    ChainSeen,
    IncidentPlanned,
    PlannedDetection,
)
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding, ImpliedCheck
from validators.checks.watched import Effect, answered, firing, first_effect, looked, silences

ALERTING = ("prometheus", "alertmanager", "grafana")
"""Sources whose unpromised alerts are wrong alerts; error groups and reports are told by name."""
BY_CHAIN = ("prometheus", "alertmanager")


class DetectionCheck(ImpliedCheck):
    """A promise that a scenario with `detect` makes by itself."""

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the plan promises what this judges."""
        return bool(planned.detections)

    def judge(self, journal: Journal) -> Finding:
        planned = journal.first(IncidentPlanned)
        if planned is None or not planned.detections:
            return Finding(Verdict.UNKNOWN, "no detection was promised", Cause.HARNESS)
        return self.judge_planned(journal, planned)

    @abstractmethod
    def judge_planned(self, journal: Journal, planned: IncidentPlanned) -> Finding:
        """Judge what *planned* promises."""


class DetectsInTime(DetectionCheck):
    """Every promised alert fires, because of the fault, within its limit of the fault's effect."""

    about: ClassVar[str] = "the promised alert fires within its limit of the fault's effect"
    check: Literal["detects_in_time"] = "detects_in_time"

    def judge_planned(self, journal: Journal, planned: IncidentPlanned) -> Finding:
        effect = first_effect(journal)
        if effect is None:
            return Finding(
                Verdict.UNKNOWN, "no fault was seen in force, so no clock started", Cause.HARNESS
            )
        return _worst([_in_time(journal, one, effect) for one in planned.detections])


class NoWrongAlert(DetectionCheck):
    """No alert fires that was neither promised nor expected."""

    about: ClassVar[str] = "no alert fires that was neither promised nor is to be ignored"
    check: Literal["no_wrong_alert"] = "no_wrong_alert"

    def judge_planned(self, journal: Journal, planned: IncidentPlanned) -> Finding:
        expected = {one.alert for one in planned.detections} | set(planned.ignore_alerts)
        fired = [one for one in firing(journal) if one.source in ALERTING]
        before = sorted({one.alert for one in fired if one.before_fault} - expected)
        wrong: dict[str, AlertSeen] = {}
        for one in fired:
            if not one.before_fault and one.alert not in expected:
                wrong.setdefault(one.alert, one)
        note = f"; firing before the fault already: {', '.join(before)}" if before else ""
        if wrong:
            effect = first_effect(journal)
            told = ", ".join(f"{name} ({_when(one, effect)})" for name, one in wrong.items())
            evidence = tuple(one.evidence for one in wrong.values())
            return Finding(
                Verdict.FAIL,
                f"fired, and was not promised: {told}{note}",
                Cause.APPLICATION,
                evidence,
            )
        known = [name for name in ALERTING if answered(journal, name)]
        if not known:
            return Finding(Verdict.UNKNOWN, "no source of alerts ever answered", Cause.ENVIRONMENT)
        silent = [name for name in known if silences(journal, name)]
        if silent and len(silent) == len(known):
            return Finding(
                Verdict.UNKNOWN,
                f"no wrong alert was seen, but for a while nobody answered: {', '.join(silent)}",
                Cause.ENVIRONMENT,
            )
        return Finding(Verdict.PASS, f"no other alert fired, by {', '.join(known)}{note}")


class AlertsCanFire(DetectionCheck):
    """The rule of every promised alert is there, is healthy, and has series to look at."""

    about: ClassVar[str] = "the promised alert's rule is there, healthy, and has series"
    check: Literal["alerts_can_fire"] = "alerts_can_fire"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        return any(one.source in BY_CHAIN for one in planned.detections)

    def judge_planned(self, journal: Journal, planned: IncidentPlanned) -> Finding:
        chains = {chain.alert: chain for chain in journal.every(ChainSeen)}
        promised = [one for one in planned.detections if one.source in BY_CHAIN]
        if not promised:
            return Finding(Verdict.UNKNOWN, "no promised alert has a chain", Cause.HARNESS)
        return _worst([_can_fire(one, chains.get(one.alert)) for one in promised])


class AlertWasDelivered(DetectionCheck):
    """Every promised alert that fired reached its receiver."""

    about: ClassVar[str] = "every promised alert that fired reached the webhook's receiver"
    check: Literal["alert_was_delivered"] = "alert_was_delivered"

    def judge_planned(self, journal: Journal, planned: IncidentPlanned) -> Finding:
        if not answered(journal, "receiver"):
            return Finding(
                Verdict.UNKNOWN,
                "no receiver answered; name one under `monitoring.receiver`",
                Cause.ENVIRONMENT,
            )
        promised = [one for one in planned.detections if one.source in BY_CHAIN]
        if not promised:
            return Finding(Verdict.UNKNOWN, "no promised alert has a receiver", Cause.HARNESS)
        return _worst([_delivered(journal, one) for one in promised])


def _in_time(journal: Journal, promise: PlannedDetection, effect: Effect) -> Finding:
    name, limit = f"{promise.source}:{promise.alert}", show_duration(promise.within_s)
    steps = [
        one for one in firing(journal) if (one.alert, one.source) == (promise.alert, promise.source)
    ]
    fired = min((one for one in steps if not one.before_fault), key=lambda s: s.t, default=None)
    if fired is None:
        return _never(journal, promise, effect, was_before=bool(steps))
    least, most = fired.earliest - effect.latest, fired.latest - effect.earliest
    took = f"{max(0.0, fired.t - effect.t):.3f} s after the fault's effect"
    evidence = (fired.evidence,)
    if most <= promise.within_s:
        return Finding(Verdict.PASS, f"{name} fired {took}, limit {limit}", evidence=evidence)
    if least <= promise.within_s:
        return Finding(
            Verdict.UNKNOWN,
            f"{name} fired between {max(0.0, least):.3f} s and {most:.3f} s after the fault's "
            f"effect; the limit {limit} lies between",
            Cause.HARNESS,
            evidence,
        )
    return Finding(Verdict.FAIL, f"{name} fired {took}, limit {limit}", Cause.APPLICATION, evidence)


def _never(
    journal: Journal, promise: PlannedDetection, effect: Effect, *, was_before: bool
) -> Finding:
    """Say what it means that a promised alert did not fire after the fault."""
    name, limit = f"{promise.source}:{promise.alert}", show_duration(promise.within_s)
    if was_before:
        text = f"{name} was firing before the fault already, so it shows nothing"
        return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    if not looked(journal, promise.source):
        text = f"nobody looked at {promise.source}"
        return Finding(Verdict.UNKNOWN, text, Cause.HARNESS)
    if not answered(journal, promise.source):
        text = f"{promise.source} never answered, so nobody knows of {promise.alert}"
        return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    window = (effect.earliest, effect.latest + promise.within_s)
    for start, end in silences(journal, promise.source):
        if start < window[1] and end > window[0]:
            text = f"{name} was not seen, but {promise.source} did not answer for a while"
            return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    aborted = journal.last(Aborted)
    if aborted and aborted.t < window[1]:
        text = f"the drill ended before the limit of {name}, {limit}"
        return Finding(Verdict.UNKNOWN, text, Cause.HARNESS)
    pending = any(
        one.alert == promise.alert and one.state == "pending" and not one.before_fault
        for one in journal.every(AlertSeen)
    )
    how = "was pending and never fired" if pending else "never fired"
    return Finding(Verdict.FAIL, f"{name} {how}, limit {limit}", Cause.APPLICATION)


def _can_fire(promise: PlannedDetection, chain: ChainSeen | None) -> Finding:
    name = promise.alert
    if chain is None:
        text = f"the chain of {name} could not be read"
        return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    detail = f" ({chain.detail})" if chain.detail else ""
    wrong = ""
    if not chain.present:
        wrong = f"there is no rule for {name}"
    elif chain.health == "err":
        wrong = f"the rule of {name} cannot be evaluated"
    elif chain.series == 0:
        wrong = f"{name} cannot fire: its expression has no series"
    elif promise.chain_s is not None and promise.chain_s > promise.within_s:
        wrong = (
            f"{name} may take {show_duration(promise.chain_s)}, the promise is "
            f"{show_duration(promise.within_s)}"
        )
    if wrong:
        return Finding(Verdict.FAIL, wrong + detail, Cause.APPLICATION)
    if chain.health != "ok" or chain.series is None:
        text = f"nobody could say whether {name} can fire: its rule is {chain.health or 'unread'}"
        return Finding(Verdict.UNKNOWN, text + detail, Cause.ENVIRONMENT)
    return Finding(Verdict.PASS, f"{name} has {chain.series} series{detail}")


def _delivered(journal: Journal, promise: PlannedDetection) -> Finding:
    steps = [
        one
        for one in journal.every(AlertSeen)
        if one.alert == promise.alert and one.source in BY_CHAIN and not one.before_fault
    ]
    fired = min((one.t for one in steps if one.state == "firing"), default=None)
    arrived = min((one.t for one in steps if one.state == "delivered"), default=None)
    if fired is None:
        text = f"{promise.alert} did not fire, so there was nothing to deliver"
        return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    if arrived is None and silences(journal, "receiver"):
        text = f"the receiver could not be read for a while, {promise.alert} was not seen there"
        return Finding(Verdict.UNKNOWN, text, Cause.ENVIRONMENT)
    if arrived is None:
        text = f"{promise.alert} fired and reached no receiver"
        return Finding(Verdict.FAIL, text, Cause.APPLICATION)
    text = f"{promise.alert} was delivered {max(0.0, arrived - fired):.3f} s after it fired"
    return Finding(Verdict.PASS, text)


def _when(one: AlertSeen, effect: Effect | None) -> str:
    return f"{one.t - effect.t:+.1f} s from the fault" if effect else f"at {one.t:.1f} s"


def _worst(findings: list[Finding]) -> Finding:
    """The worst finding; of passes all reasons."""
    worst = max(findings, key=lambda finding: finding.verdict)
    if worst.verdict is not Verdict.PASS:
        return worst
    evidence = tuple(each for finding in findings for each in finding.evidence)
    return Finding(Verdict.PASS, "; ".join(one.reason for one in findings), evidence=evidence)


CHECKS = (AlertWasDelivered,)
"""What a scenario may name."""

IMPLIED = (DetectsInTime, NoWrongAlert, AlertsCanFire)
"""What a scenario promises by `detect`."""
