"""The readers against the real Prometheus and Alertmanager, where Debian's packages are there."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from drill.incident import MonitoringSeen
from tests.staging.ports import free_port
from tests.validators.probes.alerts.double import Asked, Double, serving
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Api
from validators.probes.alerts.base import AlertReading, AlertSource
from validators.probes.alerts.chain import Chains
from validators.probes.alerts.prometheus import Prometheus
from validators.probes.alerts.receiver import Receiver
from validators.probes.alerts.silences import Silences
from validators.probes.monitoring import (
    MonitoredPanel,
    MonitoringTargets,
    look_at_monitoring,
    look_whether_moved,
)

COMMANDS = ("prometheus", "prometheus-alertmanager")
PATIENCE_S = 30.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(command) is None for command in COMMANDS),
        reason="no prometheus and prometheus-alertmanager here (Debian's packages of these names)",
    ),
]
PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 800ms, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ["{shop}"]}}]}}]
"""
RULES = """
groups:
  - name: alerts
    rules:
      - {alert: PaystackUnreachable, expr: paystack_up == 0, for: 2s, labels: {severity: "1"}}
      - {alert: Blind, expr: nobody_exports_this == 0}
"""
ALERTMANAGER = """
route: {{receiver: hook, group_wait: 0s, group_interval: 1s, group_by: [alertname]}}
receivers: [{{name: hook, webhook_configs: [{{url: "{hook}/deliver"}}]}}]
"""


class Scene:
    """A shop with one metric, watched for real, and a receiver that keeps what it gets."""

    def __init__(self, shop: Double, prometheus: str, alertmanager: str) -> None:
        self.shop = shop
        self.prometheus = prometheus
        self.alertmanager = alertmanager
        self.up = True
        self.delivered: list[dict[str, object]] = []
        shop.answers["/metrics"] = lambda _: f"paystack_up {int(self.up)}\n".encode()
        shop.answers["/deliver"] = self._deliver
        shop.answers["/delivered"] = lambda _: self.delivered

    def _deliver(self, asked: Asked) -> object:
        payload = json.loads(asked.body)
        self.delivered.append({"received_at": datetime.now(UTC).isoformat(), "payload": payload})
        return {}

    async def until(self, source: AlertSource, state: str) -> AlertReading:
        """The first reading of that state, looked for as a drill does."""
        with anyio.fail_after(PATIENCE_S):
            while True:
                for reading in await source.look():
                    if reading.state == state:
                        return reading
                await anyio.sleep(0.1)


@asynccontextmanager
async def started(folder: Path, *command: str) -> AsyncIterator[None]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


async def ready(address: str) -> None:
    api = Api(address)
    with anyio.fail_after(PATIENCE_S):
        while True:
            answer = await asyncio.gather(api.ask("/-/ready"), return_exceptions=True)
            if getattr(answer[0], "status", 0) == 200:
                break
            await anyio.sleep(0.1)
    await api.close()


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Everything up, and the shop's metric scraped once."""
    ports = free_port(), free_port()
    async with serving() as shop:
        made = Scene(shop, *(f"http://127.0.0.1:{port}" for port in ports))
        host = shop.url.removeprefix("http://")
        (folder / "p.yml").write_text(PROMETHEUS.format(alertmanager=ports[1], shop=host))
        (folder / "rules.yml").write_text(RULES)
        (folder / "a.yml").write_text(ALERTMANAGER.format(hook=shop.url))
        listen = f"--web.listen-address=127.0.0.1:{ports[0]}"
        storage = f"--storage.tsdb.path={folder}/tsdb"
        alerting = f"--web.listen-address=127.0.0.1:{ports[1]}"
        kept = f"--storage.path={folder}/am"
        async with (
            started(
                folder,
                COMMANDS[1],
                "--config.file=a.yml",
                kept,
                alerting,
                "--cluster.listen-address=",
            ),
            started(folder, COMMANDS[0], "--config.file=p.yml", storage, listen),
        ):
            await ready(made.prometheus)
            await ready(made.alertmanager)
            with anyio.fail_after(PATIENCE_S):
                while not any(asked.path == "/metrics" for asked in shop.asked):
                    await anyio.sleep(0.1)
            yield made


