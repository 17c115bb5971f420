"""
The strips as SVG paths, and the latency by pygal, on one time axis.

A chart of a million points would be no page: what is drawn is thinned to the cells that hold an
observation, so that no extreme is lost and the page costs bytes by the pixel.
"""

import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from drill.journal import Columns, Journal
from drill.verdict import Health
from reports.words import safe

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Cells = dict[int, int]
Mark = dict[str, Any]

STRIP_WIDTH, STRIP_HEIGHT = 1000, 10
WIDTH, HEIGHT = 880, 260  # as wide as on a desktop, so that a unit is a pixel there
MOST_MARKS = 2_500
LEAST_S = 1e-4
PROBE_BITS = 40
INDEX = (1 << PROBE_BITS) - 1
EDGE = 0.02  # pygal widens the box by this share at both ends
MOST_TICKS = 8
SECOND = 6  # a second is ten to the sixth microseconds
RANK = {Health.OK: 0, Health.LIMITED: 1, Health.DEGRADED: 2, Health.DOWN: 3}
BY_RANK = sorted(RANK, key=RANK.__getitem__)
BAR = {Health.OK: 3, Health.LIMITED: 5, Health.DEGRADED: 7, Health.DOWN: 10}
DOT = {Health.OK: 1.8, Health.LIMITED: 2.2, Health.DEGRADED: 2.6, Health.DOWN: 3.0}
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


class Tick(msgspec.Struct, frozen=True):
    """A label at *at* per cent of an axis."""

    at: float
    label: str


class Latency(msgspec.Struct, frozen=True):
    """The chart as an svg element, and what its marks stand for."""

    svg: str
    told: str


def time_ticks(end_s: float) -> list[Tick]:
    """Give about eight round times between 0 and *end_s* seconds."""
    if end_s <= 0:
        return []
    fitting = (step for step in STEPS if end_s / step <= MOST_TICKS)
    step = next(fitting, math.ceil(end_s / MOST_TICKS))
    marks = range(0, int(end_s) + 1, step)
    return [Tick(100 * t / end_s, f"{t // 60}m" if t and t % 60 == 0 else f"{t}s") for t in marks]


def strip(columns: Columns, end_s: float, period_s: float) -> dict[str, str]:
    """
    Draw one probe's health over time, the worst of each of 1000 slices.

    Returns:
        SVG path data by health word; worse is taller, so that it also reads without colour.
    """
    if end_s <= 0 or not len(columns):
        return {}
    bins = bytearray(STRIP_WIDTH)
    scale = STRIP_WIDTH / end_s
    rank = bytes(RANK[health] + 1 for health in Health)
    for sent, health in zip(columns.sent, columns.health, strict=True):
        place = min(STRIP_WIDTH - 1, max(0, int(sent * scale)))
        bins[place] = max(bins[place], rank[health])
    _stretch(bins, math.ceil(1.2 * period_s * scale))
    paths: dict[str, list[str]] = {}
    begin = 0
    for place in range(1, STRIP_WIDTH + 1):
        if place < STRIP_WIDTH and bins[place] == bins[begin]:
            continue
        if bins[begin]:
            health = BY_RANK[bins[begin] - 1]
            width, bar = place - begin, BAR[health]
            mark = f"M{begin} {STRIP_HEIGHT}h{width}v-{bar}h-{width}z"
            paths.setdefault(health.word, []).append(mark)
        begin = place
    return {word: "".join(marks) for word, marks in paths.items()}


def _stretch(bins: bytearray, most: int) -> None:
    """Let each observation hold until the next, but no longer than *most* slices."""
    last, age = 0, 0
    for place, seen in enumerate(bins):
        last, age = (seen, 0) if seen else (last, age + 1)
        if not seen and age < most:
            bins[place] = last


def latency(journal: Journal, end_s: float) -> Latency | None:
    """Chart the latency over the time of sending; None if nobody looked."""
    every = {name: seen for name, seen in journal.observations.items() if len(seen)}
    if end_s <= 0 or not every:
        return None
    low, high = _decades(every.values())
    cells = _cells(every.values(), WIDTH / end_s, low, HEIGHT / (high - low))
    picked = _thin(cells)
    looks, marks = sum(map(len, every.values())), sum(map(len, picked))
    told = f"{marks:,} marks for {looks:,} looks, no extreme left out"
    named = list(every.items())
    series = {
        BY_RANK[rank]: [_mark(*named[look >> PROBE_BITS], look & INDEX) for look in group]
        for rank, group in enumerate(picked)
        if group
    }
    svg = _draw(series, end_s, low, high)
    return Latency(svg, "every look" if marks == looks else told)


def _decades(every: Iterable[Columns]) -> tuple[int, int]:
    """Give the powers of ten, in microseconds, that hold all latencies."""
    took = [g - s for seen in every for s, g in zip(seen.sent, seen.got, strict=True)]
    low = math.floor(math.log10(max(LEAST_S, min(took)) * 1e6))
    high = math.ceil(math.log10(max(LEAST_S, max(took)) * 1e6))  # noqa: PLW3301 - took is long
    return low, max(high, low + 1)


