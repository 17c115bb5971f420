"""The scenario: what is rehearsed, as written in one YAML file, as a frozen model."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from drill.duration import Duration
from drill.errors import BadInput
from drill.incident import Source
from drill.payments import Stratum
from experiments.catalogue import ACTS_GROUP, CHECKS_GROUP, FAULTS_GROUP, joined
from experiments.faults import FAULTS
from experiments.faults.base import FaultSpec
from experiments.files import Document, read_document
from experiments.load.purchases import DEFAULT_PURCHASES
from experiments.problems import build_model, nearest
from experiments.respond import ACTS
from experiments.respond.base import ActSpec
from validators.checks import CHECKS
from validators.checks.base import CheckSpec

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
MAX_FAULTS = 50
MAX_ACTS = 50
MAX_CUSTOMERS = 1000
MAX_PURCHASES = 20_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Load(_Part):
    """
    Customers, from the baseline to the end, and what they buy.

    Attributes:
        customers: How many buy at once; some more only look around.

        purchases: How many are made in all, over all strata; with 0 everybody looks around.

        mix: The kinds of purchases and their shares; without it all kinds, as a shop has them.

        workers: Processes that the customers are in; more than one when a core is too little.
    """

    customers: Annotated[int, Field(ge=1, le=MAX_CUSTOMERS)]
    purchases: Annotated[int, Field(ge=0, le=MAX_PURCHASES)] = DEFAULT_PURCHASES
    mix: dict[Stratum, Annotated[int, Field(ge=1, le=MAX_PURCHASES)]] | None = Field(
        default=None, min_length=1
    )
    workers: Annotated[int, Field(ge=1, le=64)] = 1

    @model_validator(mode="after")
    def _everybody_has_work(self) -> "Load":
        if self.workers > self.customers:
            raise ValueError("workers: more than customers")
        return self


class Detection(_Part):
    """
    Who must notice, and how soon after the fault.

    For the source `support`, *alert* is a word to look for in what customers wrote.
    """

    alert: Annotated[str, Field(min_length=1)]
    within: Duration
    source: Source = "alertmanager"


class AbortIf(_Part):
    """Stop the drill and heal when a probe has been down for so long without a break."""

    probe: str
    down_for: Duration


class ScenarioFields(_Part):
    """The fields of a scenario, apart from the lists whose members come from the catalogues."""

    schema_: Annotated[Literal["drill-scenario/1"], Field(alias="schema")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Annotated[int, Field(ge=1, le=4)]
    baseline: Duration = 5.0
    quiet: Annotated[Duration, Field(description="least length of the quiet period")] = 2.0
    load: Load | None = None
    detect: tuple[Detection, ...] = ()
    may_fire: Annotated[
        tuple[str, ...], Field(description="alerts that may fire as well and prove nothing")
    ] = ()
    time_scale: Annotated[
        float, Field(ge=1, le=3600, description="the playbook's seconds in one real second")
    ] = 1.0
    abort_if: tuple[AbortIf, ...] = ()


class Scenario(ScenarioFields):
    """A scenario with its faults and checks; `scenario_model` gives the validating subclass."""

    faults: tuple[FaultSpec, ...]
    respond: tuple[ActSpec, ...] = ()
    during: tuple[CheckSpec, ...] = ()
    after: tuple[CheckSpec, ...] = ()


def _union(classes: Iterable[type[BaseModel]], key: str) -> object:
    # Our own catalogues have several members each, and entry points only add to them.
    members = tuple(classes)
    return Annotated[Union[members], Field(discriminator=key)]  # noqa: UP007 - known at run time


@cache
def scenario_model() -> type[Scenario]:
    """The model that validates a file; its unions are derived from the catalogues."""
    fault: Any = _union(joined(FAULTS, FAULTS_GROUP, FaultSpec, "fault"), "fault")
    check: Any = _union(joined(CHECKS, CHECKS_GROUP, CheckSpec, "check"), "check")
    act: Any = _union(joined(ACTS, ACTS_GROUP, ActSpec, "do"), "do")
    faults = Annotated[tuple[fault, ...], Field(min_length=1, max_length=MAX_FAULTS)]
    acts = Annotated[tuple[act, ...], Field(max_length=MAX_ACTS)]
    checks = tuple[check, ...]
    model = create_model(
        "Scenario",
        __base__=Scenario,
        faults=(faults, ...),
        respond=(acts, ()),
        during=(checks, ()),
        after=(checks, ()),
    )
    model.__doc__ = "One rehearsed outage: what breaks, who responds, and what must hold."
    return model


def find_scenario(name: str, folder: Path = SCENARIOS) -> Path:
    """
    Resolve a name or a path into a path.

    Raises:
        BadInput: No such scenario; names the nearest.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    known = [path.stem for path in sorted(folder.glob("*.yaml"))]
    if name not in known:
        hint = nearest(name, known) or f"; there are {', '.join(known)}"
        raise BadInput(f"no scenario is called '{name}'{hint}")
    path = folder / f"{name}.yaml"
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def load_scenario(path: Path) -> tuple[Scenario, Document]:
    """Read and validate a scenario; raises BadInput with every problem at once."""
    document = read_document(path)
    return build_model(scenario_model(), document), document


def adapted(scenario: Scenario, *, game_day: bool, time_scale: float | None) -> Scenario:
    """
    The scenario as this drill rehearses it.

    Args:
        scenario: As it was read.
        game_day: People acknowledge, contain and resolve, whatever it says.
        time_scale: Instead of its own, None to keep that.
    """
    update: dict[str, object] = {} if time_scale is None else {"time_scale": time_scale}
    if game_day:
        update["respond"] = tuple(
            act.model_copy(update={"by": "people"}) if act.sets else act for act in scenario.respond
        )
    return scenario.model_copy(update=update)


def proves(path: Path) -> str:
    """The comment at the top of a scenario: what it proves, in one sentence."""
    lines = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                break
            lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines).removeprefix("Proves: ")
