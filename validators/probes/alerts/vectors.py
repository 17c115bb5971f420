"""Values that Prometheus computes for us: now, and over a span of the past."""

import math
from collections.abc import Mapping

import msgspec

from validators.probes.alerts.api import Api, decode
from validators.probes.alerts.base import Unreadable

POINTS = 200
"""At most so many steps in a span."""


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A number at a time; numbers are text in Prometheus, as `NaN` and `+Inf` have no JSON."""

    at_s: float
    number: str


class Series(msgspec.Struct, frozen=True):
    """One series: a *value* of now, or *values* over a span."""

    metric: dict[str, str] = msgspec.field(default_factory=dict)
    value: Point | None = None
    values: list[Point] | None = None


class Typed(msgspec.Struct, frozen=True):
    """A result whose shape depends on its type: series, or one point."""

    resultType: str  # noqa: N815 - Prometheus's own name
    result: msgspec.Raw


class QueryAnswer(msgspec.Struct, frozen=True):
    """What a query answers."""

    status: str
    data: Typed | None = None


class Value(msgspec.Struct, frozen=True):
    """The value of one series now."""

    labels: dict[str, str]
    value: float


async def query(prometheus: Api, expression: str) -> list[Value]:
    """
    Ask for the values of an expression now; those that are no numbers are left out.

    Raises:
        Unreadable: No answer, or Prometheus cannot compute it.
    """
    answer = await prometheus.ask("/api/v1/query", [("query", expression)])
    return parse_values(answer.status, answer.body)


def parse_values(status: int, body: bytes) -> list[Value]:
    """Read one answer to an instant query; raises Unreadable."""
    read = _typed(status, body)
    if read.resultType == "scalar":
        values = [Value({}, _number(decode(bytes(read.result), Point)))]
    else:
        series = decode(bytes(read.result), list[Series])
        values = [Value(one.metric, _number(one.value)) for one in series if one.value]
    return [one for one in values if math.isfinite(one.value)]


async def spread(
    prometheus: Api, expression: str, start_s: float, end_s: float
) -> dict[str, tuple[float, float]]:
    """
    The least and the greatest value of each series of an expression over a span.

    Args:
        prometheus: Where to ask.
        expression: An instant vector or a scalar.
        start_s: Seconds since 1970.
        end_s: Not before *start_s*.

    Raises:
        Unreadable: No answer, or Prometheus cannot compute it.
    """
    step = max(1.0, (end_s - start_s) / POINTS)
    params = [("query", expression), ("start", f"{start_s:.3f}"), ("end", f"{end_s:.3f}")]
    answer = await prometheus.ask("/api/v1/query_range", [*params, ("step", f"{step:.3f}")])
    return parse_spread(answer.status, answer.body)


def parse_spread(status: int, body: bytes) -> dict[str, tuple[float, float]]:
    """Read one answer to a range query, by the series' labels as text; raises Unreadable."""
    found = {}
    for one in decode(bytes(_typed(status, body).result), list[Series]):
        numbers = [number for point in one.values or () if math.isfinite(number := _number(point))]
        if numbers:
            found[_named(one.metric)] = (min(numbers), max(numbers))
    return found


def _typed(status: int, body: bytes) -> Typed:
    if status >= 500:  # noqa: PLR2004 - not Prometheus's own answer
        raise Unreadable(f"answered {status}")
    read = decode(body, QueryAnswer)
    if read.status != "success" or read.data is None:
        raise Unreadable(f"cannot compute the query (answered {status})")
    return read.data


def _number(point: Point) -> float:
    try:
        return float(point.number)
    except ValueError:
        raise Unreadable("told a value that is no number") from None


def _named(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "the value"
