"""From an environment's settings to what looks for alerts; nothing here is asked yet."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from pydantic import SecretStr

from drill.incident import PlannedDetection, Source
from experiments.detection import ChainReader
from experiments.environment_parts import Monitoring
from experiments.silences import SilenceSource
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Api, HttpSource
from validators.probes.alerts.base import AlertSource
from validators.probes.alerts.chain import Chains
from validators.probes.alerts.grafana import Grafana
from validators.probes.alerts.prometheus import Prometheus
from validators.probes.alerts.receiver import Receiver
from validators.probes.alerts.sentry import Sentry
from validators.probes.alerts.silences import Silences
from validators.probes.alerts.support import Support


class Sources(msgspec.Struct, frozen=True):
    """Everything that detection needs of the world."""

    alerts: Sequence[AlertSource]
    chains: ChainReader | None
    silences: SilenceSource | None


@asynccontextmanager
async def opened_sources(
    monitoring: Monitoring, detections: Sequence[PlannedDetection], now: Callable[[], float]
) -> AsyncIterator[Sources]:
    """
    Build the sources of an environment, and close them at the end.

    Args:
        monitoring: The environment's settings.
        detections: What was promised; error groups and reports are told by these words alone.
        now: Seconds from the drill's start.
    """
    alerts = list(_alerts(monitoring, detections))
    chains = _chains(monitoring, now)
    silences = Silences(Api(monitoring.alertmanager)) if monitoring.alertmanager else None
    try:
        yield Sources(alerts, chains, silences)
    finally:
        for each in (*alerts, chains, silences):
            if each:
                await each.close()


def missing_sources(
    monitoring: Monitoring | None, detections: Sequence[PlannedDetection]
) -> Iterator[tuple[int, str]]:
    """Give each promise, by its place, whose source the environment does not name."""
    for place, one in enumerate(detections):
        if monitoring is None or not getattr(monitoring, one.source):
            yield place, f"the environment does not say where {one.source} is: `monitoring`"


def _alerts(monitoring: Monitoring, detections: Sequence[PlannedDetection]) -> Iterator[HttpSource]:
    if monitoring.prometheus:
        yield Prometheus(Api(monitoring.prometheus))
    if monitoring.alertmanager:
        yield Alertmanager(Api(monitoring.alertmanager))
    if monitoring.receiver:
        yield Receiver(Api(monitoring.receiver))
    if monitoring.grafana:
        yield Grafana(Api(monitoring.grafana.url, _secret(monitoring.grafana.token)))
    if monitoring.sentry:
        api = Api(monitoring.sentry.url, _secret(monitoring.sentry.token))
        words = _words(detections, "sentry")
        yield Sentry(api, monitoring.sentry.organization, monitoring.sentry.project, words)
    if monitoring.support:
        yield Support(Api(monitoring.support), _words(detections, "support"))


def _chains(monitoring: Monitoring, now: Callable[[], float]) -> Chains | None:
    if not monitoring.prometheus:
        return None
    alertmanager = Api(monitoring.alertmanager) if monitoring.alertmanager else None
    return Chains(Api(monitoring.prometheus), alertmanager, now)


def _words(detections: Sequence[PlannedDetection], source: Source) -> list[str]:
    return [one.alert for one in detections if one.source == source]


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
