"""Each source of alerts over real sockets, against doubles with the shapes of its documents."""

from collections.abc import Sequence

import pytest

from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Asked, Double, with_double
from validators.probes.alerts import api as api_module
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Api, wall_time
from validators.probes.alerts.base import AlertReading, Unreadable
from validators.probes.alerts.grafana import Grafana
from validators.probes.alerts.prometheus import Prometheus
from validators.probes.alerts.sentry import Sentry

ISSUES = "/api/0/organizations/vauntico/issues/"
Steps = list[tuple[str, float | None]]


def steps(readings: Sequence[AlertReading]) -> Steps:
    return [(one.state, one.wall_s) for one in readings]


def test_alertmanager_tells_when_it_fired_and_when_it_was_notified() -> None:
    """The firing is `startsAt`; Alertmanager had it at `updatedAt`, and not before it fired."""

    async def work(double: Double) -> None:
        double.answers["/api/v2/alerts"] = [shapes.alertmanager_alert()]
        source = Alertmanager(Api(double.url))
        fired, notified = await source.look()
        assert (fired.alert, fired.state, fired.wall_s) == (
            "PaystackUnreachable",
            "firing",
            shapes.STARTED_S,
        )
        assert (notified.state, notified.not_before_s) == ("notified", shapes.STARTED_S)
        assert fired.labels["severity"] == "1"
        again = await source.look()
        assert [one.key for one in again] == [fired.key, notified.key]
        await source.close()

    with_double(work)


def test_an_alert_that_is_listed_no_more_is_resolved_once() -> None:
    """Alertmanager leaves resolved alerts out, so the end lies between two looks."""

    async def work(double: Double) -> None:
        source = Alertmanager(Api(double.url))
        double.answers["/api/v2/alerts"] = [shapes.alertmanager_alert()]
        await source.look()
        double.answers["/api/v2/alerts"] = []
        (ended,) = await source.look()
        assert (ended.state, ended.wall_s, ended.not_before_s) == (
            "resolved",
            None,
            shapes.STARTED_S,
        )
        assert await source.look() == []
        await source.close()

    with_double(work)


def test_prometheus_never_takes_the_pending_time_for_the_firing_time() -> None:
    """`activeAt` is when it became pending; it fired `for` later at the earliest."""

    async def work(double: Double) -> None:
        source = Prometheus(Api(double.url))
        double.answers["/api/v1/rules"] = shapes.prometheus_rules("pending")
        (pending,) = await source.look()
        active = pytest.approx(1789984803.730914)
        assert pending.state == "pending"
        assert pending.wall_s == active
        double.answers["/api/v1/rules"] = shapes.prometheus_rules("firing")
        again, fired = await source.look()
        assert again.key == pending.key
        assert (fired.state, fired.wall_s) == ("firing", None)
        assert fired.not_before_s == pytest.approx(1789984805.730914)
        double.answers["/api/v1/rules"] = shapes.prometheus_rules(None)
        assert steps(await source.look()) == [("resolved", None)]
        assert double.asked[0].query == {"type": ["alert"]}
        await source.close()

    with_double(work)


def test_without_for_an_alert_fires_when_it_is_active() -> None:
    """Where `for` is nothing, `activeAt` is the firing, and nothing was pending."""

    async def work(double: Double) -> None:
        double.answers["/api/v1/rules"] = shapes.prometheus_rules("firing", hold_s=0)
        source = Prometheus(Api(double.url))
        (fired,) = await source.look()
        assert fired.state == "firing"
        assert fired.wall_s == pytest.approx(1789984803.730914)
        await source.close()

    with_double(work)


def test_grafana_is_asked_for_what_is_active_with_its_token() -> None:
    """Grafana's own Alertmanager has the same shape below another path, behind a token."""

    async def work(double: Double) -> None:
        path = "/api/alertmanager/grafana/api/v2/alerts"
        double.answers[path] = [shapes.alertmanager_alert("HighLatency")]
        source = Grafana(Api(double.url, "glsa_made_up"))
        fired, _ = await source.look()
        assert (source.source, fired.alert) == ("grafana", "HighLatency")
        assert double.asked[0].query == {"active": ["true"]}
        assert double.asked[0].headers["authorization"] == "Bearer glsa_made_up"
        assert "glsa_made_up" not in repr(source.api) + fired.evidence
        await source.close()

    with_double(work)


def sentry(double: Double, *words: str) -> Sentry:
    return Sentry(Api(double.url, "sntrys_made_up"), "vauntico", "4", words)


