"""The environment: where a drill is rehearsed, as written in one YAML file."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from drill.errors import BadInput
from experiments.environment_parts import (
    Channels,
    Customers,
    Deploy,
    Feature,
    Monitoring,
    SandboxPart,
)
from experiments.environment_shop import Shop
from experiments.files import Document, read_document, safe_load
from experiments.problems import build_model, nearest
from validators.ledger.specs import LOOPBACK
from validators.probes.specs import HttpProbe, Journey

ENVIRONMENTS = Path(__file__).resolve().parent.parent / "environments"
MAX_COMPOSE_BYTES = 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Compose(_Part):
    """The compose project whose containers may be touched."""

    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    file: str


class Outside(_Part):
    """A dependency that is no container here, and how it may be used."""

    name: str
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    kind: Literal["staging", "vendor-test", "quarantine"]


class Environment(_Part):
    """Where a drill is rehearsed; nothing but staging is accepted."""

    schema_: Annotated[Literal["drill-environment/1"], Field(alias="schema")]
    environment: Literal["staging"]
    engine: str = "local"
    compose: Compose
    shared_host: bool = False
    max_targets: Annotated[int, Field(ge=1, le=1000)] = 3
    outside: tuple[Outside, ...] = ()
    web: str
    features: dict[str, Feature] = {}
    probes: dict[str, HttpProbe]
    journeys: dict[str, Journey] = {}
    shop: Shop | None = None
    sandbox: SandboxPart | None = None
    load: Customers | None = None
    monitoring: Monitoring | None = None
    channels: Channels | None = None
    deploy: Deploy | None = None
    playbook: Annotated[str | None, Field(description="its own playbook, beside this file")] = None
    repository: Annotated[str | None, Field(description="where guardrails are looked up")] = None
    hotfix_template: Annotated[str | None, Field(description="the team's own HOTFIX form")] = None

    @model_validator(mode="after")
    def _no_strange_database(self) -> "Environment":
        """A staging file that names the production database is the usual disaster."""
        host = self.shop.sql.host if self.shop and self.shop.sql else ""
        known = {*LOOPBACK, *(one.host for one in self.outside if one.kind == "staging")}
        if host and host not in known:
            raise ValueError(f"shop.sql.dsn: {host} is no host of `outside` of kind staging")
        return self

    def groups(self) -> dict[str, tuple[str, ...]]:
        """The names that stand for several probes."""
        sacred = tuple(name for name, probe in self.probes.items() if probe.sacred)
        http, journeys = tuple(self.probes), tuple(self.journeys)
        return {
            "sacred-features": sacred,
            "http": http,
            "journeys": journeys,
            "all": (*http, *journeys),
        }


def find_environment(name: str) -> Path:
    """Resolve a name or a path; raises BadInput with the nearest name."""
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    known = [path.stem for path in sorted(ENVIRONMENTS.glob("*.yaml"))]
    if name not in known:
        hint = nearest(name, known) or f"; there are {', '.join(known)}"
        raise BadInput(f"no environment is called '{name}'{hint}")
    return ENVIRONMENTS / f"{name}.yaml"


def load_environment(path: Path) -> tuple[Environment, Document]:
    """Read and validate an environment; raises BadInput with every problem at once."""
    document = read_document(path)
    return build_model(Environment, document), document


def compose_services(environment: Environment, path: Path) -> frozenset[str]:
    """
    The services of the environment's compose file.

    Args:
        environment: The environment.

        path: Its own file; the compose file is relative to it.

    Raises:
        BadInput: The compose file is missing or is no compose file.
    """
    file = path.parent / environment.compose.file
    try:
        raw = file.read_bytes()[:MAX_COMPOSE_BYTES]
        services = safe_load(raw)["services"]  # type: ignore[index] # whatever it is
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise BadInput(f"{path}: compose.file: {file}: {reason}") from None
    except (yaml.YAMLError, TypeError, KeyError, RecursionError):
        raise BadInput(f"{path}: compose.file: {file} is no compose file with services") from None
    return frozenset(services)
