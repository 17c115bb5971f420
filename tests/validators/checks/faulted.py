"""Hand-made journals of one fault and what one probe saw of it."""

from drill.events import FaultChange, Observation, Phase, Planned, PlannedFault
from drill.journal import Journal
from drill.records import Record
from drill.verdict import Cause, Health, Verdict
from validators.checks.base import Finding

Seen = tuple[Verdict, Cause | None]
PASS: Seen = (Verdict.PASS, None)
FAIL: Seen = (Verdict.FAIL, Cause.APPLICATION)
BLIND: Seen = (Verdict.UNKNOWN, Cause.ENVIRONMENT)
UNSURE: Seen = (Verdict.UNKNOWN, Cause.HARNESS)
FAULT = PlannedFault("f1", "container.pause", "redis", "{}", "", 0.0, 10.0)
IN_FORCE = (FaultChange(10.0, "f1", "intent"), FaultChange(10.1, "f1", "effective", "seen"))
UNDONE = (FaultChange(20.0, "f1", "healing"), FaultChange(20.0, "f1", "healed", by="drill"))


def faulted(*records: Record, fault: PlannedFault = FAULT, **looks: str) -> Journal:
    """
    A drill of one fault; without *records* it is in force from 10 s to 20 s.

    *looks* gives by probe one letter a second from 0 s on: good, `r`educed, `l`imited, `d`own or
    no look at all (`-`).
    """
    made = Journal()
    made.add(Planned(0.0, [fault], [], [], 1.0))
    made.add(Phase(0.0, "baseline", 0.0))
    for record in records or (*IN_FORCE, *UNDONE):
        made.add(record)
    healths = {"g": Health.OK, "r": Health.DEGRADED, "l": Health.LIMITED, "d": Health.DOWN}
    for probe, letters in looks.items():
        for second, letter in enumerate(letters):
            if letter != "-":
                health = healths[letter]
                made.add(Observation(probe, second, second, second + 0.1, health, health.word))
    return made


def seen(finding: Finding) -> Seen:
    """Verdict and cause."""
    return finding.verdict, finding.cause
