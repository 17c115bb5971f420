"""Promises of communication: at once, at the cadence, to the end, and in summary."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from drill.duration import show_duration
from drill.events import SlaJudged
from drill.incident import IncidentPlanned, MessageSent
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding, ImpliedCheck
from validators.checks.told import (
    Stream,
    first_gap,
    moment_of,
    silences,
    streams_of,
    summary_clock,
)

SHOWN = 4


class InformsAsPromised(ImpliedCheck):
    """Every audience hears at once, then at its cadence, then that it is over, then nothing."""

    about: ClassVar[str] = "everybody is told at once, at the cadence, at the end, and not after it"
    check: Literal["informs_as_promised"] = "informs_as_promised"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the plan promises updates."""
        return any(each.every_s is not None for each in planned.messages)

    def judge(self, journal: Journal) -> Finding:
        planned = journal.first(IncidentPlanned)
        if planned is None or not self.applies(planned):
            return Finding(Verdict.UNKNOWN, "no updates were promised", Cause.HARNESS)
        detected = moment_of(journal, "detected")
        if detected is None:
            return _never("detected")
        streams = [
            each
            for each in streams_of(journal, planned, detected)
            if each.promise.every_s is not None
        ]
        problems = [f"{each.name}: {problem}" for each in streams for problem in _problems(each)]
        if problems:
            return _failed(problems)
        untold = [each.name for each in streams if not each.sent]
        if untold:
            reason = f"{', '.join(untold)}: not told yet when the drill ended, before the limit"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        counts = [f"{each.name} {len(each.sent)} accepted" for each in streams]
        resolved = all(each.resolved is not None for each in streams)
        never = "" if resolved else "; never resolved, so no final message was due"
        return Finding(Verdict.PASS, "; ".join(counts) + never)


class SummaryInTime(ImpliedCheck):
    """Stakeholders have the executive summary within its limit after resolution."""

    about: ClassVar[str] = "the executive summary is accepted within its limit after resolution"
    check: Literal["summary_in_time"] = "summary_in_time"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the plan promises a summary."""
        return any(each.within_s is not None for each in planned.messages)

    def judge(self, journal: Journal) -> Finding:
        planned = journal.first(IncidentPlanned)
        if planned is None or not self.applies(planned):
            return Finding(Verdict.UNKNOWN, "no summary was promised", Cause.HARNESS)
        detected = moment_of(journal, "detected")
        if detected is None:
            return _never("detected")
        if moment_of(journal, "resolved") is None:
            return _never("resolved")
        read = [
            (stream, summary_clock(stream, 0.0))
            for stream in streams_of(journal, planned, detected)
            if stream.promise.within_s is not None
        ]
        problems = [
            f"{stream.name}: {problem}"
            for stream, clock in read
            for problem in _summary_problems(stream, clock)
        ]
        if problems:
            return _failed(problems)
        unsure = [stream.name for stream, clock in read if clock.status == "censored"]
        if unsure:
            reason = f"{', '.join(unsure)}: not sent yet when the drill ended, before its limit"
            return Finding(Verdict.UNKNOWN, reason, Cause.HARNESS)
        told = [
            f"{stream.name} {clock.measured_s:.1f} s after resolution, limit {clock.limit_s:.1f} s"
            for stream, clock in read
        ]
        return Finding(Verdict.PASS, "; ".join(told))


def _summary_problems(stream: Stream, clock: SlaJudged) -> Iterator[str]:
    limit = clock.limit_s or 0.0
    unaccepted = list(_unaccepted(stream))
    yield from unaccepted
    if clock.status == "missed" and not unaccepted:
        sent = "accepted" if stream.sent else "not sent"
        yield f"{sent} {clock.measured_s or 0.0:.1f} s after resolution, limit {limit:.1f} s"


def _problems(stream: Stream) -> Iterator[str]:
    """What is wrong with one stream of updates, in order of time."""
    first = first_gap(stream)
    allowed = show_duration((stream.promise.first_s or 0.0) + stream.promise.grace_s)
    if first.seconds > stream.first_s:
        how = "not sent" if first.open else "late:"
        yield (
            f"the first message was {how} {first.seconds:.1f} s after detection, limit "
            f"{stream.first_s:.1f} s ({allowed} in the playbook)"
        )
    for gap in silences(stream):
        if gap.seconds > stream.every_s:
            yield (
                f"silent for {gap.seconds:.1f} s from {gap.start:.1f} s on, limit "
                f"{stream.every_s:.1f} s"
            )
    yield from _unaccepted(stream)
    yield from _at_the_end(stream)


def _at_the_end(stream: Stream) -> Iterator[str]:
    final = stream.final()
    if stream.resolved is None:
        if final is not None:
            yield "a final message was sent, but it was never resolved"
        return
    if final is None or final.sent is None:
        if not any(each.kind == "final" for each in stream.tried):
            yield "no final message after the resolution"
        return
    late = final.sent - stream.resolved
    if late > stream.grace_s:
        yield f"the final message came {late:.1f} s after resolution, limit {stream.grace_s:.1f} s"
    after = [each for each in stream.sent if each > final.sent]
    if after:
        yield f"{len(after)} more accepted after the final message"
    if late < 0:
        yield "the final message was sent before the resolution"


def _unaccepted(stream: Stream) -> Iterator[str]:
    """Messages whose last attempt was not accepted, or not for all who should have it."""
    last: dict[tuple[str, float], MessageSent] = {}
    for each in stream.tried:
        last[each.kind, each.due] = each
    for each in last.values():
        if each.sent is None:
            yield f"the {each.kind} due at {each.due:.1f} s was not accepted ({each.evidence})"


def _never(name: str) -> Finding:
    return Finding(
        Verdict.UNKNOWN, f"the incident was never {name}, so nobody had to be told", Cause.HARNESS
    )


def _failed(problems: Sequence[str]) -> Finding:
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return Finding(
        Verdict.FAIL,
        "; ".join(problems[:SHOWN]) + more,
        Cause.APPLICATION,
        evidence=tuple(problems),
    )


CHECKS = (InformsAsPromised, SummaryInTime)
IMPLIED: tuple[type[ImpliedCheck], ...] = CHECKS
