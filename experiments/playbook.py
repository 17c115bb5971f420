"""The playbook: severities, roles, clocks and the cadence of communication, as one YAML file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drill.duration import Duration
from drill.errors import BadInput
from drill.incident import PlannedEscalation, PlannedMessages
from drill.rules import AnyRule, ErrorRate, FindingFailed, MeanLatency, ProbesBad
from experiments.files import Document, Location, read_document
from experiments.problems import build_model, nearest

PLAYBOOK = Path(__file__).resolve().parent.parent / "playbook.yaml"
Severity = Literal["1", "2", "3", "4"]
Groups = Mapping[str, Sequence[str]]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _share(value: object) -> object:
    if isinstance(value, str) and value.endswith("%"):
        try:
            return float(value[:-1]) / 100
        except ValueError:
            pass
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is no share: write 1% or 0.01")


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]


class ProbesBadRule(_Part):
    """So many of the probes are this bad at the same time, for so long."""

    rule: Literal["probes_bad"]
    probes: Names
    health: Literal["degraded", "down"] = "down"
    at_least: Annotated[int, Field(ge=1)] | Literal["all"] = 1
    lasting: Duration = 0.0

    def resolved(self, groups: Groups) -> AnyRule:
        """The rule with its groups resolved into probes."""
        return ProbesBad(
            probes=_probes(self.probes, groups),
            health=self.health,
            at_least=0 if self.at_least == "all" else self.at_least,
            lasting_s=self.lasting,
        )


class ErrorRateRule(_Part):
    """More than this share of the looks fail."""

    rule: Literal["error_rate"]
    probes: Names
    over: Share

    def resolved(self, groups: Groups) -> AnyRule:
        """The rule with its groups resolved into probes."""
        return ErrorRate(probes=_probes(self.probes, groups), over=self.over)


class MeanLatencyRule(_Part):
    """The mean answer takes longer than this."""

    rule: Literal["mean_latency"]
    probes: Names
    over: Duration

    def resolved(self, groups: Groups) -> AnyRule:
        """The rule with its groups resolved into probes."""
        return MeanLatency(probes=_probes(self.probes, groups), over_s=self.over)


class FindingFailedRule(_Part):
    """A check that guards customers' data fails."""

    rule: Literal["finding_failed"]
    checks: Names
    probes: tuple[str, ...] = ()

    def resolved(self, _: Groups) -> AnyRule:
        """The rule; it names no probes."""
        return FindingFailed(checks=list(self.checks))


SeverityRule = Annotated[
    ProbesBadRule | ErrorRateRule | MeanLatencyRule | FindingFailedRule,
    Field(discriminator="rule"),
]


class SeverityLevel(_Part):
    """One severity: its definition in words and as rules, and its clocks."""

    name: str
    means: str
    acknowledge: Duration | None = None
    resolve: Duration | None = None
    when: tuple[SeverityRule, ...] = ()


class Role(_Part):
    """A role, and who holds it now."""

    duty: str
    held_by: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class ActRoles(_Part):
    """Whose act each kind of act is."""

    acknowledge: str
    contain: str
    resolve: str
    update: str


class Escalation(_Part):
    """Not acknowledged for so long: this role is paged."""

    after: Duration
    to: str


class Communication(_Part):
    """What one audience is promised: updates at a cadence, or one summary within a limit."""

    channel: Literal["slack", "email"]
    audience: Literal["internal", "customers", "stakeholders"]
    to: str = ""
    severities: tuple[int, ...] = (1, 2, 3, 4)
    first: Duration | None = None
    every: Duration | None = None
    within: Duration | None = None
    grace: Duration = 300.0

    @model_validator(mode="after")
    def _one_promise(self) -> "Communication":
        if (self.every is None) == (self.within is None):
            raise ValueError("give `every` for updates, or `within` for a summary, and not both")
        if self.every is not None and self.every <= 0:
            raise ValueError("`every` must be longer than nothing")
        return self


