"""`report.html`: one self-contained file that answers in five seconds and proves it below."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from drill.events import EvidenceKept
from drill.journal import Columns, Journal
from drill.verdict import Health
from reports import payments, words
from reports.budget import FORMULA, percent
from reports.chart import Tick, latency, strip, time_ticks
from reports.fold import ProbeStory, Story, fold
from reports.incident import STEPS
from reports.load import load_line

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).with_name("templates")
IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
INLINE_BYTES, ALL_INLINE_BYTES = 200_000, 1_000_000
MOST_ROWS = 200


class Row(msgspec.Struct, frozen=True):
    """One probe with its strip."""

    probe: ProbeStory
    paths: dict[str, str]
    recovered: str


class Shade(msgspec.Struct, frozen=True):
    """A stretch of the time axis in per cent."""

    left: float
    width: float
    label: str


class Shown(msgspec.Struct, frozen=True):
    """A piece of evidence: a link, and the picture itself where it is small."""

    kept: EvidenceKept
    href: str
    picture: str


def render_html(journal: Journal, run_dir: Path | None = None) -> bytes:
    """
    Give the whole page.

    Args:
        journal: It may end anywhere.
        run_dir: Where the evidence lies; without it evidence is only linked.
    """
    story = fold(journal)
    page = template("report.html.j2").render(
        story=story,
        words=words,
        rows=[_row(journal, story, probe) for probe in story.probes],
        phases=[Shade(*_place(story, p.begin, p.end), p.name) for p in story.phases],
        shades=list(_fault_shades(story)),
        moments=_moments(story),
        ticks=time_ticks(story.end_s),
        latency=latency(journal, story.end_s),
        evidence=list(_evidence(story, run_dir)),
        most=MOST_ROWS,
        steps=STEPS,
        formula=FORMULA,
        percent=percent,
        money=payments,
        load_line=load_line,
    )
    return page.encode("utf-8", "replace")


def template(name: str) -> "Template":
    """Load a page's template; jinja2 is imported only when a page is rendered."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - lazy

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = words.seconds
    environment.filters["ms"] = lambda value: "-" if value is None else f"{value:.1f}"
    return environment.get_template(name)


def _place(story: Story, begin: float, end: float) -> tuple[float, float]:
    """Give left edge and width of a stretch in per cent of the time axis."""
    whole = story.end_s or 1.0
    left = min(100.0, max(0.0, 100 * begin / whole))
    return left, max(0.0, min(100.0 - left, 100 * (end - begin) / whole))


def _fault_shades(story: Story) -> Iterator[Shade]:
    """Yield each hold and each fault's time in force; what never ended runs to the end."""
    for fault in story.faults:
        if fault.held_s is not None:
            end = story.end_s if fault.let_go_s is None else fault.let_go_s
            label = f"{fault.plan.held} (hold of {fault.plan.id})"
            yield Shade(*_place(story, fault.held_s, end), label)
        if fault.begin_s is not None:
            end = story.end_s if fault.healed_s is None else fault.healed_s
            label = f"{fault.plan.fault} on {fault.plan.target}"
            yield Shade(*_place(story, fault.begin_s, end), label)


def _moments(story: Story) -> list[Tick]:
    """Give the named moments in order of time."""
    named = sorted(story.moments.values(), key=lambda moment: moment.t)
    return [Tick(_place(story, moment.t, moment.t)[0], moment.name) for moment in named]


def _row(journal: Journal, story: Story, probe: ProbeStory) -> Row:
    """Draw one probe."""
    columns = journal.observations.get(probe.plan.name, Columns())
    paths = strip(columns, story.end_s, probe.plan.period_s)
    return Row(probe, paths, _looked(probe) if story.faultless else _recovered(probe))


def _looked(probe: ProbeStory) -> str:
    """Say in a few words how a probe was, where nothing was broken."""
    bad = probe.observations - probe.counts[Health.OK]
    if not probe.observations:
        return "not looked at"
    return f"{bad} of {probe.observations} looks not good" if bad else "every look good"


def _recovered(probe: ProbeStory) -> str:
    """Say in a few words whether and when a probe recovered."""
    seen = probe.recovery
    if seen is None:
        return "not judged"
    if seen.status == "recovered":
        return f"good again at {words.seconds(seen.value)}"
    return {"never_bad": "never bad", "censored": "NOT recovered"}.get(seen.status, "not looked at")


def _evidence(story: Story, run_dir: Path | None) -> Iterator[Shown]:
    """Yield the evidence; pictures are inlined while they are small and few."""
    room = ALL_INLINE_BYTES
    for kept in story.evidence:
        picture = _picture(run_dir, kept.path, min(room, INLINE_BYTES))
        room -= len(picture)
        # "./" keeps a path from being read as a scheme.
        yield Shown(kept, "./" + quote(kept.path.encode("utf-8", "replace")), picture)


def _picture(run_dir: Path | None, path: str, room: int) -> str:
    """Give a small picture as a data URI; empty if it is none, too big or outside the run."""
    kind = IMAGE_TYPES.get(Path(path).suffix.lower())
    if run_dir is None or kind is None:
        return ""
    try:
        file = (run_dir / path).resolve()
        if not file.is_relative_to(run_dir.resolve()) or file.stat().st_size > room * 3 // 4:
            return ""
        return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    except (OSError, ValueError):
        return ""
