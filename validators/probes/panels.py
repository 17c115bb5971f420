"""Panels of dashboards: a value for each series, and whether a fault can be seen in them."""

from collections.abc import Mapping

Spread = Mapping[str, tuple[float, float]]
"""The least and greatest value by series."""
NEAR = 1e-9


def moved(before: Spread, during: Spread) -> tuple[bool | None, str]:
    """
    Say whether a panel showed the fault.

    Args:
        before: What it showed for a while before the fault.
        during: What it showed while the fault was in force.

    Returns:
        True if a series left the range it had before, appeared or vanished, with what it did;
        None if there was nothing either time.
    """
    if not before and not during:
        return None, "no data before and during the fault"
    for series in sorted({*before, *during}):
        if series not in before:
            return True, f"{series}: appeared, up to {during[series][1]:g}"
        if series not in during:
            return True, f"{series}: vanished, had been up to {before[series][1]:g}"
        low, high = before[series]
        least, most = during[series]
        slack = NEAR * max(abs(low), abs(high))
        if least < low - slack or most > high + slack:
            return True, f"{series}: {low:g} to {high:g} before, {least:g} to {most:g} during"
    return False, f"{len(before)} series stayed within what they were before"
