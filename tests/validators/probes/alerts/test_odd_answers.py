"""Answers that a real system gives seldom: late, cut short, too large, an error, or nothing."""

import json

import anyio
import pytest

from tests.validators.probes.alerts import shapes
from tests.validators.probes.alerts.double import Double, with_double
from tests.validators.probes.alerts.test_chain import ALERT, described
from validators.probes.alerts import api as api_module
from validators.probes.alerts import chain as chain_module
from validators.probes.alerts import silences as silences_module
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Answer, Api, wall_time
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.chain import Chains, targets
from validators.probes.alerts.expressions import selectors
from validators.probes.alerts.receiver import Receiver
from validators.probes.alerts.routes import group_wait, load_config
from validators.probes.alerts.silences import Silences
from validators.probes.alerts.vectors import Value, parse_spread, parse_values


def test_an_alert_without_the_time_of_its_update_was_not_seen_notified() -> None:
    """That it fires is told, and when somebody was told of it is not made up."""

    async def work(double: Double) -> None:
        double.answers["/api/v2/alerts"] = [shapes.alertmanager_alert(updatedAt="")]
        source = Alertmanager(Api(double.url))
        assert [one.state for one in await source.look()] == ["firing"]
        await source.close()

    with_double(work)


def test_a_flood_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a source answers, only so much of it is held."""
    monkeypatch.setattr(api_module, "BODY_LIMIT", 1 << 20)

    async def work(double: Double) -> None:
        double.answers["/flood"] = b"x" * (2 << 20)
        with pytest.raises(Unreadable, match="answered with more than 1 MB"):
            await Api(double.url).ask("/flood")

    with_double(work)


def test_an_answer_that_is_cut_short_is_none() -> None:
    """Half a list of alerts is not taken for the whole."""

    async def main() -> None:
        async def half(stream: anyio.abc.SocketStream) -> None:
            async with stream:
                await stream.receive()
                await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n[]")

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, half)
            with pytest.raises(Unreadable, match="no whole answer"):
                await Api(f"http://127.0.0.1:{port}").ask("/")
            group.cancel_scope.cancel()

    anyio.run(main)


def test_a_prometheus_that_answers_with_an_error_has_no_targets() -> None:
    """An error is not the same as nothing to scrape."""

    async def work(double: Double) -> None:
        double.answers["/api/v1/targets"] = {"status": "error", "error": "shutting down"}
        with pytest.raises(Unreadable, match="answered with an error"):
            await targets(Api(double.url))

    with_double(work)


def test_a_chain_and_silences_are_waited_for_within_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Prometheus or an Alertmanager that hangs is given up, in words."""
    monkeypatch.setattr(chain_module, "CHAIN_LIMIT_S", 0.1)
    monkeypatch.setattr(silences_module, "LOOK_LIMIT_S", 0.1)

    async def work(double: Double) -> None:
        double.delay_s = 1.0
        for asked in (
            Chains(Api(double.url), None, lambda: 0.0).read([ALERT]),
            Silences(Api(double.url)).silences(),
        ):
            with pytest.raises(Unreadable, match=r"no answer within 0\.1 s"):
                await asked

    with_double(work)


def test_alerts_that_go_nowhere_have_a_chain_without_a_group_wait() -> None:
    """Where no Alertmanager is configured the rest is told, and nothing is missed."""

    async def work(double: Double) -> None:
        described(double)
        chains = Chains(Api(double.url), None, lambda: 7.0)
        (chain,) = await chains.read([ALERT])
        await chains.close()
        assert (chain.group_wait_s, chain.for_s, chain.detail) == (None, 2.0, "")

    with_double(work)


ENTRY = {"groupKey": "{}:{}", **shapes.webhook_alert()}
EARLY = {**ENTRY, "received_at": "2026-09-21T10:00:05.500+00:00"}
LATE = {**ENTRY, "received_at": "2026-09-21T10:00:09+00:00"}


