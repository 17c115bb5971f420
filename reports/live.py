"""What a drill shows while it runs: a live view on a terminal, one calm line a change elsewhere."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from drill.events import (
    ENGINE_LOST,
    Aborted,
    EngineSaw,
    FaultChange,
    Found,
    Header,
    Note,
    Phase,
    Planned,
)
from drill.journal import Columns, Journal
from drill.records import Record
from drill.verdict import Health
from reports.words import check_name, one_line

STRIP_LENGTH = 40
MARKS = {
    Health.OK: ("▁", "green"),
    Health.LIMITED: ("▃", "cyan"),
    Health.DEGRADED: ("▅", "yellow"),
    Health.DOWN: ("█", "red"),
}


class LiveView:
    """Shows a journal that is still growing; rich leaves colour out where NO_COLOR is set."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def renderable(self, now: float) -> RenderableType:
        """Draw the state at *now*, in seconds from the drill's start."""
        phase = self.journal.last(Phase)
        head = self.journal.first(Header)
        title = one_line(head.title, 80) if head else "drill"
        where = f"{phase.name} for {max(0.0, now - phase.t):.0f} s" if phase else "starting"
        line = Text.assemble((title, "bold"), f"  {where}, {now:.0f} s in all")
        return Group(line, self._faults(now), self._probes())

    def _faults(self, now: float) -> Table:
        """One row a fault: its state and for how long."""
        plan = self.journal.last(Planned)
        last = {change.id: change for change in self.journal.every(FaultChange)}
        table = Table.grid(padding=(0, 2))
        for fault in plan.faults if plan else []:
            change = last.get(fault.id)
            state = change.state if change else "planned"
            since = f"{now - change.t:.1f} s" if change else fault.held or f"at {fault.at_s:g} s"
            style = {"healed": "green", "heal_failed": "bold red"}.get(state, "yellow")
            name = one_line(f"{fault.fault} on {fault.target}", 60)
            table.add_row(Text(name), Text(state, style), Text(since))
        return table

    def _probes(self) -> Table:
        """One row a probe: sacred mark, last health, recent strip, last detail."""
        plan = self.journal.last(Planned)
        sacred = {probe.name for probe in plan.probes if probe.sacred} if plan else set()
        names = sorted(self.journal.observations, key=lambda name: (name not in sacred, name))
        table = Table.grid(padding=(0, 2))
        for name in names:
            seen = self.journal.observations[name]
            if not len(seen):
                continue
            health = Health(seen.health[-1])
            label = Text(("★ " if name in sacred else "  ") + one_line(name, 30))
            detail = Text(one_line(seen.details.get(len(seen) - 1, ""), 40), "dim")
            table.add_row(label, Text(health.word, MARKS[health][1]), _strip(seen), detail)
        return table


def plain_line(record: Record) -> str | None:
    """Give one line for a phase, a fault's change, a finding or an end, None for the rest."""
    text: str
    match record:
        case Phase(name=phase):
            text = str(phase)
        case FaultChange(state="armed" | "holding" | "intent"):
            return None
        case FaultChange():
            text = f"fault {record.id}: {record.state}" + (record.proof and f" ({record.proof})")
        case Found():
            text = f"{record.verdict}: {check_name(record.check)}: {record.reason}"
        case EngineSaw(action="engine.lost" | "engine.back"):
            said = "does not answer" if record.action == ENGINE_LOST else "answers again"
            text = f"the container engine {said}"
        case Aborted():
            text = f"aborted: {record.reason}"
        case Note(level="warning"):
            text = f"note: {record.text}"
        case _:
            return None
    return f"{record.t:8.3f} s  {one_line(text)}"


def _strip(seen: Columns) -> Text:
    """Draw the most recent observations, the newest on the right."""
    strip = Text()
    for number in seen.health[-STRIP_LENGTH:]:
        strip.append(*MARKS[Health(number)])
    return strip
