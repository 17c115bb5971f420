"""Durations as people write them: a number with its unit, always."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
LONGEST_S = 7 * 24 * 3600.0
PATTERN = r"^(\d+(\.\d+)?(ms|s|m|h))+$"


def parse_duration(text: object) -> float:
    """
    Read a duration such as `800ms`, `30s`, `15m` or `1h30m`.

    Returns:
        Seconds.

    Raises:
        ValueError: The text has no unit, is no text, or is longer than a week.
    """
    if isinstance(text, bool) or not isinstance(text, str):
        raise ValueError(f"a duration is a number with a unit, such as 30s or 800ms, not {text!r}")
    parts = PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        hint = f"; did you mean '{text}s'?" if re.fullmatch(r"\d+(\.\d+)?", text) else ""
        raise ValueError(f"{text!r} is no duration: write it with a unit, such as 30s{hint}")
    seconds = sum(float(number) * UNITS_S[unit] for number, unit in parts)
    if seconds > LONGEST_S:
        raise ValueError(f"{text!r} is longer than a week")
    return seconds


def show_duration(seconds: float) -> str:
    """Write seconds the way `parse_duration` reads them."""
    if seconds and seconds < 1:
        return f"{seconds * 1000:g}ms"
    for unit in ("h", "m"):
        count = seconds / UNITS_S[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["800ms", "30s", "15m"]}),
]
