"""The edges of a purchase, as docs/held-edges.md tells them to authors of scenarios."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.environment import compose_services, find_environment, load_environment
from experiments.files import parse_document
from experiments.plan import Plan, make_plan
from experiments.playbook import PLAYBOOK, load_playbook
from experiments.problems import build_model
from experiments.scenario import scenario_model
from experiments.site import Site
from tests.staging.test_held import EDGES, Edge

TABLE = Path(__file__).resolve().parents[2] / "docs" / "held-edges.md"
SCENARIO = """\
schema: drill-scenario/1
title: Killed at an edge
severity: 1
faults:
  - fault: container.kill
    target: {kill}
    at: {{held: {{from: {source}, to: {to}{after}}}, seen: {seen}}}
after:
  - {{check: recovers_within, probes: [paystack-checkout], limit: 30s}}
"""


def told() -> Iterator[Edge]:
    """The edges in the table that a hold can reach, one for each who is killed there."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not re.match(r"\| K\d+ ", line):
            continue
        name, source, to, after, seen, kill = (cell.strip(" `") for cell in line.split("|")[1:-1])
        if source:
            for one in re.split(r"`, `|` or `", kill):
                yield Edge(name.split()[0], source, to, seen, one, after)


def test_every_edge_is_told_and_tried() -> None:
    """K1 to K12 stand in the table, and those that can be held are those that are tried."""
    rows = re.findall(r"^\| (K\d+) ", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [f"K{n}" for n in range(1, 13)]

    def key(edge: Edge) -> tuple[str, ...]:
        return (edge.name, edge.source, edge.to, edge.after, edge.seen, edge.kill)

    assert sorted(map(key, told())) == sorted(map(key, EDGES))


def planned(edge: Edge) -> Plan:
    """A plan of the bundled staging with its target killed at the edge."""
    path = find_environment("bundled")
    environment, _ = load_environment(path)
    after = f", after: {edge.after}" if edge.after else ""
    text = SCENARIO.format(
        kill=edge.kill, source=edge.source, to=edge.to, seen=edge.seen, after=after
    )
    document = parse_document("scenario.yaml", text.encode(), {})
    scenario = build_model(scenario_model(), document)
    services = compose_services(environment, path)
    return make_plan(scenario, document, Site(environment, services, load_playbook(PLAYBOOK)))


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.name}-{edge.kill}")
def test_every_edge_can_be_planned_in_the_bundled_staging(edge: Edge) -> None:
    """Each names services and hosts that are there, and stays within what may be touched."""
    assert planned(edge).targets == {edge.source, edge.kill}
