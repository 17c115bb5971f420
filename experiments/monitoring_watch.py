"""Whether the monitoring is whole before a drill and after it, and whether it showed the fault."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drill.events import FAULT_BEGINS, FaultChange
from drill.incident import MonitoringSeen
from experiments.environment_parts import Monitoring
from experiments.placing import wall
from experiments.recorder import Recorder
from validators.checks.base import fault_window
from validators.probes.alerts.api import Api
from validators.probes.monitoring import (
    MonitoredPanel,
    MonitoringTargets,
    look_at_monitoring,
    look_whether_moved,
)

QUIET_WITHIN_S = 30.0
"""An alert has ended so long after its cause, or it is a finding."""
BEFORE_S = 60.0
"""What a panel showed for so long before the fault is how it usually is."""
SETTLE_S = 2.0
"""A panel shows the last moments of a fault a scrape and an evaluation later."""


class MonitoringWatch:
    """
    Looks at the monitoring before the first fault and after everything is undone.

    Args:
        recorder: Where looks are written.

        targets: What to look at.
    """

    def __init__(self, recorder: Recorder, targets: MonitoringTargets) -> None:
        self._recorder = recorder
        self._targets = targets

    async def before(self) -> None:
        """Look once; what is wrong now is not the drill's doing."""
        seen = await look_at_monitoring(self._targets, "before", self._recorder.t)
        wrong = [one for one in seen if one.ok is False]
        self._write(seen)
        if wrong:
            told = "; ".join(f"not so: {one.what} ({one.detail})" for one in wrong)
            self._recorder.note(f"the monitoring before the first fault: {told}")

    async def after(self, quiet_within_s: float = QUIET_WITHIN_S) -> None:
        """Look once everything is undone: what the panels showed, and whether all is whole."""
        journal = self._recorder.journal
        window = fault_window(journal)
        if window is not None:
            start = next(c.t for c in journal.every(FaultChange) if c.state in FAULT_BEGINS)
            end = min(window.end + SETTLE_S, self._recorder.t())
            first, last = wall(journal, start), wall(journal, end)
            spans = (first - BEFORE_S, first), (first, max(first, last))
            self._write(await look_whether_moved(self._targets, self._recorder.t, *spans))
        now = self._recorder.t
        self._write(
            await look_at_monitoring(self._targets, "after", now, quiet_within_s=quiet_within_s)
        )

    def _write(self, seen: list[MonitoringSeen]) -> None:
        for one in seen:
            self._recorder.add(one)


@asynccontextmanager
async def opened_targets(monitoring: Monitoring) -> AsyncIterator[MonitoringTargets]:
    """Build what there is to look at from an environment's settings, and close it at the end."""
    grafana = monitoring.grafana
    token = grafana.token.get_secret_value() if grafana and grafana.token else ""
    targets = MonitoringTargets(
        prometheus=Api(monitoring.prometheus) if monitoring.prometheus else None,
        alertmanager=Api(monitoring.alertmanager) if monitoring.alertmanager else None,
        grafana=Api(grafana.url, token) if grafana else None,
        rules=monitoring.rules,
        panels=[MonitoredPanel(each.name, each.query, each.moves) for each in monitoring.panels],
        ignored=monitoring.ignore_alerts,
    )
    try:
        yield targets
    finally:
        for api in (targets.prometheus, targets.alertmanager, targets.grafana):
            if api:
                await api.close()
