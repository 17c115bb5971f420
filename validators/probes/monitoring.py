"""
Looking at the monitoring itself, whether it is up, sees everything, and could still tell.

What the playbook calls validating the dashboards after a rollback. Each look is one event; what
could not be asked is neither good nor bad.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Literal

import anyio
import msgspec

from drill.incident import MonitoringSeen
from validators.probes.alerts.alertmanager import Listed
from validators.probes.alerts.api import Api, decode
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.chain import default_scrape_s, targets
from validators.probes.alerts.prometheus import RULES, rule_groups
from validators.probes.alerts.routes import prometheus_duration
from validators.probes.alerts.vectors import query, spread
from validators.probes.panels import moved

OK = 200
LOOK_LIMIT_S = 5.0
"""One question about the monitoring."""
FRESH = 2.0
"""So many scrape intervals old may a value be."""
AGAIN_S = 0.5
NAMED = 5
"""At most so many things are named in a detail."""
When = Literal["before", "during", "after"]
Said = tuple[bool | None, str]


class MonitoredPanel(msgspec.Struct, frozen=True):
    """A panel that must show data; with *moves*, one a fault must be seen in."""

    name: str
    query: str
    moves: bool = False


class MonitoringTargets(msgspec.Struct, frozen=True):
    """
    What is looked at.

    Attributes:
        rules: Names of alerts whose rules must exist.

        ignored: Alerts that may be firing.
    """

    prometheus: Api | None = None
    alertmanager: Api | None = None
    grafana: Api | None = None
    rules: Sequence[str] = ()
    panels: Sequence[MonitoredPanel] = ()
    ignored: Sequence[str] = ()


async def look_at_monitoring(
    at: MonitoringTargets, when: When, now: Callable[[], float], *, quiet_within_s: float = 0.0
) -> list[MonitoringSeen]:
    """
    Look at everything once.

    Args:
        at: What there is to look at.
        when: Before, during or after the fault.
        now: Seconds from the drill's start.
        quiet_within_s: How long to wait for the last alert to end.

    Returns:
        One event a question. It never raises for what does not answer: that is `ok` None, or
        False where answering is what was asked.
    """
    seen = []
    for one in (*_prometheus(at), *_others(at)):
        ok, detail = await _asked(one.ask(), one.silent)
        seen.append(MonitoringSeen(t=now(), when=when, what=one.what, ok=ok, detail=detail))
    if at.prometheus or at.alertmanager:
        ok, detail = await _quiet(at, quiet_within_s)
        what = "no alert is firing"
        seen.append(MonitoringSeen(t=now(), when=when, what=what, ok=ok, detail=detail))
    return seen


async def look_whether_moved(
    at: MonitoringTargets,
    now: Callable[[], float],
    before: tuple[float, float],
    during: tuple[float, float],
) -> list[MonitoringSeen]:
    """
    Look whether the panels that must move showed the fault.

    Args:
        at: What there is to look at.
        now: Seconds from the drill's start.
        before: A span before the fault, in seconds since 1970.
        during: The span of the fault.
    """
    if at.prometheus is None:
        return []
    seen = []
    for panel in at.panels:
        if not panel.moves:
            continue
        ok, detail = await _asked(_moved(at.prometheus, panel.query, before, during))
        what = f"panel {panel.name} moved"
        seen.append(MonitoringSeen(t=now(), when="during", what=what, ok=ok, detail=detail))
    return seen


class _Question(msgspec.Struct, frozen=True):
    """What is asked, how, and what it means if nobody answers."""

    what: str
    ask: Callable[[], Awaitable[Said]]
    silent: bool | None = None


def _prometheus(at: MonitoringTargets) -> Iterable[_Question]:
    api = at.prometheus
    if api is None:
        return
    yield _Question("Prometheus is ready", partial(_ready, api), silent=False)
    yield _Question("rules are healthy", partial(_rules, api, at.rules))
    yield _Question("targets are up", partial(_targets, api))
    yield _Question("values are fresh", partial(_fresh, api))
    yield _Question("Prometheus has an Alertmanager", partial(_has_alertmanager, api))
    for panel in at.panels:
        yield _Question(f"panel {panel.name} has data", partial(_panel, api, panel.query))


def _others(at: MonitoringTargets) -> Iterable[_Question]:
    if at.alertmanager is not None:
        yield _Question("Alertmanager is ready", partial(_ready, at.alertmanager), silent=False)
    if at.grafana is not None:
        yield _Question("Grafana is healthy", partial(_grafana, at.grafana), silent=False)


async def _asked(question: Awaitable[Said], silent: bool | None = None) -> Said:  # noqa: FBT001
    try:
        with anyio.fail_after(LOOK_LIMIT_S):
            return await question
    except TimeoutError:
        return silent, f"no answer within {LOOK_LIMIT_S:g} s"
    except Unreadable as error:
        return silent, str(error)


async def _ready(api: Api) -> Said:
    answer = await api.ask("/-/ready")
    return answer.status == OK, f"answered {answer.status}"


class _GrafanaHealth(msgspec.Struct, frozen=True):
    database: str = ""
    version: str = ""


async def _grafana(api: Api) -> Said:
    health = decode((await api.get("/api/health")).body, _GrafanaHealth)
    return health.database == "ok", f"version {health.version}, database {health.database}"


async def _rules(api: Api, expected: Sequence[str]) -> Said:
    groups = rule_groups(await api.get(RULES))
    rules = [rule for group in groups for rule in group.rules or ()]
    missing = sorted(set(expected) - {rule.name for rule in rules})
    ill = [f"{rule.name} is {rule.health}" for rule in rules if rule.health != "ok"]
    if missing or ill:
        return False, _listed([*(f"{name} is missing" for name in missing), *ill])
    if not rules:
        return False, "there is no rule"
    return True, f"{len(rules)} rules"


async def _targets(api: Api) -> Said:
    found = await targets(api)
    down = [
        f"{one.job} {one.labels.get('instance', '')} is {one.health or 'of no health'}"
        for one in found
        if one.health != "up" or one.lastError
    ]
    if down or not found:
        return False, _listed(down) or "there is no target"
    return True, f"{len(found)} targets"


async def _fresh(api: Api) -> Said:
    default = await default_scrape_s(api)
    intervals = {
        (one.job, one.labels.get("instance", "")): (
            prometheus_duration(one.scrapeInterval) if one.scrapeInterval else default
        )
        for one in await targets(api)
    }
    ages = await query(api, "time() - timestamp(up)")
    old, known = [], set()
    for age in ages:
        place = age.labels.get("job", ""), age.labels.get("instance", "")
        known.add(place)
        if age.value >= FRESH * intervals.get(place, default):
            old.append(f"{' '.join(place)}: {age.value:.1f} s old")
    old += [f"{' '.join(place)}: no value" for place in sorted(intervals.keys() - known)]
    if old or not ages:
        return False, _listed(old) or "no value of `up`"
    return True, f"oldest {max(age.value for age in ages):.1f} s"


class _Url(msgspec.Struct, frozen=True):
    url: str


class _Alertmanagers(msgspec.Struct, frozen=True):
    activeAlertmanagers: list[_Url] | None = None  # noqa: N815 - Prometheus's own name


class _AlertmanagersAnswer(msgspec.Struct, frozen=True):
    status: str
    data: _Alertmanagers | None = None


async def _has_alertmanager(api: Api) -> Said:
    answer = decode((await api.get("/api/v1/alertmanagers")).body, _AlertmanagersAnswer)
    active = answer.data.activeAlertmanagers if answer.data else None
    return bool(active), f"{len(active or ())} active"


async def _panel(api: Api, expression: str) -> Said:
    values = await query(api, expression)
    if not values:
        return False, "no data"
    return True, f"{len(values)} series, first {values[0].value:g}"


async def _moved(
    api: Api, expression: str, before: tuple[float, float], during: tuple[float, float]
) -> Said:
    return moved(await spread(api, expression, *before), await spread(api, expression, *during))


async def _quiet(at: MonitoringTargets, within_s: float) -> Said:
    """Wait until nothing fires; an alert ends some seconds after its cause."""
    began = anyio.current_time()
    while True:  # At most within_s, and one look more.
        ok, detail = await _asked(_nothing_fires(at))
        waited = anyio.current_time() - began
        if ok or waited >= within_s:
            after = f" after {waited:.1f} s" if ok and waited >= AGAIN_S else ""
            return ok, detail + after
        await anyio.sleep(AGAIN_S)


async def _nothing_fires(at: MonitoringTargets) -> Said:
    names: set[str] = set()
    if at.prometheus is not None:
        groups = rule_groups(await at.prometheus.get(RULES))
        names |= {
            rule.name
            for group in groups
            for rule in group.rules or ()
            if any(alert.state == "firing" for alert in rule.alerts or ())
        }
    if at.alertmanager is not None:
        listed = decode((await at.alertmanager.get("/api/v2/alerts")).body, list[Listed])
        names |= {alert.labels.get("alertname", "") for alert in listed}
    firing = sorted(names - set(at.ignored))
    return not firing, _listed(firing) if firing else "nothing fires"


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return ", ".join(items[:NAMED]) + more