class Rollback(_Part):
    """The last stable tag, and the commands as the team wrote them down."""

    stable: str
    commands: tuple[str, ...] = ()


class Guardrail(_Part):
    """A preventive guardrail of the playbook."""

    guardrail: Literal[
        "secret_scanning", "dependency_updates", "objectives_have_alerts", "drilled_lately"
    ]
    every: Literal["daily", "weekly", "monthly"] | None = None
    within_days: Annotated[int, Field(ge=1, le=366)] | None = None


class Playbook(_Part):
    """How a team answers an incident, as data."""

    schema_: Annotated[Literal["drill-playbook/1"], Field(alias="schema")]
    title: Annotated[str, Field(min_length=1)]
    severities: dict[Severity, SeverityLevel]
    roles: dict[str, Role]
    acts: ActRoles
    escalate: tuple[Escalation, ...] = ()
    communicate: tuple[Communication, ...] = ()
    rollback: Rollback | None = None
    guardrails: tuple[Guardrail, ...] = ()

    def level(self, severity: int) -> SeverityLevel | None:
        """The severity's entry, None if the playbook has none."""
        return next((each for key, each in self.severities.items() if key == str(severity)), None)

    def holders(self) -> dict[str, list[str]]:
        """Who holds each role."""
        return {name: list(role.held_by) for name, role in self.roles.items()}

    def rules(self, groups: Groups) -> dict[str, list[AnyRule]]:
        """The rules by severity, with groups of probes resolved."""
        return {
            severity: [rule.resolved(groups) for rule in level.when]
            for severity, level in self.severities.items()
        }

    def messages(self, severity: int) -> list[PlannedMessages]:
        """What must be told to whom in an incident of this severity."""
        return [
            PlannedMessages(
                channel=each.channel,
                audience=each.audience,
                to=each.to,
                role=self.acts.update,
                grace_s=each.grace,
                first_s=(each.first or 0.0) if each.every is not None else None,
                every_s=each.every,
                within_s=each.within,
            )
            for each in self.communicate
            if severity in each.severities
        ]

    def escalations(self) -> list[PlannedEscalation]:
        """Who is paged when nobody acknowledges."""
        return [PlannedEscalation(after_s=each.after, role=each.to) for each in self.escalate]


def _probes(names: Sequence[str], groups: Groups) -> list[str]:
    return list(dict.fromkeys(one for name in names for one in groups.get(name, (name,))))


def load_playbook(path: Path, groups: Groups | None = None) -> Playbook:
    """
    Read and validate a playbook.

    Args:
        path: The file.
        groups: Groups of probes of the environment by name, `all` among them; None to leave the
            names of probes unchecked.

    Raises:
        BadInput: Every problem at once, each with its line.
    """
    document = read_document(path)
    playbook = build_model(Playbook, document)
    problems = [*_role_problems(playbook, document), *_probe_problems(playbook, document, groups)]
    if problems:
        raise BadInput(*problems)
    return playbook


def _role_problems(playbook: Playbook, document: Document) -> Iterator[str]:
    named: list[tuple[Location, str]]
    named = [(("acts", kind), role) for kind, role in playbook.acts.model_dump().items()]
    named += [(("escalate", i, "to"), each.to) for i, each in enumerate(playbook.escalate)]
    for place, role in named:
        if role not in playbook.roles:
            hint = nearest(role, playbook.roles) or f"; there are {', '.join(playbook.roles)}"
            yield f"{document.place(place)}: no role is called '{role}'{hint}"


def _probe_problems(playbook: Playbook, document: Document, groups: Groups | None) -> Iterator[str]:
    if groups is None:
        return
    known = [*groups, *groups["all"]]
    for severity, level in playbook.severities.items():
        for index, rule in enumerate(level.when):
            for name in rule.probes:
                if name not in known:
                    place = document.place(("severities", severity, "when", index, "probes"))
                    hint = nearest(name, known) or f"; there are {', '.join(known)}"
                    yield f"{place}: no probe is called '{name}'{hint}"