def test_sentry_is_asked_for_every_state_of_the_organisations_issues() -> None:
    """Without an empty `query` Sentry would leave out what somebody resolved."""

    async def work(double: Double) -> None:
        double.answers[ISSUES] = [shapes.sentry_issue(), shapes.sentry_issue("8", "Other")]
        source = sentry(double, "paystackunreachable")
        (fired,) = await source.look()
        assert (fired.alert, fired.wall_s) == ("paystackunreachable", 1789984805.0)
        assert double.asked[0].query["query"] == [""]
        assert double.asked[0].query["project"] == ["4"]
        assert double.asked[0].headers["authorization"] == "Bearer sntrys_made_up"
        assert source.resolution_s == 1.0
        await source.close()

    with_double(work)


def test_sentrys_pages_are_followed_by_cursor_up_to_a_bound() -> None:
    """A link's address is never followed, so the token stays where it belongs."""

    async def work(double: Double) -> None:
        double.link = (
            '<https://elsewhere.invalid/?cursor=0:0:1>; rel="previous"; results="false"; '
            'cursor="0:0:1", <https://elsewhere.invalid/?cursor=0:100:0>; rel="next"; '
            'results="true"; cursor="0:100:0"'
        )
        double.answers[ISSUES] = []
        source = sentry(double, "x")
        assert await source.look() == []
        assert [one.query.get("cursor") for one in double.asked] == [None, *[["0:100:0"]] * 4]
        await source.close()

    with_double(work)


def test_the_last_page_ends_the_paging() -> None:
    """`results="false"` says that there is no further page."""

    async def work(double: Double) -> None:
        double.link = '<https://s.invalid/>; rel="next"; results="false"; cursor="0:100:0"'
        double.answers[ISSUES] = []
        source = sentry(double, "x")
        await source.look()
        assert len(double.asked) == 1
        await source.close()

    with_double(work)


def test_an_old_error_group_fires_once_more_when_it_is_seen_again() -> None:
    """An error known for months is detected by its new event, not by its first."""

    async def work(double: Double) -> None:
        source = sentry(double, "PaystackUnreachable")
        double.answers[ISSUES] = [shapes.sentry_issue(firstSeen="2026-01-01T00:00:00Z")]
        assert len(await source.look()) == 1
        later = shapes.sentry_issue(
            firstSeen="2026-01-01T00:00:00Z", lastSeen="2026-09-21T10:00:20Z"
        )
        double.answers[ISSUES] = [later]
        _, again = await source.look()
        assert (again.wall_s, again.not_before_s) == (1789984820.0, 1789984809.0)
        double.answers[ISSUES] = [shapes.sentry_issue(lastSeen="2026-09-21T10:00:30Z")]
        assert len(await source.look()) == 1
        await source.close()

    with_double(work)


@pytest.mark.parametrize(("status", "body"), [(503, []), (302, []), (200, {"no": "list"})])
def test_what_is_no_answer_is_unreadable_without_secrets(status: int, body: object) -> None:
    """One error for everything, and it names neither address, user nor token."""

    async def work(double: Double) -> None:
        double.answers["/api/v2/alerts"] = body
        double.status["/api/v2/alerts"] = status
        address = double.url.replace("//", "//ada:very-secret@")
        source = Alertmanager(Api(address, "token-secret"))
        with pytest.raises(Unreadable) as caught:
            await source.look()
        assert "secret" not in str(caught.value) + repr(source.api) + source.api.shown
        await source.close()

    with_double(work)


def test_a_look_has_one_limit_for_all_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that dawdles over each page is given up as a whole."""
    monkeypatch.setattr(api_module, "LOOK_LIMIT_S", 0.2)

    async def work(double: Double) -> None:
        double.delay_s = 0.15
        double.link = '<x>; rel="next"; results="true"; cursor="0:1:0"'
        double.answers[ISSUES] = []
        source = sentry(double, "x")
        with pytest.raises(Unreadable, match=r"no answer within 0\.2 s"):
            await source.look()
        await source.close()

    with_double(work)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense", "http://[", "http://a:b"])
def test_nobody_listening_is_unreadable(address: str) -> None:
    """A refused connection, or an address that is none, is told in a few words."""

    async def work(_: Double) -> None:
        with pytest.raises(Unreadable):
            await Alertmanager(Api(address)).look()

    with_double(work)


def test_times_are_read_with_their_zone() -> None:
    """Nanoseconds and offsets are understood; Go's zero time means `not yet`."""
    assert wall_time("2026-09-21T12:00:05.25000000123+02:00") == shapes.STARTED_S
    assert wall_time("0001-01-01T00:00:00Z") is None
    with pytest.raises(Unreadable):
        wall_time("2026-09-21T12:00:05")


def test_what_was_asked_is_kept() -> None:
    """The double tells the truth about what it was asked, or these tests would prove nothing."""
    asked = Asked("GET /a?b=c HTTP/1.1\r\nX-Y: z", b"")
    assert (asked.method, asked.path, asked.query, asked.headers) == (
        "GET",
        "/a",
        {"b": ["c"]},
        {"x-y": "z"},
    )
