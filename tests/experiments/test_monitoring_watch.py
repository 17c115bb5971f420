"""The looks at the monitoring around a drill, over real sockets."""

import anyio

from drill.events import Note, Phase
from drill.incident import MonitoringSeen
from experiments.monitoring_watch import MonitoringWatch
from experiments.recorder import Recorder
from tests.experiments.fakes import FakeSink
from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Double, with_double
from validators.probes.alerts.api import Api
from validators.probes.monitoring import MonitoredPanel, MonitoringTargets

WALL_S = 5000.0


def test_panels_are_asked_for_the_span_of_the_fault_by_the_wall_clock() -> None:
    """Before, what is wrong is noted; after, the panels' spans are the fault's own."""

    async def work(double: Double) -> None:
        double.answers["/api/v1/query_range"] = shapes.matrix(({}, ["1"]))
        api = Api(double.url)
        targets = MonitoringTargets(prometheus=api, panels=[MonitoredPanel("p", "q", moves=True)])
        recorder = Recorder(FakeSink(), anyio.current_time() - 40.0)
        watch = MonitoringWatch(recorder, targets)
        await watch.before()
        recorder.add(Phase(t=10.0, name="faults", wall_s=WALL_S))
        recorder.fault("f1", "intent")
        injected = recorder.t()
        recorder.fault("f1", "healing")
        recorder.start -= 20.0  # Twenty seconds later.
        await watch.after(0.0)
        await api.close()
        _assert_seen(recorder)
        asked = [one.query for one in double.asked if one.path == "/api/v1/query_range"]
        before, during = ((float(one["start"][0]), float(one["end"][0])) for one in asked)
        first = WALL_S + injected - 10.0
        assert abs(during[0] - first) < 0.5
        assert abs(during[1] - (first + 2.0)) < 0.5
        assert before == (during[0] - 60.0, during[0])

    with_double(work)


def _assert_seen(recorder: Recorder) -> None:
    journal = recorder.journal
    (note,) = journal.every(Note)
    assert note.text.startswith("the monitoring before the first fault: not so: Prometheus is re")
    seen = list(journal.every(MonitoringSeen))
    assert [one.when for one in seen] == ["before"] * 7 + ["during"] + ["after"] * 7
    (panel,) = (one for one in seen if one.when == "during")
    assert (panel.what, panel.ok) == ("panel p moved", False)


def test_a_monitoring_that_is_whole_before_is_worth_no_note() -> None:
    """Only what was wrong before the drill has to be told as not its doing."""

    async def work(double: Double) -> None:
        double.answers |= {"/-/ready": b"ready", "/api/v2/alerts": []}
        api = Api(double.url)
        recorder = Recorder(FakeSink(), anyio.current_time())
        await MonitoringWatch(recorder, MonitoringTargets(alertmanager=api)).before()
        await api.close()
        assert [one.ok for one in recorder.journal.every(MonitoringSeen)] == [True, True]
        assert list(recorder.journal.every(Note)) == []

    with_double(work)


def test_without_a_fault_no_panel_must_move() -> None:
    """`drill verify` and a drill that was stopped early look at what is, and at no span."""

    async def work(double: Double) -> None:
        api = Api(double.url)
        targets = MonitoringTargets(prometheus=api, panels=[MonitoredPanel("p", "q", moves=True)])
        recorder = Recorder(FakeSink(), anyio.current_time())
        await MonitoringWatch(recorder, targets).after(0.0)
        await api.close()
        assert {one.when for one in recorder.journal.every(MonitoringSeen)} == {"after"}
        assert all(one.path != "/api/v1/query_range" for one in double.asked)

    with_double(work)