@pytest.mark.parametrize("entries", [[EARLY, LATE], [LATE, EARLY]])
def test_in_whatever_order_deliveries_are_listed_the_first_counts(
    entries: list[dict[str, object]],
) -> None:
    """A receiver may list the newest first or last."""

    async def work(double: Double) -> None:
        double.answers["/hook"] = entries
        (delivered,) = await Receiver(Api(f"{double.url}/hook")).look()
        assert delivered.wall_s == shapes.STARTED_S + 0.25

    with_double(work)


def test_what_is_listed_among_deliveries_and_is_no_alert_is_unreadable() -> None:
    """An entry of another shape is not passed over as if nothing had arrived."""

    async def work(double: Double) -> None:
        double.answers["/hook"] = [{"received_at": EARLY["received_at"], "note": "hello"}]
        with pytest.raises(Unreadable, match="lists something that is no alert"):
            await Receiver(Api(f"{double.url}/hook")).look()

    with_double(work)


def test_a_matcher_may_be_written_without_quotes() -> None:
    """Alertmanager takes both, and so do we."""
    text = "route: {group_wait: 9s, routes: [{matchers: [severity=1], group_wait: 3s}]}"
    assert group_wait(load_config(text), {"alertname": "A", "severity": "1"}) == 3.0
    assert group_wait(load_config(text), {"alertname": "A", "severity": "2"}) == 9.0


@pytest.mark.parametrize("odd", ["match: severity", "matchers: ['severity is 1']"])
def test_a_route_whose_conditions_cannot_be_read_may_take_the_alert(odd: str) -> None:
    """The longer of the two waits is told, whatever Alertmanager will make of it."""
    text = f"route: {{group_wait: 3s, routes: [{{{odd}, group_wait: 9s}}]}}"
    assert group_wait(load_config(text), {"alertname": "A", "severity": "1"}) == 9.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("route: {routes: [inbox]}", "a route without fields"),
        ("route: {routes: {a: b}}", "routes that are no list"),
        ("receivers: []", "a configuration without a route"),
        ("- route", "a configuration without fields"),
        ("route: [", "a configuration that is no YAML"),
        ("route: {group_wait: soon}", "a duration that is none"),
        ("route: {group_wait: 5}", "a duration that is none"),
    ],
)
def test_a_configuration_of_another_shape_is_unreadable(text: str, reason: str) -> None:
    """What Alertmanager itself would refuse tells no wait."""
    with pytest.raises(Unreadable, match=f"told {reason}"):
        group_wait(load_config(text), {"alertname": "A"})


@pytest.mark.parametrize("text", ["yesterday", "", "2026-02-30T00:00:00Z"])
def test_a_time_that_is_none_is_unreadable(text: str) -> None:
    """A word, nothing, or a day that no month has is not taken for one."""
    with pytest.raises(Unreadable, match="told a time that is none"):
        wall_time(text)


def test_an_expression_that_is_cut_short_still_has_its_selector() -> None:
    """What is never closed is read to its end, and asked as it stands."""
    assert [one.text for one in selectors("rate(errors_total{job=a")] == ["errors_total{job=a"]


def test_a_series_without_a_number_has_no_spread() -> None:
    """Nothing is told of it, beside one that has numbers."""
    body = shapes.matrix(({"job": "a"}, ["NaN"]), ({"job": "b"}, ["1", "2"]))
    assert parse_spread(200, json.dumps(body).encode()) == {"job=b": (1.0, 2.0)}


def test_a_scalar_is_one_value_without_labels() -> None:
    """`scalar(...)` and a number are queries too."""
    body = b'{"status":"success","data":{"resultType":"scalar","result":[1,"4.5"]}}'
    assert parse_values(200, body) == [Value({}, 4.5)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(503, b"Service Unavailable", ""), "answered 503"),
        (Answer(422, b'{"status":"error"}', ""), r"cannot compute the query \(answered 422\)"),
        (
            Answer(
                200,
                b'{"status":"success","data":{"resultType":"scalar","result":[1,"many"]}}',
                "",
            ),
            "told a value that is no number",
        ),
    ],
)
def test_an_answer_without_a_value_says_why(answer: Answer, reason: str) -> None:
    """The server is away, the query is wrong, or what it told is no number."""
    with pytest.raises(Unreadable, match=reason):
        parse_values(answer.status, answer.body)
