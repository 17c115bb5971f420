"""Hand-made journals of an incident, step by step."""

from collections.abc import Sequence

from drill import events as e
from drill import incident as i
from drill.journal import Journal
from drill.records import Record
from drill.verdict import Health

WALL_S = 1_790_000_000.0
SCALE = 60.0
"""One real second is one minute of the playbook."""


def header() -> e.Header:
    """The first line."""
    return e.Header(
        0.0, "20260921T120000Z-game-day", "game-day", "Game day: Paystack is unreachable",
        "staging", "vauntico-staging", "0.1.0", "294bbf3", dirty=False,
        command="drill run game-day", seed=7, severity=1, wall_s=WALL_S, mono_s=100.0, boot_id="b",
    )  # fmt: skip


def plan() -> e.Planned:
    """One fault, two probes."""
    fault = e.PlannedFault("f1", "network.blackhole", "vauntico-server", "{}", "agent", 0, 60)
    probes = [
        e.PlannedProbe("love-loops", "http", sacred=True, period_s=1, deadline_s=0.8),
        e.PlannedProbe("checkout", "http", sacred=False, period_s=1, deadline_s=0.8),
    ]
    return e.Planned(0.2, [fault], probes, ["recovers_within"], 5.0, 30.0)


def planned(scale: float = SCALE) -> i.IncidentPlanned:
    """Severity 1 as the playbook has it."""
    return i.IncidentPlanned(
        t=0.3,
        playbook="Vauntico Incident Response Playbook",
        time_scale=scale,
        acknowledge_s=900.0,
        resolve_s=3600.0,
        roles={
            "incident-commander": ["commander-on-call"],
            "technical-lead": ["engineer-on-call"],
            "communications-lead": [],
        },
        rules={},
        detections=[i.PlannedDetection("PaystackUnreachable", "prometheus", 30.0)],
        acts=[
            i.PlannedAct("a1", "acknowledge", "acknowledged", "detected", 0.0, "people",
                         "incident-commander"),
        ],
        messages=[
            i.PlannedMessages("slack", "internal", "#incident-response", "communications-lead",
                              300.0, first_s=0.0, every_s=3600.0),
            i.PlannedMessages("email", "stakeholders", "", "communications-lead", 300.0,
                              within_s=86400.0),
        ],
        escalations=[i.PlannedEscalation(900.0, "technical-lead")],
    )  # fmt: skip


def phase(t: float, name: e.PhaseName) -> e.Phase:
    """A phase with its wall clock."""
    return e.Phase(t, name, WALL_S + t)


def moment(t: float, name: str, actor: str = "", role: str = "") -> e.MomentSet:
    """A moment without doubt."""
    return e.MomentSet(t, name, t, t, "a test", actor, role)


def message(kind: i.MessageKind, due: float, sent: float | None) -> i.MessageSent:
    """A post to Slack."""
    return i.MessageSent(due, "slack", "internal", kind, due, sent, "communications-on-call",
                         "communications-lead", "200 ok", f"[DRILL] {kind}")  # fmt: skip


def look(probe: str, sent: float, health: Health = Health.OK, detail: str = "") -> e.Observation:
    """An answer after 50 ms."""
    return e.Observation(probe, sent, sent, sent + 0.05, health, detail)


def broken() -> list[Record]:
    """Until the fault is in force, at 10 s."""
    return [
        header(),
        phase(0.1, "preflight"),
        plan(),
        planned(),
        phase(1.0, "baseline"),
        phase(9.0, "faults"),
        e.FaultChange(9.9, "f1", "intent"),
        e.FaultChange(9.95, "f1", "injected"),
        e.FaultChange(10.0, "f1", "effective", proof="no answer"),
    ]


def firing(t: float = 14.0) -> list[Record]:
    """The promised alert, and detection by it."""
    seen = i.AlertSeen(t, "PaystackUnreachable", "prometheus", "firing", t, t, t, 1.0)
    return [seen, moment(t, "detected")]


def acknowledged(t: float = 20.0) -> list[Record]:
    """Ada takes it."""
    act = i.Acted(t, "a1", "acknowledge", "done", "Ada", "incident-commander", "page",
                  "acknowledged")  # fmt: skip
    return [act, moment(t, "acknowledged", "Ada", "incident-commander")]


def ended(t: float = 70.0) -> list[Record]:
    """Healed, recovered, judged."""
    return [
        e.FaultChange(40.0, "f1", "healing"),
        e.FaultChange(40.5, "f1", "healed", proof="answers"),
        phase(40.6, "quiet"),
        phase(t - 1, "judge"),
        moment(40.5, "healed"),
        moment(42.0, "recovered"),
        e.SlaJudged(t, "recover", 30.0, "met", 1.5, 1.4, 1.5),
        e.Found(t, "recovers_within", "pass", "1.5 s", "f"),
        e.Found(t, "detects_in_time", "fail", "too late", "f"),
        e.Clean(t, WALL_S + t, "looked at everything"),
        e.End(t, WALL_S + t, "fail", 1),
    ]


def journal(*parts: Sequence[Record]) -> Journal:
    """A journal of these records."""
    made = Journal()
    for part in parts:
        for record in part:
            made.add(record)
    return made