def play(folder: Path, work: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        async with scene(folder) as made:
            await work(made)

    anyio.run(main)


def test_an_alerts_whole_life_is_told_in_order(tmp_path: Path) -> None:
    """Pending, firing, notified, delivered, silenced and resolved, each by who knows it."""

    async def work(made: Scene) -> None:
        prometheus = Prometheus(Api(made.prometheus))
        alertmanager = Alertmanager(Api(made.alertmanager))
        receiver = Receiver(Api(f"{made.shop.url}/delivered"))
        silences = Silences(Api(made.alertmanager))
        chains = Chains(Api(made.prometheus), Api(made.alertmanager), lambda: 0.0)
        began = datetime.now(UTC).timestamp()
        made.up = False
        pending = await made.until(prometheus, "pending")
        fired = await made.until(alertmanager, "firing")
        notified = await made.until(alertmanager, "notified")
        by_prometheus = await made.until(prometheus, "firing")
        delivered = await made.until(receiver, "delivered")
        times = [began, pending.wall_s, fired.wall_s, notified.wall_s, delivered.wall_s]
        assert times == sorted(times, key=lambda at: at or 0.0)
        assert (fired.wall_s or 0) - (pending.wall_s or 0) >= 2.0 - 0.001
        assert abs((by_prometheus.not_before_s or 0) - (fired.wall_s or 0)) < 0.1
        await _silence(made, "PaystackUnreachable")
        (silence,) = await silences.silences()
        assert (silence.active, silence.createdBy) == (True, "ada")
        assert silence.covers(fired.labels)
        chain, blind = await chains.read(["PaystackUnreachable", "Blind"])
        assert (chain.present, chain.health, chain.series) == (True, "ok", 1)
        parts = chain.scrape_s, chain.evaluation_s, chain.for_s, chain.group_wait_s
        assert parts == (1.0, 1.0, 2.0, 0.0)
        assert (blind.present, blind.series) == (True, 0)
        made.up = True
        assert (await made.until(prometheus, "resolved")).alert == "PaystackUnreachable"
        assert (await made.until(alertmanager, "resolved")).alert == "PaystackUnreachable"
        for each in (prometheus, alertmanager, receiver, silences, chains):
            await each.close()

    play(tmp_path, work)


async def _silence(made: Scene, alert: str) -> None:
    body = {
        "matchers": [{"name": "alertname", "value": alert, "isRegex": False, "isEqual": True}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ada",
        "comment": "on it",
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{made.alertmanager}/api/v2/silences", json=body)
        assert answer.status_code == 200
        with anyio.fail_after(PATIENCE_S):
            while True:
                listed = (await client.get(f"{made.alertmanager}/api/v2/silences")).json()
                if listed[0]["status"]["state"] == "active":
                    return
                await anyio.sleep(0.1)


def test_the_monitoring_itself_is_looked_at(tmp_path: Path) -> None:
    """Whole while all is well; a panel moves with the fault, and an alert that fires is told."""

    async def work(made: Scene) -> None:
        at = MonitoringTargets(
            prometheus=Api(made.prometheus),
            alertmanager=Api(made.alertmanager),
            rules=("PaystackUnreachable",),
            panels=(MonitoredPanel("paystack", "paystack_up", moves=True),),
        )
        calm = await _until_whole(at)
        assert {one.what for one in calm} >= {"targets are up", "panel paystack has data"}
        before = datetime.now(UTC).timestamp()
        made.up = False
        await made.until(Alertmanager(Api(made.alertmanager)), "firing")
        during = datetime.now(UTC).timestamp()
        hurt = {one.what: one for one in await look_at_monitoring(at, "during", lambda: 0.0)}
        assert hurt["no alert is firing"].detail == "PaystackUnreachable"
        spans = (before - 60, before), (before, during)
        (moved,) = await look_whether_moved(at, lambda: 0.0, *spans)
        assert (moved.ok, moved.what) == (True, "panel paystack moved"), moved.detail
        made.up = True
        after = await look_at_monitoring(at, "after", lambda: 0.0, quiet_within_s=PATIENCE_S)
        assert [one.what for one in after if not one.ok] == []
        for api in (at.prometheus, at.alertmanager):
            assert api is not None
            await api.close()

    play(tmp_path, work)


async def _until_whole(at: MonitoringTargets) -> list[MonitoringSeen]:
    with anyio.fail_after(PATIENCE_S):
        while True:
            looks = await look_at_monitoring(at, "before", lambda: 0.0)
            if all(one.ok for one in looks):
                return looks
            await anyio.sleep(0.2)
