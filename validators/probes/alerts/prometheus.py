"""Prometheus: `activeAt` is when an alert became pending; when it fired, nothing of it says."""

import json
import math

import msgspec

from drill.incident import Source
from validators.probes.alerts.api import Answer, Api, HttpSource, Params, decode, wall_time
from validators.probes.alerts.base import AlertReading, Unreadable, Vanishing

RULES = "/api/v1/rules"
ALERTS_ONLY: Params = (("type", "alert"),)


class ActiveAlert(msgspec.Struct, frozen=True):
    """An alert that is pending or firing."""

    labels: dict[str, str]
    state: str
    activeAt: str  # noqa: N815 - Prometheus's own name


class Rule(msgspec.Struct, frozen=True):
    """A rule; *duration* is its `for` in seconds."""

    name: str
    type: str = "alerting"
    query: str = ""
    duration: float = 0.0
    health: str = ""
    lastError: str = ""  # noqa: N815
    labels: dict[str, str] | None = None
    alerts: list[ActiveAlert] | None = None


class Group(msgspec.Struct, frozen=True):
    """Rules that are evaluated together, every *interval* seconds."""

    name: str
    interval: float = 0.0
    rules: list[Rule] | None = None


class Groups(msgspec.Struct, frozen=True):
    """All groups."""

    groups: list[Group] | None = None


class RulesAnswer(msgspec.Struct, frozen=True):
    """What GET /api/v1/rules answers."""

    status: str
    data: Groups | None = None


class Prometheus(HttpSource):
    """Pending by Prometheus's own clock; firing and its end lie between two looks."""

    name = "prometheus"
    source: Source = "prometheus"
    resolution_s = 0.001

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self._vanishing = Vanishing()

    async def read(self) -> list[AlertReading]:
        return self.parse(await self.api.get(RULES, ALERTS_ONLY))

    def parse(self, answer: Answer) -> list[AlertReading]:
        """Read one answer; raises Unreadable."""
        readings: list[AlertReading] = []
        firing: dict[str, AlertReading] = {}
        for group in rule_groups(answer):
            for rule in group.rules or ():
                for alert in rule.alerts or ():
                    steps = self._steps(rule, alert)
                    readings += steps
                    firing |= {step.key: step for step in steps if step.state == "firing"}
        return [*readings, *self._vanishing.ended(firing)]

    def _steps(self, rule: Rule, alert: ActiveAlert) -> list[AlertReading]:
        active = wall_time(alert.activeAt)
        identity = f"{json.dumps(alert.labels, sort_keys=True)}|{alert.activeAt}"
        pending = AlertReading(
            alert=alert.labels.get("alertname", rule.name),
            state="pending",
            key=f"{identity}|pending",
            wall_s=active,
            labels=alert.labels,
            evidence=f"{self.api.shown}{RULES}",
        )
        if alert.state != "firing":
            return [pending]
        lasts = rule.duration if math.isfinite(rule.duration) else 0.0
        fired = msgspec.structs.replace(
            pending,
            state="firing",
            key=f"{identity}|firing",
            wall_s=None if lasts else active,
            not_before_s=None if active is None else active + lasts,
        )
        return [pending, fired] if lasts else [fired]


def rule_groups(answer: Answer) -> list[Group]:
    """Read what GET /api/v1/rules answered; raises Unreadable."""
    read = decode(answer.body, RulesAnswer)
    if read.status != "success" or read.data is None:
        raise Unreadable("answered with an error")
    return read.data.groups or []
