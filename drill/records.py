"""Every kind of record that a journal may hold."""

from drill import events, incident
from drill.payments import AnyPayment

AnyEvent = (
    events.Header
    | events.Planned
    | events.Phase
    | events.FaultChange
    | events.StackSeen
    | events.EngineSaw
    | events.EvidenceKept
    | events.Note
    | events.Aborted
    | events.Recovered
    | events.MomentSet
    | events.SlaJudged
    | events.Found
    | events.SeverityJudged
    | events.Clean
    | events.End
    | incident.IncidentPlanned
    | incident.AlertSeen
    | incident.ChainSeen
    | incident.Acted
    | incident.Escalated
    | incident.MessageSent
    | incident.ReleaseSeen
    | incident.MonitoringSeen
    | incident.GuardrailSeen
    | AnyPayment
)
Record = AnyEvent | events.Observation
