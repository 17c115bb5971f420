"""One drill in virtual time: a fake staging, real plan, engine, judge and journal."""

from collections.abc import Callable, Coroutine
from typing import TypeVar

import anyio
import pytest
import trio
import trio.testing

from drill.events import Event, FaultChange, Found, Header
from drill.journal import Journal
from drill.verdict import Health
from experiments.beside import Beside, Nobody
from experiments.control import Control
from experiments.engine import Drill
from experiments.environment import Environment
from experiments.evidence import LogKeeper
from experiments.files import parse_document
from experiments.load.port import Load, NoLoad
from experiments.payments import Payments
from experiments.plan import Plan, make_plan
from experiments.playbook import PLAYBOOK, load_playbook
from experiments.problems import build_model
from experiments.reconciling import NoLedgers, Reconciling
from experiments.recorder import Recorder
from experiments.runtime.ports import Sights
from experiments.runtime.shapes import RunInfo
from experiments.scenario import scenario_model
from experiments.site import Site
from tests.experiments.fake_sights import FakeSights
from tests.experiments.fakes import FakeProbe, FakeSink, FakeStack

E = TypeVar("E", bound=Event)
SERVICES = ("shop", "backend", "redis", "paystack")
ENVIRONMENT = {
    "schema": "drill-environment/1",
    "environment": "staging",
    "compose": {"project": "fake", "file": "compose.yaml"},
    "outside": [{"name": "paystack", "host": "api.paystack.co", "kind": "vendor-test"}],
    "web": "http://127.0.0.1:1",
    "features": {"checkout": {"flag": "checkout"}},
    "monitoring": {"alertmanager": "http://127.0.0.1:1"},
    "probes": {
        "feature": {"sacred": True, "http": [{"url": "/feature"}]},
        "checkout": {"http": [{"url": "/checkout"}]},
    },
}
SCENARIO = """\
schema: drill-scenario/1
title: Made for a test
severity: 1
baseline: 3s
faults:
  - {fault: container.pause, target: backend, at: 1s, for: 20s}
during:
  - {check: degrades_gracefully, probes: [checkout]}
after:
  - {check: recovers_within, probes: [all], limit: 30s, stable_for: 5s}
"""


def plan_of(text: str, **more: object) -> Plan:
    """A plan from the text of a scenario, in the fake environment with *more* in it."""
    document = parse_document("scenario.yaml", text.encode(), {})
    scenario = build_model(scenario_model(), document)
    environment = Environment.model_validate(ENVIRONMENT | more)
    playbook = load_playbook(PLAYBOOK)
    return make_plan(scenario, document, Site(environment, frozenset(SERVICES), playbook))


class Rehearsal:
    """Runs one scenario against a fake staging and keeps everything for assertions."""

    def __init__(self, text: str = SCENARIO, **more: object) -> None:
        self.plan = plan_of(text, **more)
        self.stack = FakeStack(SERVICES)
        self.sink = FakeSink()
        self.sights = FakeSights()
        self.load: Load = NoLoad()
        self.ledgers: Reconciling = NoLedgers()
        self.control = Control()
        self.looks: dict[str, Callable[[], Health]] = {
            "feature": lambda: Health.OK,
            "checkout": self._checkout,
        }
        self.probes: dict[str, FakeProbe] = {}
        self.files: dict[str, bytes] = {}
        self.meanwhile: Callable[[Rehearsal], Coroutine[object, object, object]] | None = None

    def _checkout(self) -> Health:
        hurt = self.stack.status["backend"] != "running" or self.stack.rules
        return Health.DEGRADED if hurt else Health.OK

    def make(self, sights: Sights | None) -> Drill:
        """The drill, put together and not begun."""
        return Drill(
            self.plan,
            RunInfo(run="r1", scenario="test", project="fake", directory=""),
            stack=self.stack,
            probes=dict(self.probes),
            recorder=self.recorder,
            control=self.control,
            beside=self.beside(),
            keep_evidence=LogKeeper(self.stack, self.recorder, self.files.__setitem__).keep,
            payments=Payments(self.load, self.ledgers, sights),
        )

    async def main(self) -> int:
        self.recorder = Recorder(self.sink, anyio.current_time())
        self.recorder.add(header())
        self.probes = {
            name: FakeProbe(name, look, self.recorder) for name, look in self.looks.items()
        }
        self.drill = self.make(self.sights)
        async with anyio.create_task_group() as group:
            if self.meanwhile:
                group.start_soon(self.meanwhile, self)
            code = await self.drill.run()
            group.cancel_scope.cancel()
        self.stack.close()
        return code

    def beside(self) -> Beside:
        """Who is beside the faults; nobody, unless a test's subclass says otherwise."""
        return Nobody()

    def run(self) -> int:
        """The exit code of the drill, in no time at all."""
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(self.main, clock=clock)

    @property
    def journal(self) -> Journal:
        return self.recorder.journal

    def first(self, kind: type[E]) -> E:
        """The first event of one kind, which must be there."""
        found = self.journal.first(kind)
        assert found is not None
        return found

    def last(self, kind: type[E]) -> E:
        """The last event of one kind, which must be there."""
        found = self.journal.last(kind)
        assert found is not None
        return found

    def findings(self) -> dict[str, tuple[str, str]]:
        """Verdict and reason by check."""
        return {found.check: (found.verdict, found.reason) for found in self.journal.every(Found)}

    def states(self, fault: str = "f1") -> list[str]:
        """The states a fault went through."""
        return [change.state for change in self.journal.every(FaultChange) if change.id == fault]


def header() -> Header:
    """A header as the command line writes it."""
    return Header(
        t=0.0,
        id="r1",
        scenario="test",
        title="Made for a test",
        environment="staging",
        project="fake",
        harness="0",
        commit="c",
        dirty=False,
        command="drill run test",
        seed=1,
        severity=1,
        wall_s=0.0,
        mono_s=0.0,
        boot_id="b",
    )


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal()
