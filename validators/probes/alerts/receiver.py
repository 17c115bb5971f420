"""What Alertmanager's webhook delivered: the last step of an alert's chain, and its exact end."""

from collections.abc import Iterator

import msgspec

from drill.incident import Source
from validators.probes.alerts.api import Answer, HttpSource, decode, wall_time
from validators.probes.alerts.base import AlertReading, Unreadable


class Delivered(msgspec.Struct, frozen=True):
    """One alert of a webhook's payload, version 4."""

    status: str
    labels: dict[str, str]
    startsAt: str  # noqa: N815 - Alertmanager's own names
    fingerprint: str = ""
    endsAt: str = ""  # noqa: N815


class Payload(msgspec.Struct, frozen=True):
    """One call of the webhook."""

    alerts: list[Delivered]
    groupKey: str = ""  # noqa: N815


class Entry(msgspec.Struct, frozen=True):
    """
    One line of a receiver's list: a payload with its time of arrival, or one alert of it.

    Receivers differ: some keep the payload below `payload`, some add a time to it, some keep the
    alerts one by one.
    """

    received_at: str
    groupKey: str = ""  # noqa: N815
    payload: Payload | None = None
    alerts: list[Delivered] | None = None
    status: str = ""
    labels: dict[str, str] | None = None
    startsAt: str = ""  # noqa: N815
    endsAt: str = ""  # noqa: N815
    fingerprint: str = ""

    def each(self) -> Iterator[tuple[str, Delivered]]:
        """Every alert with the key of its group."""
        if self.payload is not None:
            yield from ((self.payload.groupKey, alert) for alert in self.payload.alerts)
        elif self.alerts is not None:
            yield from ((self.groupKey, alert) for alert in self.alerts)
        elif self.labels is not None:
            alert = Delivered(
                self.status, self.labels, self.startsAt, self.fingerprint, self.endsAt
            )
            yield self.groupKey, alert
        else:
            raise Unreadable("lists something that is no alert")


class Receiver(HttpSource):
    """
    Deliveries: `delivered` is the first arrival; `resolved` the alert's own end.

    The news of an end arrives up to a group interval late, so its arrival says nothing. What is
    delivered twice has the same key: (groupKey, fingerprint, status, startsAt).
    """

    name = "receiver"
    source: Source = "alertmanager"
    resolution_s = 0.001

    async def read(self) -> list[AlertReading]:
        return self.parse(await self.api.get(""))

    def parse(self, answer: Answer) -> list[AlertReading]:
        """Read one answer; raises Unreadable."""
        first: dict[str, AlertReading] = {}
        for entry in decode(answer.body, list[Entry]):
            arrived = wall_time(entry.received_at)
            for group, alert in entry.each():
                reading = self._reading(group, alert, arrived)
                known = first.get(reading.key)
                if known is None or (reading.wall_s or 0.0) < (known.wall_s or 0.0):
                    first[reading.key] = reading
        return list(first.values())

    def _reading(self, group: str, alert: Delivered, arrived: float | None) -> AlertReading:
        over = alert.status == "resolved"
        starts = wall_time(alert.startsAt)
        ended = wall_time(alert.endsAt) if over and alert.endsAt else None
        return AlertReading(
            alert=alert.labels.get("alertname", ""),
            state="resolved" if over else "delivered",
            key=f"{group}|{alert.fingerprint}|{alert.status}|{alert.startsAt}",
            wall_s=(ended or arrived) if over else arrived,
            not_before_s=starts if over and ended is None else None,
            labels=alert.labels,
            evidence=f"webhook's receiver {self.api.shown} {alert.fingerprint}",
        )
