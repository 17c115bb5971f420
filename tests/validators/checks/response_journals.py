"""Hand-made journals of people's answers."""

from drill.events import Event, MomentSet, Phase
from drill.incident import Acted, IncidentPlanned, PlannedAct, PlannedEscalation
from drill.journal import Journal
from drill.records import AnyEvent

ROLES = {"incident-commander": ["ada"], "technical-lead": ["grace"], "nobody": []}


def planned(*acts: str, scale: float = 60.0, stable: str = "v1.2.0") -> IncidentPlanned:
    moments = {"contain": "contained", "resolve": "resolved", "acknowledge": "acknowledged"}
    return IncidentPlanned(
        t=0.0,
        playbook="p",
        time_scale=scale,
        acknowledge_s=900.0,
        resolve_s=3600.0,
        roles=ROLES,
        rules={},
        acts=[
            PlannedAct(str(i), do, moments[do.partition(".")[0]], "detected", 0.0, "auto", "r")
            for i, do in enumerate(acts)
        ],
        escalations=[PlannedEscalation(after_s=900.0, role="technical-lead")],
        stable=stable,
    )


def moment(name: str, t: float, early: float = 0.0) -> MomentSet:
    return MomentSet(t=t, name=name, earliest=t - early, latest=t, source="auto")


def acted(do: str, state: str, t: float, role: str = "technical-lead", proof: str = "") -> Acted:
    return Acted(
        t=t,
        id="a1",
        do=do,
        state=state,  # type: ignore[arg-type]
        actor="grace",
        role=role,
        via="auto",
        proof=proof,
    )


def journal(*events: Event, end: float = 100.0) -> Journal:
    made = Journal()
    for event in (planned("acknowledge"), *events, Phase(t=end, name="judge", wall_s=0.0)):
        assert isinstance(event, AnyEvent)
        made.add(event)
    return made
