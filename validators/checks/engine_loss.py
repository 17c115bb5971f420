"""
Whose doing it was when the container engine itself was away during a drill; pure.

The rule: where the engine stopped answering, what the drill could not do or see is the
environment's doing, no longer the harness's. A failed promise is the environment's only if the
engine took containers down with it that no fault was for, or never came back to be asked; and
never if the promise was broken already before.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from drill.events import ENGINE_BACK, ENGINE_LOST, Aborted, EngineSaw, Planned, Service, StackSeen
from drill.journal import Columns, Journal
from drill.verdict import Cause, Verdict
from validators.checks.after import healed_at
from validators.checks.base import CheckSpec, Finding

STOPPING_S = 20.0
"""An engine told to stop ends its containers first: it gives them 15 s by default."""
STARTING_S = 20.0
"""An engine that was killed ends, when it starts again, the containers it finds and starts them."""


class Loss(msgspec.Struct, frozen=True):
    """
    The engine was away.

    Attributes:
        since: When it began, in seconds from the drill's start.

        took: Services that ended with it though no fault was for them.

        back: Whether it answered again.
    """

    since: float
    took: tuple[str, ...]
    back: bool

    def __str__(self) -> str:
        """What a reader of a finding is told."""
        took = f" and took {', '.join(self.took)} down with it" if self.took else ""
        back = "" if self.back else " and never came back"
        return f"the container engine stopped answering at {self.since:.1f} s{took}{back}"


class _Window(msgspec.Struct, frozen=True):
    """One absence, with the time an engine needs to stop and to start around it."""

    lost: EngineSaw
    back: EngineSaw | None

    def holds(self, event: EngineSaw) -> bool:
        end = self.back.t + STARTING_S if self.back else float("inf")
        return self.lost.t - STOPPING_S <= event.t <= end

    def holds_wall(self, wall_s: float) -> bool:
        end = self.back.wall_s + STARTING_S if self.back else float("inf")
        return self.lost.wall_s - STOPPING_S <= wall_s <= end


def engine_loss(journal: Journal) -> Loss | None:
    """Whether the engine was away, since when, and what it took along; None if it was there."""
    windows = list(_windows(journal))
    if not windows:
        return None
    planned = journal.first(Planned)
    targets = {fault.target for fault in planned.faults} if planned else set()
    deaths = [
        event
        for event in journal.every(EngineSaw)
        if event.action == "die" and any(window.holds(event) for window in windows)
    ]
    took = {event.service for event in deaths} | _restarted(journal, windows)
    bystanders = tuple(sorted(took - targets - {""}))
    begun = [event.t for event in deaths if event.service in bystanders]
    after = journal.last(StackSeen)
    seen_after = after is not None and after.when == "after" and bool(after.services)
    return Loss(
        since=min([windows[0].lost.t, *begun]),
        took=bystanders,
        back=windows[-1].back is not None or seen_after,
    )


def blamed(check: CheckSpec, finding: Finding, journal: Journal) -> Finding:
    """The same finding, with the environment as its cause where the engine's loss explains it."""
    if finding.verdict is Verdict.PASS or finding.cause in {None, Cause.ENVIRONMENT}:
        return finding
    loss = engine_loss(journal)
    if loss is None:
        return finding
    if finding.cause is Cause.APPLICATION:
        explained = bool(loss.took or not loss.back) and not _failed_before(check, journal, loss)
    else:
        aborted = journal.first(Aborted)
        explained = aborted is None or aborted.t >= loss.since
    if not explained:
        return finding
    return msgspec.structs.replace(
        finding, cause=Cause.ENVIRONMENT, reason=f"{finding.reason}; {loss}"
    )


def _windows(journal: Journal) -> Iterator[_Window]:
    lost = None
    for event in journal.every(EngineSaw):
        if event.action == ENGINE_LOST:
            lost = lost or event
        elif event.action == ENGINE_BACK and lost:
            yield _Window(lost, event)
            lost = None
    if lost:
        yield _Window(lost, None)


def _restarted(journal: Journal, windows: list[_Window]) -> set[str]:
    """Services that began a new life around the loss, or ended while nobody could watch."""
    stacks = {seen.when: seen.services for seen in journal.every(StackSeen)}
    before = {service.service: service for service in stacks.get("before", [])}
    seen_dying = {event.service for event in journal.every(EngineSaw) if event.action == "die"}
    found = set()
    for now in stacks.get("after", []):
        was = before.get(now.service)
        if was is None or was.status != "running":
            continue
        ended_unseen = now.status != "running" and now.service not in seen_dying
        if ended_unseen or _began_within(now, was, windows):
            found.add(now.service)
    return found


def _began_within(now: Service, was: Service, windows: list[_Window]) -> bool:
    if now.started_at == was.started_at:
        return False
    try:
        wall_s = datetime.fromisoformat(now.started_at).timestamp()
    except ValueError:
        return False
    return any(window.holds_wall(wall_s) for window in windows)


def _failed_before(check: CheckSpec, journal: Journal, loss: Loss) -> bool:
    """Whether the promise was broken already with all that was seen before the loss."""
    past = _before(journal, loss.since)
    if check.horizon_s():
        healed = healed_at(past)
        if healed is None or loss.since < healed + check.horizon_s():
            return False  # Its time was not over yet, so it had not failed.
    seen = check.judge(past)
    return seen.verdict is Verdict.FAIL and seen.cause is Cause.APPLICATION


def _before(journal: Journal, t: float) -> Journal:
    past = Journal()
    past.events = [event for event in journal.events if event.t < t]
    for name, columns in journal.observations.items():
        past.observations[name] = _columns_before(columns, t)
    return past


def _columns_before(columns: Columns, t: float) -> Columns:
    past = Columns()
    for index in range(len(columns)):
        if columns.got[index] >= t:
            continue
        if index in columns.details:
            past.details[len(past)] = columns.details[index]
        past.due.append(columns.due[index])
        past.sent.append(columns.sent[index])
        past.got.append(columns.got[index])
        past.health.append(columns.health[index])
    return past
