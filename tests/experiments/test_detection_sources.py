"""From an environment's settings to what looks, and a customer who writes to support."""

import json
from collections.abc import Mapping

import anyio
import pytest

from drill.incident import PlannedDetection, Source
from experiments import support_desk
from experiments.detection_sources import Sources, missing_sources, opened_sources
from experiments.environment import Environment
from experiments.environment_parts import Monitoring
from experiments.monitoring_watch import opened_targets
from experiments.playbook import PLAYBOOK, load_playbook
from experiments.respond.customer import CustomerReport
from experiments.respond.ports import Hands
from experiments.site import Site
from experiments.support_desk import ReportFailed, SupportDesk
from tests.experiments.conftest import ENVIRONMENT
from tests.validators.probes.alerts.double import Double, with_double

EVERYTHING = {
    "prometheus": "http://127.0.0.1:9",
    "alertmanager": "http://127.0.0.1:9",
    "receiver": "http://127.0.0.1:9/api/alerts",
    "grafana": {"url": "http://127.0.0.1:9", "token": "glsa_made_up"},
    "sentry": {"url": "http://127.0.0.1:9", "organization": "o", "token": "sntrys_made_up"},
    "support": "http://127.0.0.1:9/api/support",
    "rules": ["A"],
    "panels": [{"name": "p", "query": "q", "moves": True}],
    "ignore_alerts": ["Watchdog"],
}


def opened(settings: Mapping[str, object]) -> Sources:
    async def main() -> Sources:
        monitoring = Monitoring.model_validate(settings)
        async with opened_sources(monitoring, [], lambda: 0.0) as sources:
            return sources

    return anyio.run(main)


def test_every_source_of_an_environment_is_built() -> None:
    """Each by its own name, with chains from Prometheus and silences from Alertmanager."""
    sources = opened(EVERYTHING)
    names = [source.name for source in sources.alerts]
    assert names == ["prometheus", "alertmanager", "receiver", "grafana", "sentry", "support"]
    assert sources.chains is not None
    assert sources.silences is not None
    assert "made_up" not in repr(sources)


def test_what_is_not_configured_is_not_built() -> None:
    """An environment with a support channel alone has that alone."""
    sources = opened({"support": "http://127.0.0.1:9"})
    assert [source.name for source in sources.alerts] == ["support"]
    assert (sources.chains, sources.silences) == (None, None)
    without = opened({name: value for name, value in EVERYTHING.items() if name != "support"})
    assert "support" not in [source.name for source in without.alerts]


@pytest.mark.parametrize(
    ("source", "places"), [("alertmanager", [0]), ("support", []), ("sentry", [0])]
)
def test_a_promise_without_its_source_is_a_problem_of_the_plan(
    source: Source, places: list[int]
) -> None:
    """Who cannot be asked cannot be promised."""
    monitoring = Monitoring(support="http://127.0.0.1:9")
    promised = [PlannedDetection("a", source, 9.0)]
    assert [place for place, _ in missing_sources(monitoring, promised)] == places
    assert [place for place, _ in missing_sources(None, promised)] == [0]


def test_what_to_look_at_comes_from_the_same_settings() -> None:
    """Rules, panels and what may fire are passed on as they were written."""

    async def main() -> None:
        async with opened_targets(Monitoring.model_validate(EVERYTHING)) as targets:
            assert (tuple(targets.rules), tuple(targets.ignored)) == (("A",), ("Watchdog",))
            assert [(each.name, each.moves) for each in targets.panels] == [("p", True)]
            assert targets.prometheus
            assert targets.grafana
        async with opened_targets(Monitoring()) as targets:
            assert (targets.prometheus, targets.alertmanager, targets.grafana) == (None,) * 3

    anyio.run(main)


def test_a_customers_report_reaches_support_marked_as_a_drills() -> None:
    """It is written as a customer would, from an address that is nobody's."""

    async def work(double: Double) -> None:
        double.answers["/api/support"] = {"id": "r7"}
        double.status["/api/support"] = 201
        said = await SupportDesk(f"{double.url}/api/support", "d1").report("I cannot pay")
        assert said == "support answered 201, message r7"
        (asked,) = double.asked
        assert (asked.method, json.loads(asked.body)) == (
            "POST",
            {
                "from": "customer@drill.invalid",
                "subject": "[drill d1] a report",
                "text": "I cannot pay",
            },
        )

    with_double(work)


def test_a_report_that_is_not_taken_fails() -> None:
    """A support channel that is down is an act that failed, and no detection."""

    async def work(double: Double) -> None:
        double.status["/api/support"] = 503
        with pytest.raises(ReportFailed, match="answered 503"):
            await SupportDesk(f"{double.url}/api/support", "d1").report("x")
        with pytest.raises(ReportFailed, match="cannot be reached"):
            await SupportDesk("http://127.0.0.1:9", "d1").report("x")

    with_double(work)


def test_without_a_channel_no_customer_can_write() -> None:
    """The act fails and says what the environment lacks."""
    with pytest.raises(ReportFailed, match="has no channel for customers"):
        anyio.run(SupportDesk(None, "d1").report, "x")


def test_a_support_that_hangs_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that nobody takes in time is none."""
    monkeypatch.setattr(support_desk, "SEND_LIMIT_S", 0.1)

    async def work(double: Double) -> None:
        double.delay_s = 1.0
        with pytest.raises(ReportFailed, match=r"did not answer within 0\.1 s"):
            await SupportDesk(f"{double.url}/api/support", "d1").report("x")

    with_double(work)


@pytest.mark.parametrize("said", [b"<html>thanks</html>", b"{}"])
def test_a_support_that_gives_no_number_has_taken_it_all_the_same(said: bytes) -> None:
    """Its status is the proof; a number is told where there is one."""

    async def work(double: Double) -> None:
        double.answers["/api/support"] = said
        proof = await SupportDesk(f"{double.url}/api/support", "d1").report("x")
        assert proof == "support answered 200"

    with_double(work)


class _Hands:
    """Only a customer's hand."""

    async def report(self, text: str) -> str:
        await anyio.lowlevel.checkpoint()
        return f"taken: {text}"


def test_the_act_of_a_customer_writes_its_text() -> None:
    """It is a report, sets no moment, and its proof is the channel's own answer."""
    act = CustomerReport.model_validate(
        {"do": "customer.report", "when": "effective", "after": "3m", "text": "I cannot pay"}
    )
    hands: Hands = _Hands()  # type: ignore[assignment]
    assert anyio.run(act.perform, hands) == "taken: I cannot pay"
    assert (act.kind, act.sets, act.after) == ("report", "", 180.0)


def test_a_report_needs_a_channel_for_customers() -> None:
    """The plan says what to add to the environment."""
    act = CustomerReport.model_validate(
        {"do": "customer.report", "when": "effective", "text": "I cannot pay"}
    )
    without = Environment.model_validate(ENVIRONMENT)
    having = Environment.model_validate({**ENVIRONMENT, "monitoring": {"support": "http://x"}})
    playbook = load_playbook(PLAYBOOK)
    (problem,) = act.problems(Site(without, frozenset(), playbook))
    assert problem[0] == "do"
    assert "monitoring.support" in problem[1]
    assert list(act.problems(Site(having, frozenset(), playbook))) == []
