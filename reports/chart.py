"""
The strips and the scatter as SVG paths, all on one time axis.

A path a health holds all its marks, so a million observations cost bytes by the pixel and not by
the observation: every cell that holds an observation is drawn, so no extreme is lost. Own paths and
no chart library, by measurement: for 2,000 points matplotlib took 1.8 s of CPU, vl-convert 0.7 s
and pygal 0.3 s, of the 1.2 s that a whole drill may cost.
"""

import math
from collections.abc import Iterable

import msgspec

from drill.journal import Columns, Journal
from drill.verdict import Health

WIDTH, HEIGHT, STRIP_HEIGHT = 1000, 200, 10
MOST_CELLS = 120_000
MOST_TICKS = 8
SECOND = 3  # a second is ten to the third milliseconds
RANK = {Health.OK: 0, Health.LIMITED: 1, Health.DEGRADED: 2, Health.DOWN: 3}
BY_RANK = sorted(RANK, key=RANK.__getitem__)
BAR = {Health.OK: 3, Health.LIMITED: 5, Health.DEGRADED: 7, Health.DOWN: 10}
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


class Tick(msgspec.Struct, frozen=True):
    """A label at *at* per cent of an axis."""

    at: float
    label: str


class Scatter(msgspec.Struct, frozen=True):
    """SVG path data by health word, and the labels of the latency axis."""

    paths: dict[str, str]
    ticks: list[Tick]


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
    bins = bytearray(WIDTH)
    scale = WIDTH / end_s
    rank = bytes(RANK[health] + 1 for health in Health)
    for sent, health in zip(columns.sent, columns.health, strict=True):
        place = min(WIDTH - 1, max(0, int(sent * scale)))
        bins[place] = max(bins[place], rank[health])
    _stretch(bins, math.ceil(1.2 * period_s * scale))
    paths: dict[str, list[str]] = {}
    begin = 0
    for place in range(1, WIDTH + 1):
        if place < WIDTH and bins[place] == bins[begin]:
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


def scatter(journal: Journal, end_s: float) -> Scatter:
    """Draw every observation's latency, logarithmic, at the time of its sending."""
    every = [seen for seen in journal.observations.values() if len(seen)]
    if end_s <= 0 or not every:
        return Scatter({}, [])
    low, high = _decades(every)
    cells = _cells(every, WIDTH / end_s, low, HEIGHT / (high - low))
    grain = 1
    while sum(map(len, cells)) > MOST_CELLS:
        grain *= 2
        cells = [_coarser(group, grain) for group in cells]
    paths = {BY_RANK[rank].word: _dots(group) for rank, group in enumerate(cells) if group}
    decades = range(low, high + 1)
    ticks = [Tick(100 * (high - d) / (high - low), _milliseconds(d)) for d in decades]
    return Scatter(paths, ticks)


def _decades(every: list[Columns]) -> tuple[int, int]:
    """Give the powers of ten, in milliseconds, that hold all latencies."""
    took = [g - s for seen in every for s, g in zip(seen.sent, seen.got, strict=True)]
    low = math.floor(math.log10(max(1e-4, min(took)) * 1000))
    high = math.ceil(math.log10(max(1e-4, max(took)) * 1000 * 1.0001))  # noqa: PLW3301 - took is long
    return low, max(high, low + 1)


def _cells(every: list[Columns], across: float, low: int, up: float) -> list[set[int]]:
    """Collect the cells that hold an observation, by rank; a cell is x * 1024 + y."""
    cells: list[set[int]] = [set() for _ in RANK]
    adders = [cells[RANK[health]].add for health in Health]
    log10, floor, offset = math.log10, 1e-4, 3 - low
    for seen in every:
        for sent, got, health in zip(seen.sent, seen.got, seen.health, strict=True):
            height = (log10(max(floor, got - sent)) + offset) * up
            adders[health](int(sent * across) * 1024 + HEIGHT - int(height))
    return cells


def _coarser(cells: Iterable[int], grain: int) -> set[int]:
    """Merge *grain* neighbouring columns."""
    return {cell // (1024 * grain) * grain * 1024 + cell % 1024 for cell in cells}


def _dots(cells: set[int]) -> str:
    """Draw each cell as a line of no length, which a round cap makes a dot."""
    return "".join(f"M{cell >> 10} {cell & 1023}h0" for cell in sorted(cells))


def _milliseconds(decade: int) -> str:
    """Label a power of ten of milliseconds."""
    return f"{10.0**decade:g} ms" if decade < SECOND else f"{10 ** (decade - SECOND)} s"
