"""Alertmanager's routes: how long it may wait before it tells of a new alert."""

import re
from collections.abc import Mapping
from typing import cast

import yaml

from validators.probes.alerts.base import Unreadable
from validators.probes.alerts.silences import Matcher

GROUP_WAIT_S = 30.0
"""Alertmanager's default."""
DEPTH_LIMIT = 50
UNITS_S = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 3.1536e7,
}
DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+|0")
PART = re.compile(r"(\d+)(ms|[smhdwy])")
MATCHER = re.compile(r"""\s*([a-zA-Z_][\w]*)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|[^",{}]*)\s*""")


def prometheus_duration(text: object) -> float:
    """
    Read a duration as Prometheus writes it, such as `1m30s`.

    Raises:
        Unreadable: It is none.
    """
    if not isinstance(text, str) or not DURATION.fullmatch(text):
        raise Unreadable("told a duration that is none")
    return sum(float(number) * UNITS_S[unit] for number, unit in PART.findall(text))


def load_config(text: str) -> dict[str, object]:
    """Read a configuration in YAML; raises Unreadable."""
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Unreadable("told a configuration that is no YAML") from None
    if not isinstance(config, dict):
        raise Unreadable("told a configuration without fields")
    return cast("dict[str, object]", config)


def group_wait(config: Mapping[str, object], labels: Mapping[str, str]) -> float:
    """
    How long Alertmanager waits before it tells of an alert, at most.

    Args:
        config: Its configuration.
        labels: The labels that are known beforehand. A route on another label may be taken or
            not, so both ways count.

    Raises:
        Unreadable: The configuration is not of Alertmanager's shape.
    """
    root = config.get("route")
    return max(_waits(root, labels, GROUP_WAIT_S, DEPTH_LIMIT))


def _waits(route: object, labels: Mapping[str, str], inherited: float, depth: int) -> list[float]:
    if not isinstance(route, dict) or depth == 0:
        raise Unreadable("told a configuration without a route")
    given = route.get("group_wait")
    own = inherited if given is None else prometheus_duration(given)
    waits = []
    children = route.get("routes") or []
    if not isinstance(children, list):
        raise Unreadable("told routes that are no list")
    for child in children:
        taken = _taken(child, labels)
        if taken is False:
            continue
        waits += _waits(child, labels, own, depth - 1)
        if taken and not child.get("continue"):
            return waits
    return [*waits, own]


def _taken(route: object, labels: Mapping[str, str]) -> bool | None:
    """Whether a route takes an alert; None if that depends on labels that are not known."""
    if not isinstance(route, dict):
        raise Unreadable("told a route without fields")
    matchers = _matchers(route)
    if matchers is None:
        return None
    known = [matcher.holds(labels) for matcher in matchers if matcher.name in labels]
    if False in known:
        return False
    return True if len(known) == len(matchers) else None


def _matchers(route: Mapping[object, object]) -> list[Matcher] | None:
    """The conditions of a route, old and new way of writing; None if one cannot be read."""
    found: list[Matcher] = []
    for field, is_regex in (("match", False), ("match_re", True)):
        given = route.get(field) or {}
        if not isinstance(given, dict):
            return None
        found += [Matcher(str(name), str(value), is_regex) for name, value in given.items()]
    lines = route.get("matchers") or []
    for line in lines if isinstance(lines, list) else [lines]:
        read = _read_matcher(str(line))
        if read is None:
            return None
        found.append(read)
    return found


def _read_matcher(line: str) -> Matcher | None:
    match = MATCHER.fullmatch(line.strip().removeprefix("{").removesuffix("}"))
    if match is None:
        return None
    name, operator, value = match.groups()
    if value.startswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return Matcher(name, value.strip(), "~" in operator, operator.startswith("="))
