"""The catalogues: every fault and check is documented, and other packages can add their own."""

from importlib.metadata import EntryPoint
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from drill.errors import BadInput
from drill.incident import IncidentPlanned
from experiments import catalogue
from experiments.faults import FAULTS
from experiments.faults.base import FaultSpec
from experiments.files import read_document
from experiments.plan import _implied
from experiments.problems import build_model
from experiments.scenario import SCENARIOS, scenario_model
from validators.checks import ALWAYS, CHECKS, IMPLIES
from validators.checks.ledger import LosesNothing

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


class Extra(FaultSpec):
    """A fault of another package."""

    family: ClassVar[str] = "extra"
    fault: Literal["extra.nothing"] = "extra.nothing"


@pytest.mark.parametrize("name", [fault.model_fields["fault"].default for fault in FAULTS])
def test_every_fault_stands_in_the_reference(name: str) -> None:
    """
    The table of faults is complete.
    """
    assert f"| `{name}` |" in REFERENCE


@pytest.mark.parametrize("check", [*CHECKS, *ALWAYS, *chain.from_iterable(IMPLIES.values())])
def test_every_check_stands_in_the_reference(check: type) -> None:
    """
    The table of checks is complete.
    """
    name = check.model_fields["check"].default  # type: ignore[attr-defined]
    assert f"`{name}`" in REFERENCE


def test_one_promise_may_stand_for_several() -> None:
    """
    Who promises that nothing is lost promises every invariant, each judged under its own name.
    """
    incident = IncidentPlanned(0.0, "a playbook", 1.0, None, None, {}, {})
    named = [LosesNothing(check="loses_nothing")]

    assert [type(check) for check in _implied(incident, named)] == [*IMPLIES["loses_nothing"]]
    assert list(_implied(incident, [])) == []


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_says_what_it_proves(path: Path) -> None:
    """
    A scenario of the library is valid and opens with the sentence that says what it proves.
    """
    build_model(scenario_model(), read_document(path))

    assert path.read_text(encoding="utf-8").startswith("# Proves")


def offered(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Pretend that an installed package offers *value*."""
    point = EntryPoint(name="extra", value=value, group=catalogue.FAULTS_GROUP)
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [point])


def test_another_package_adds_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An entry point's class joins the catalogue.
    """
    offered(monkeypatch, f"{__name__}:Extra")
    monkeypatch.setattr(EntryPoint, "load", lambda _self: Extra)

    joined = catalogue.joined(FAULTS, catalogue.FAULTS_GROUP, FaultSpec, "fault")

    assert joined[-1] is Extra


@pytest.mark.parametrize(
    ("found", "message"), [(dict, "is no FaultSpec"), (FAULTS[0], "taken twice")]
)
def test_a_wrong_entry_point_is_named(
    monkeypatch: pytest.MonkeyPatch, found: type, message: str
) -> None:
    """
    What is no fault, or takes a name that is taken, is refused with its name.
    """
    offered(monkeypatch, "somewhere:Wrong")
    monkeypatch.setattr(EntryPoint, "load", lambda _self: found)

    with pytest.raises(BadInput, match=message):
        catalogue.joined(FAULTS, catalogue.FAULTS_GROUP, FaultSpec, "fault")
