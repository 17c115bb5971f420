"""The chain an alert goes through, as Prometheus and Alertmanager describe it themselves."""

from collections.abc import Callable, Sequence

import anyio
import msgspec

from drill.incident import ChainSeen
from validators.probes.alerts.api import Api, decode
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.expressions import Selector, selectors
from validators.probes.alerts.prometheus import ALERTS_ONLY, RULES, Group, Rule, rule_groups
from validators.probes.alerts.routes import group_wait, load_config, prometheus_duration
from validators.probes.alerts.vectors import query

CHAIN_LIMIT_S = 10.0
"""All chains of a drill together."""
SCRAPE_S = 60.0
"""Prometheus's default."""
WORST = ("err", "unknown", "", "ok")
"""The health of rules, the worst first."""


class Target(msgspec.Struct, frozen=True):
    """One thing that Prometheus asks; *scrapeInterval* since version 2.31."""

    labels: dict[str, str]
    health: str = ""
    lastError: str = ""  # noqa: N815 - Prometheus's own names
    scrapeInterval: str = ""  # noqa: N815

    @property
    def job(self) -> str:
        """The job of its series."""
        return self.labels.get("job", "")


class Targets(msgspec.Struct, frozen=True):
    """All of them."""

    activeTargets: list[Target] | None = None  # noqa: N815


class TargetsAnswer(msgspec.Struct, frozen=True):
    """What GET /api/v1/targets answers."""

    status: str
    data: Targets | None = None


class Yaml(msgspec.Struct, frozen=True):
    """A configuration as text."""

    yaml: str


class ConfigAnswer(msgspec.Struct, frozen=True):
    """What GET /api/v1/status/config answers."""

    status: str
    data: Yaml | None = None


class Original(msgspec.Struct, frozen=True):
    """Alertmanager's configuration, with its secrets left out by itself."""

    original: str


class StatusAnswer(msgspec.Struct, frozen=True):
    """What Alertmanager's GET /api/v2/status answers."""

    config: Original


async def targets(prometheus: Api) -> list[Target]:
    """What Prometheus scrapes; raises Unreadable."""
    answer = await prometheus.get("/api/v1/targets", [("state", "active")])
    read = decode(answer.body, TargetsAnswer)
    if read.data is None:
        raise Unreadable("answered with an error")
    return read.data.activeTargets or []


async def default_scrape_s(prometheus: Api) -> float:
    """The scrape interval where a target has none of its own; raises Unreadable."""
    answer = decode((await prometheus.get("/api/v1/status/config")).body, ConfigAnswer)
    config = load_config(answer.data.yaml) if answer.data else {}
    given = config.get("global")
    interval = given.get("scrape_interval") if isinstance(given, dict) else None
    return SCRAPE_S if interval is None else prometheus_duration(interval)


class Chains:
    """
    Reads the chains of alerts.

    Args:
        prometheus: Where rules, targets and series are.

        alertmanager: Where the routes are; None if alerts go nowhere.

        now: Seconds from the drill's start.
    """

    def __init__(self, prometheus: Api, alertmanager: Api | None, now: Callable[[], float]) -> None:
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._now = now

    async def read(self, alerts: Sequence[str]) -> list[ChainSeen]:
        """
        Describe the chain of each of *alerts*.

        Raises:
            Unreadable: Prometheus did not answer in time, or not in its own shape.
        """
        try:
            with anyio.fail_after(CHAIN_LIMIT_S):
                return await self._read(list(dict.fromkeys(alerts)))
        except TimeoutError:
            raise Unreadable(f"no answer within {CHAIN_LIMIT_S:g} s") from None

    async def _read(self, alerts: Sequence[str]) -> list[ChainSeen]:
        groups = rule_groups(await self._prometheus.get(RULES, ALERTS_ONLY))
        intervals = await self._scrape_intervals()
        config, problem = await self._routes()
        chains = []
        for alert in alerts:
            rules = [
                (group, rule)
                for group in groups
                for rule in group.rules or ()
                if rule.name == alert and rule.type == "alerting"
            ]
            chain = await self._chain(alert, rules, intervals)
            if config is not None and rules:
                waits = [_wait(config, rule) for _, rule in rules]
                chain = msgspec.structs.replace(chain, group_wait_s=max(waits))
            if problem:
                detail = "; ".join(filter(None, (chain.detail, problem)))
                chain = msgspec.structs.replace(chain, detail=detail)
            chains.append(chain)
        return chains

    async def _chain(
        self, alert: str, rules: Sequence[tuple[Group, Rule]], intervals: dict[str, float]
    ) -> ChainSeen:
        if not rules:
            return ChainSeen(
                t=self._now(),
                alert=alert,
                source="prometheus",
                present=False,
                detail="no rule of this name",
            )
        series, jobs, silent = 0, set[str](), list[str]()
        found = [one for _, rule in rules for one in selectors(rule.query)]
        for selector in found:
            counted = await self._count(selector)
            jobs |= counted.keys()
            series += max(sum(counted.values()), int(selector.absent))
            silent += [] if counted else [selector.text]
        health = min((rule.health for _, rule in rules), key=_badness)
        scrapes = [intervals[job] for job in jobs if job in intervals] or intervals.values()
        errors = [rule.lastError for _, rule in rules if rule.lastError]
        missing = [f"no series now: {', '.join(dict.fromkeys(silent))}"] if silent else []
        return ChainSeen(
            t=self._now(),
            alert=alert,
            source="prometheus",
            present=True,
            health=health,
            # Without any selector an expression needs no series: it counts as one.
            series=series if found else 1,
            scrape_s=max(scrapes, default=None),
            evaluation_s=max(group.interval for group, _ in rules),
            for_s=max(rule.duration for _, rule in rules),
            detail="; ".join([*errors, *missing]),
        )

    async def _count(self, selector: Selector) -> dict[str, int]:
        """How many series a selector has, by job."""
        counted = await query(self._prometheus, f"count by (job) ({selector.text})")
        return {one.labels.get("job", ""): int(one.value) for one in counted}

    async def _scrape_intervals(self) -> dict[str, float]:
        """The slowest interval of each job."""
        default = None
        slowest: dict[str, float] = {}
        for target in await targets(self._prometheus):
            if target.scrapeInterval:
                interval = prometheus_duration(target.scrapeInterval)
            else:
                default = default or await default_scrape_s(self._prometheus)
                interval = default
            slowest[target.job] = max(interval, slowest.get(target.job, 0.0))
        return slowest

    async def _routes(self) -> tuple[dict[str, object] | None, str]:
        """Alertmanager's configuration, or why there is none."""
        if self._alertmanager is None:
            return None, ""
        try:
            answer = await self._alertmanager.get("/api/v2/status")
            return load_config(decode(answer.body, StatusAnswer).config.original), ""
        except Unreadable as error:
            return None, f"group wait unknown: Alertmanager {error}"

    async def close(self) -> None:
        """Close what is open."""
        await self._prometheus.close()
        if self._alertmanager:
            await self._alertmanager.close()


def _wait(config: dict[str, object], rule: Rule) -> float:
    return group_wait(config, {"alertname": rule.name, **(rule.labels or {})})


def _badness(health: str) -> int:
    return WORST.index(health) if health in WORST else 1
