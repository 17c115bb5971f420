"""Whatever a monitoring system answers, a reader gives readings or the one documented error."""

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.validators.probes.alerts import shapes
from validators.probes.alerts.alertmanager import Alertmanager
from validators.probes.alerts.api import Answer, Api, wall_time
from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.expressions import selectors
from validators.probes.alerts.prometheus import Prometheus
from validators.probes.alerts.receiver import Receiver
from validators.probes.alerts.routes import group_wait, load_config, prometheus_duration
from validators.probes.alerts.sentry import Sentry, next_cursor
from validators.probes.alerts.silences import parse_silences
from validators.probes.alerts.support import Support
from validators.probes.alerts.vectors import parse_spread, parse_values

Parse = Callable[[Answer], object]
# No deadline for an example: the machine may be busy with a drill.
QUICK = settings(max_examples=40, deadline=None)
NOBODY = Api("http://127.0.0.1:9")
PARSERS: dict[str, Parse] = {
    "alertmanager": lambda answer: Alertmanager(NOBODY).parse(answer),
    "prometheus": lambda answer: Prometheus(NOBODY).parse(answer),
    "sentry": lambda answer: Sentry(NOBODY, "o", None, ["a", ""]).parse(answer),
    "support": lambda answer: Support(NOBODY, ["a"]).parse(answer),
    "receiver": lambda answer: Receiver(NOBODY).parse(answer),
    "silences": parse_silences,
    "values": lambda answer: parse_values(answer.status, answer.body),
    "spread": lambda answer: parse_spread(answer.status, answer.body),
}
TRUE: dict[str, object] = {
    "alertmanager": [shapes.alertmanager_alert()],
    "prometheus": shapes.prometheus_rules(),
    "sentry": [shapes.sentry_issue()],
    "support": [{"received_at": shapes.STARTED, "text": "a", "to": ["support@x"]}],
    "receiver": [{"received_at": shapes.STARTED, **shapes.webhook_alert("resolved")}],
    "silences": [{"id": "s", "matchers": [{"name": "a", "value": "b"}]}],
    "values": shapes.vector(({"job": "a"}, "1"), ({}, "NaN")),
    "spread": shapes.matrix(({"job": "a"}, ["1", "+Inf"])),
}
ODD_TIMES = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "now", "2026-W01-1", ""]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    PLAIN | st.sampled_from(ODD_TIMES),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=6,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(found for key, each in items for found in places(each, (*path, key)))]


def spoiled(value: object, path: tuple[str | int, ...], by: object) -> object:
    """A copy of *value* with *by* at *path*."""
    if not path:
        return by
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = by
    return copy


def parsed(name: str, body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        PARSERS[name](Answer(200, body))


@pytest.mark.parametrize("name", PARSERS)
def test_the_true_shape_is_read(name: str) -> None:
    """Each parser reads the shape that the other tests spoil, so that they spoil something."""
    assert PARSERS[name](Answer(200, json.dumps(TRUE[name]).encode()))


@pytest.mark.parametrize("name", PARSERS)
@QUICK
@given(body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_any_body_is_read_or_unreadable(name: str, body: bytes) -> None:
    """Neither foreign JSON nor foreign bytes end a drill."""
    parsed(name, body)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", PARSERS)
@QUICK
@given(data=st.data())
def test_a_true_shape_with_one_wrong_part_is_read_or_unreadable(
    name: str, data: st.DataObject
) -> None:
    """A field of another kind in the middle of the right shape ends no drill either."""
    path = data.draw(st.sampled_from(places(TRUE[name])))
    wrong = spoiled(TRUE[name], path, data.draw(JSON))
    parsed(name, json.dumps(wrong).encode())


@pytest.mark.parametrize("name", PARSERS)
def test_a_bottomless_answer_is_unreadable(name: str) -> None:
    """JSON nested without end is refused, and no stack runs over."""
    with pytest.raises(Unreadable):
        PARSERS[name](Answer(200, b"[" * 100_000))


@QUICK
@given(st.text() | st.sampled_from(ODD_TIMES))
def test_any_time_is_read_or_unreadable(text: str) -> None:
    """A time that is none says so."""
    with contextlib.suppress(Unreadable):
        wall_time(text)


@QUICK
@given(st.text())
def test_any_text_has_selectors_or_none(text: str) -> None:
    """Looking for selectors ends for every text."""
    assert all(one.text for one in selectors(text))


@QUICK
@given(st.text())
def test_any_link_has_a_cursor_or_none(text: str) -> None:
    """A Link header of another make has no next page."""
    assert isinstance(next_cursor(text), str)


@QUICK
@given(st.text() | JSON)
def test_any_configuration_is_read_or_unreadable(config: object) -> None:
    """Alertmanager's configuration may hold what we do not know."""
    with contextlib.suppress(Unreadable):
        text = config if isinstance(config, str) else json.dumps(config)
        group_wait(load_config(text), {"alertname": "a"})


ROUTE = st.fixed_dictionaries(
    {},
    optional={
        "group_wait": JSON | st.just("5s"),
        "matchers": JSON | st.just(['a="b"']),
        "match": JSON,
        "match_re": JSON,
        "continue": JSON,
        "routes": JSON,
    },
)


@pytest.mark.no_cover
@QUICK
@given(ROUTE, st.lists(ROUTE, max_size=2))
@example({"routes": 5}, [])
@example({"match": 5, "matchers": {"a": 5}}, [{"match_re": [1]}])
def test_any_route_is_read_or_unreadable(route: dict[str, object], below: list[object]) -> None:
    """So may its routes."""
    with contextlib.suppress(Unreadable):
        assert group_wait({"route": {"routes": below, **route}}, {"a": "b"}) >= 0


@QUICK
@given(st.text() | st.integers() | st.none())
def test_any_duration_is_read_or_unreadable(text: object) -> None:
    """A duration that is none says so."""
    with contextlib.suppress(Unreadable):
        assert prometheus_duration(text) >= 0
