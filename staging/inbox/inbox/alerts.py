"""What Alertmanager told us: its webhook's version 4, each piece of news once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from typing import Any

from inbox.store import KEPT, now

VERSION = "4"


@dataclass(frozen=True)
class Notice:
    """An alert's beginning or end, as it arrived first; Alertmanager repeats what it must."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: str  # noqa: N815 - Alertmanager's own names
    endsAt: str  # noqa: N815
    fingerprint: str
    groupKey: str  # noqa: N815
    receiver: str
    received_at: str
    times: int = 1


class Alerts:
    """The last notices; the oldest fall out."""

    def __init__(self) -> None:
        self._notices: OrderedDict[tuple[str, ...], Notice] = OrderedDict()

    def add(self, payload: dict[str, Any]) -> None:
        """
        Keep the alerts of a webhook call.

        Raises:
            ValueError: if it is not one of version 4; nothing of it is kept then.
        """
        if payload.get("version") != VERSION:
            raise ValueError(f"version {VERSION} of Alertmanager's webhook is wanted")
        try:
            notices = [_notice(payload, alert) for alert in payload["alerts"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"an alert without its fields: {error!r}") from error
        for notice in notices:
            key = (notice.groupKey, notice.fingerprint, notice.status, notice.startsAt)
            known = self._notices.get(key)
            self._notices[key] = replace(known, times=known.times + 1) if known else notice
        while len(self._notices) > KEPT:
            self._notices.popitem(last=False)

    def newest_first(self) -> list[dict[str, Any]]:
        """All notices as JSON."""
        return [asdict(notice) for notice in reversed(self._notices.values())]


def _notice(payload: dict[str, Any], alert: dict[str, Any]) -> Notice:
    return Notice(
        status=str(alert["status"]),
        labels=dict(alert["labels"]),
        annotations=dict(alert.get("annotations", {})),
        startsAt=str(alert["startsAt"]),
        endsAt=str(alert["endsAt"]),
        fingerprint=str(alert["fingerprint"]),
        groupKey=str(payload["groupKey"]),
        receiver=str(payload["receiver"]),
        received_at=now(),
    )
