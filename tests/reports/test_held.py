"""A fault at a held edge, as every report tells it."""

import json

import msgspec

from drill import events as e
from drill.journal import Journal
from drill.moments import impact
from drill.records import Record
from drill.verdict import Health
from reports.fold import fold
from reports.html import render_html
from reports.json_report import render_json
from reports.live import LiveView, plain_line
from reports.timeline import timeline
from tests.reports import journals

EDGE = "at the held edge fulfillment-engine | redis, once a grant is seen (30s)"


def held_journal(*, reached: bool = True) -> Journal:
    """An edge held from 5.4 s until 8.6 s, reached or not; a probe is bad from 6 s on."""
    kill = e.PlannedFault("f1", "container.kill", "fulfillment-engine", "{}", "", 0, held=EDGE)
    records: list[Record] = [
        journals.header(),
        msgspec.structs.replace(journals.plan(), faults=[kill]),
    ]
    records += [
        e.FaultChange(5.3, "f1", "holding"),
        e.FaultChange(5.4, "f1", "held", "data is dropped"),
        e.Observation("checkout", 6.0, 6.0, 6.1, Health.DOWN, "503"),
    ]
    if reached:
        records += [
            e.FaultChange(8.1, "f1", "seen", "grant 3 -> 4 while held"),
            e.FaultChange(8.2, "f1", "intent"),
            e.FaultChange(8.3, "f1", "injected"),
            e.FaultChange(8.4, "f1", "effective"),
        ]
    else:
        records.append(e.FaultChange(8.4, "f1", "not_effective", "no grant was seen"))
    records.append(e.FaultChange(8.6, "f1", "let_go", "data passes"))
    if reached:
        records.append(e.FaultChange(9.0, "f1", "healed", by="itself"))
    made = Journal()
    for record in records:
        made.add(record)
    return made


def test_the_hold_is_told_beside_the_fault() -> None:
    """The page shades both, the data has both times, the time line tells each step."""
    journal = held_journal()

    (fault,) = fold(journal).faults
    assert (fault.held_s, fault.let_go_s, fault.state) == (5.4, 8.6, "healed")
    assert f"{EDGE} (hold of f1)" in render_html(journal).decode()
    told = json.loads(render_json(journal))["faults"][0]
    assert (told["held_s"], told["let_go_s"]) == (5.4, 8.6)
    texts = [entry.text for entry in timeline(journal) if entry.kind == "fault"]
    assert texts[:2] == [
        "container.kill on fulfillment-engine waits at a held edge: data is dropped",
        "container.kill on fulfillment-engine has its edge reached: grant 3 -> 4 while held",
    ]


def test_what_is_felt_of_the_hold_is_felt_of_the_fault() -> None:
    """A probe that goes bad while an edge is held was hit by the drill, not by chance."""
    found = impact(held_journal())

    assert found is not None
    assert (found[0], found[3]) == (6.0, "checkout")


def test_an_edge_that_was_not_reached_says_why() -> None:
    """The live view and the plain lines say that it is let go, and why nothing was injected."""
    journal = held_journal(reached=False)

    assert fold(journal).faults[0].state == "let_go"
    lines = [line for event in journal.events if (line := plain_line(event))]
    assert any("not_effective (no grant was seen)" in line for line in lines)
    assert not any("holding" in line for line in lines)
    LiveView(journal).renderable(9.0)
