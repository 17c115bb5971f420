"""Looks up each guardrail of a playbook: files and one bounded scan, no network."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from drill.incident import GuardrailSeen
from validators.guardrails.lately import look_at_drills
from validators.guardrails.objectives import look_at_objectives
from validators.guardrails.secrets import look_at_secrets
from validators.guardrails.seen import Look, Unreadable
from validators.guardrails.updates import look_at_updates

NO_REPOSITORY = Look(ok=None, detail="the environment names no repository to look at")


class Wanted(Protocol):
    """A guardrail as the playbook asks for it."""

    @property
    def guardrail(self) -> str:
        """Its name."""

    @property
    def every(self) -> str | None:
        """How often, for dependency updates."""

    @property
    def within_days(self) -> int | None:
        """How old the last drill may be."""


class Where(msgspec.Struct, frozen=True):
    """
    Where to look; what is None cannot be looked up, so its guardrail stays unknown.

    Attributes:
        repository: The root of the repository.

        runs: The folder of the runs.

        but: The id of the run that asks, which is no evidence of an earlier drill.

        objectives: The alerts that the objectives need.

        rules: The names of the alert rules that the monitoring has.

        rules_file: A rules file to read when the monitoring was not asked.

        now_s: Seconds since 1970; now if None.
    """

    repository: Path | None = None
    runs: Path | None = None
    but: str = ""
    objectives: Sequence[str] = ()
    rules: Sequence[str] | None = None
    rules_file: Path | None = None
    now_s: float | None = None


def look_at_guardrails(
    wanted: Iterable[Wanted], where: Where, *, t: float = 0.0
) -> Sequence[GuardrailSeen]:
    """
    Look up every guardrail; blocks while a scanner runs, 5 minutes at most.

    Args:
        wanted: The playbook's guardrails.
        where: Where to look.
        t: When, in seconds from the drill's start.

    Returns:
        One record each, in the playbook's order; a file that is not understood gives ok None.
    """
    return [_seen(one, where, t) for one in wanted]


def _seen(wanted: Wanted, where: Where, t: float) -> GuardrailSeen:
    look = LOOKS.get(wanted.guardrail)
    try:
        found = look(wanted, where) if look else Look(ok=None, detail="nobody knows how to look")
    except Unreadable as error:
        found = Look(ok=None, detail=str(error))
    return GuardrailSeen(t, wanted.guardrail, found.ok, found.detail, found.evidence)


def _secrets(_: Wanted, where: Where) -> Look:
    return look_at_secrets(where.repository) if where.repository else NO_REPOSITORY


def _updates(wanted: Wanted, where: Where) -> Look:
    if where.repository is None:
        return NO_REPOSITORY
    return look_at_updates(where.repository, wanted.every)


def _objectives(_: Wanted, where: Where) -> Look:
    return look_at_objectives(where.objectives, where.rules, where.rules_file)


def _lately(wanted: Wanted, where: Where) -> Look:
    if where.runs is None:
        return Look(ok=None, detail="nobody said where runs are kept")
    now = time.time() if where.now_s is None else where.now_s
    return look_at_drills(where.runs, wanted.within_days, now_s=now, but=where.but)


LOOKS: dict[str, Callable[[Wanted, Where], Look]] = {
    "secret_scanning": _secrets,
    "dependency_updates": _updates,
    "objectives_have_alerts": _objectives,
    "drilled_lately": _lately,
}