def _cells(every: Iterable[Columns], across: float, low: int, up: float) -> list[Cells]:
    """
    Collect the cells that hold an observation, by rank.

    Returns:
        Cell (x * 1024 + y) to one observation in it (the probe's number << 40 | its index).
    """
    cells: list[Cells] = [{} for _ in RANK]
    by_health = [cells[RANK[health]] for health in Health]
    log10, offset = math.log10, 6 - low
    for probe, seen in enumerate(every):
        looks = zip(seen.sent, seen.got, seen.health, strict=True)
        for look, (sent, got, health) in enumerate(looks, probe << PROBE_BITS):
            height = (log10(max(LEAST_S, got - sent)) + offset) * up
            by_health[health][int(sent * across) * 1024 + int(height)] = look
    return cells


def _thin(cells: list[Cells]) -> list[list[int]]:
    """
    Choose at most `MOST_MARKS` cells.

    The highest and lowest cell of each health in each column always stay; columns grow wider until
    these fit, and what room is left goes to the cells between them, evenly.
    """
    if sum(map(len, cells)) <= MOST_MARKS:
        return [list(group.values()) for group in cells]
    grain = 1
    kept = [_extremes(group, grain) for group in cells]
    while sum(map(len, kept)) > MOST_MARKS:
        grain *= 2
        kept = [_extremes(group, grain) for group in cells]
    between = [(rank, c) for rank, group in enumerate(cells) for c in group if c not in kept[rank]]
    room = MOST_MARKS - sum(map(len, kept))
    between.sort()
    for number in range(min(room, len(between))):
        rank, cell = between[number * len(between) // room if room < len(between) else number]
        kept[rank].add(cell)
    return [[group[cell] for cell in sorted(kept[rank])] for rank, group in enumerate(cells)]


def _extremes(cells: Cells, grain: int) -> set[int]:
    """Give the lowest and the highest cell of each *grain* neighbouring columns."""
    lowest: dict[int, int] = {}
    highest: dict[int, int] = {}
    for cell in sorted(cells, key=lambda cell: cell & 1023):
        column = (cell >> 10) // grain
        lowest.setdefault(column, cell)
        highest[column] = cell
    return {*lowest.values(), *highest.values()}


def _mark(name: str, seen: Columns, at: int) -> Mark:
    """Place one observation and say what it was."""
    sent, took = seen.sent[at], seen.got[at] - seen.sent[at]
    told = f"{name} at {sent:.3f} s: {1000 * took:.1f} ms, {Health(seen.health[at]).word}"
    return {"value": (sent, math.log10(max(LEAST_S, took) * 1e6)), "tooltip": safe(told)}


def _draw(series: dict[Health, list[Mark]], end_s: float, low: int, high: int) -> str:
    """
    Let pygal draw.

    The latency comes as a power of ten, since `logarithmic` of pygal would bend the time as well.
    """
    import pygal  # noqa: PLC0415 - lazy
    from pygal.etree import etree  # noqa: PLC0415 - lazy
    from pygal.style import Style  # noqa: PLC0415 - lazy

    # An import hook for pygal's maps, of a kind that Python 3.12 no longer knows and 3.11 warns of.
    sys.meta_path[:] = [hook for hook in sys.meta_path if type(hook).__module__ != "pygal"]
    etree.to_etree()
    style = Style(
        background="transparent", plot_background="transparent", font_family="inherit",
        foreground="var(--soft)", foreground_strong="var(--soft)", foreground_subtle="var(--line)",
        guide_stroke_color="var(--line)", major_guide_stroke_color="var(--line)",
        guide_stroke_dasharray="none", major_guide_stroke_dasharray="none", label_font_size=11,
        major_label_font_size=11, opacity="1", stroke_opacity="1", transition="none",
        colors=tuple(f"var(--{health.word})" for health in series),
    )  # fmt: skip
    inner = end_s / (1 + 2 * EDGE)
    chart = pygal.XY(
        style=style, classes=(), js=(), disable_xml_declaration=True, show_legend=False,
        stroke=False, width=WIDTH, height=HEIGHT, margin=0, show_x_labels=False,
        xrange=(EDGE * inner, end_s - EDGE * inner), range=(low, high),
        y_labels=[{"value": d, "label": _milliseconds(d)} for d in range(low, high + 1)],
        value_formatter=_milliseconds,
    )  # fmt: skip
    chart.uuid = "latency"
    for health, marks in series.items():
        chart.add(health.word, marks, dots_size=DOT[health])
    chart.add_xml_filter(_inline)
    return str(chart.render())


def _inline(root: "Element") -> "Element":
    """Leave what a page shows: no script, comment, namespace or data for a script."""
    root.attrib.pop("xmlns", None)
    for title in root.findall("title"):
        root.remove(title)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {"script", "desc"} or not isinstance(child.tag, str):
                parent.remove(child)
        for name in {"cx", "cy"}.intersection(parent.keys()):
            parent.set(name, f"{float(parent.attrib[name]):.1f}")
    # The labels stand left of the box, so that the box is as wide as the strips.
    for plot in root.iterfind("g/g[@class='plot']"):
        left = int(plot.attrib["transform"].partition("(")[2].partition(",")[0])
        root.set("viewBox", f"{left} 0 {WIDTH - left} {HEIGHT}")
    return root


def _milliseconds(power: float) -> str:
    """Label a power of ten of microseconds."""
    return f"{10.0 ** (power - 3):g} ms" if power < SECOND else f"{10.0 ** (power - SECOND):g} s"
