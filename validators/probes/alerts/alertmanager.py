"""Alertmanager: its `startsAt` is when an alert fired, not when it became pending."""

import msgspec

from drill.incident import Source
from validators.probes.alerts.api import Answer, Api, HttpSource, Params, decode, wall_time
from validators.probes.alerts.base import AlertReading, Vanishing


class Status(msgspec.Struct, frozen=True):
    """Whether Alertmanager sends it on."""

    state: str = ""


class Listed(msgspec.Struct, frozen=True):
    """One alert of GET /api/v2/alerts."""

    labels: dict[str, str]
    fingerprint: str
    startsAt: str  # noqa: N815 - Alertmanager's own names
    updatedAt: str = ""  # noqa: N815
    endsAt: str = ""  # noqa: N815
    status: Status = Status()


class Alertmanager(HttpSource):
    """
    Alerts as Alertmanager lists them.

    `firing` is `startsAt`, the evaluation that fired it; `notified` is when Alertmanager had it.
    It lists no resolved alerts: the end lies between two looks.
    """

    name = "alertmanager"
    source: Source = "alertmanager"
    resolution_s = 0.001
    path = "/api/v2/alerts"
    params: Params = ()

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self._vanishing = Vanishing()

    async def read(self) -> list[AlertReading]:
        answer = await self.api.get(self.path, self.params)
        return self.parse(answer)

    def parse(self, answer: Answer) -> list[AlertReading]:
        """Read one answer; raises Unreadable."""
        readings: list[AlertReading] = []
        firing: dict[str, AlertReading] = {}
        for alert in decode(answer.body, list[Listed]):
            starts = wall_time(alert.startsAt)
            updated = wall_time(alert.updatedAt) if alert.updatedAt else None
            identity = f"{alert.fingerprint}|{alert.startsAt}"
            silenced = ", suppressed" if alert.status.state == "suppressed" else ""
            fired = AlertReading(
                alert=alert.labels.get("alertname", ""),
                state="firing",
                key=f"{identity}|firing",
                wall_s=starts,
                labels=alert.labels,
                evidence=f"{self.api.shown}{self.path} {alert.fingerprint}{silenced}",
            )
            firing[identity] = fired
            readings.append(fired)
            if updated is not None:
                readings.append(_notified(fired, identity, updated))
        return [*readings, *self._vanishing.ended(firing)]


def _notified(fired: AlertReading, identity: str, updated: float) -> AlertReading:
    # `updatedAt` moves on with each resending; the first time cannot have been before the firing.
    return msgspec.structs.replace(
        fired,
        state="notified",
        key=f"{identity}|notified",
        wall_s=updated,
        not_before_s=fired.wall_s,
    )
