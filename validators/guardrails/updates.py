"""Are dependency updates asked for often enough: Dependabot's or Renovate's configuration."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from validators.guardrails.seen import Look, read_json, read_text, read_yaml

DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")
RENOVATE = ("renovate.json", ".github/renovate.json", ".renovaterc", ".renovaterc.json")
DAYS = {
    "daily": 1.0,
    "weekly": 7.0,
    "monthly": 31.0,
    "quarterly": 92.0,
    "semiannually": 183.0,
    "yearly": 366.0,
}
RARER = re.compile(r"month|quarter|year", re.IGNORECASE)
CRON = re.compile(r"^\S+ \S+ (\S+) (\S+) \S+$")


class Schedule(msgspec.Struct, frozen=True):
    """How often Dependabot looks."""

    interval: str = ""
    cronjob: str = ""


class Update(msgspec.Struct, frozen=True, rename="kebab"):
    """One ecosystem of Dependabot's configuration."""

    package_ecosystem: str = "unknown"
    directory: str = ""
    schedule: Schedule = Schedule()
    open_pull_requests_limit: int | None = None


class Dependabot(msgspec.Struct, frozen=True):
    """Dependabot's configuration, as far as it matters here."""

    updates: list[Update] = []
    version: int = 0


class Renovate(msgspec.Struct, frozen=True):
    """Renovate's configuration, as far as it matters here."""

    extends: list[str] = []
    schedule: list[str] | str = []
    enabled: bool = True


def look_at_updates(repository: Path, every: str | None) -> Look:
    """Say whether each ecosystem is looked at at least as often as *every* (weekly if None)."""
    wanted = every or "weekly"
    for name in DEPENDABOT:
        text = read_text(repository, name)
        if text is not None:
            return _dependabot(read_yaml(text, Dependabot, name), name, wanted)
    for name in RENOVATE:
        text = read_text(repository, name)
        if text is not None:
            return _renovate(read_json(text, Renovate, name), name, wanted)
    looked = ", ".join((*DEPENDABOT[:1], *RENOVATE))
    return Look(ok=False, detail=f"no dependency updates are configured: looked for {looked}")


def _dependabot(found: Dependabot, name: str, wanted: str) -> Look:
    if not found.updates:
        return Look(ok=False, detail="Dependabot is configured for nothing", evidence=name)
    late = list(_late(found, wanted))
    if late:
        return Look(ok=False, detail=f"not {wanted}: {', '.join(late)}", evidence=name)
    if any(update.schedule.interval == "cron" for update in found.updates):
        return Look(
            ok=None, detail="the schedule is a cron line, which was not read", evidence=name
        )
    every = ", ".join(f"{u.package_ecosystem} {u.schedule.interval}" for u in found.updates)
    return Look(ok=True, detail=every, evidence=name)


def _late(found: Dependabot, wanted: str) -> Iterator[str]:
    for update in found.updates:
        interval = update.schedule.interval
        if update.open_pull_requests_limit == 0:
            yield f"{update.package_ecosystem} opens no pull requests"
        elif interval != "cron" and DAYS.get(interval, float("inf")) > DAYS[wanted]:
            yield f"{update.package_ecosystem} {interval or 'without an interval'}"


def _renovate(found: Renovate, name: str, wanted: str) -> Look:
    if not found.enabled:
        return Look(ok=False, detail="Renovate is switched off", evidence=name)
    own = [found.schedule] if isinstance(found.schedule, str) else found.schedule
    spoken = [*own, *(word for word in found.extends if word.startswith("schedule:"))]
    rare = [word for word in spoken if _rarer_than_weekly(word)]
    if rare and wanted != "monthly":
        return Look(ok=False, detail=f"not {wanted}: {', '.join(rare)}", evidence=name)
    if rare or (wanted == "daily" and spoken):
        return Look(ok=None, detail=f"the schedule was not read: {spoken}", evidence=name)
    return Look(ok=True, detail=", ".join(spoken) or "Renovate, at any time", evidence=name)


def _rarer_than_weekly(word: str) -> bool:
    cron = CRON.match(word)
    return any(part != "*" for part in cron.groups()) if cron else bool(RARER.search(word))
