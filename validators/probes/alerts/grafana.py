"""Grafana's own alerts, in Alertmanager's shape; only those past their `for` are listed."""

from drill.incident import Source
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Params


class Grafana(Alertmanager):
    """Alerts that Grafana manages; the token is a service account's."""

    name = "grafana"
    source: Source = "grafana"
    path = "/api/alertmanager/grafana/api/v2/alerts"
    params: Params = (("active", "true"),)
