"""A promise about the playbook's preventive guardrails, as they were looked up for this drill."""

from typing import ClassVar, Literal

from drill.incident import GuardrailSeen
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import CheckSpec, Finding


class GuardrailsHold(CheckSpec):
    """Every preventive guardrail of the playbook is in place."""

    about: ClassVar[str] = "every preventive guardrail of the playbook is in place"
    check: Literal["guardrails_hold"] = "guardrails_hold"

    def judge(self, journal: Journal) -> Finding:
        seen = {one.guardrail: one for one in journal.every(GuardrailSeen)}
        if not seen:
            return Finding(Verdict.UNKNOWN, "no guardrail was looked up", Cause.HARNESS)
        evidence = tuple(dict.fromkeys(one.evidence for one in seen.values() if one.evidence))
        broken = [one for one in seen.values() if one.ok is False]
        unsure = [one for one in seen.values() if one.ok is None]
        told = "; ".join(f"{one.guardrail}: {one.detail}" for one in (*broken, *unsure))
        if broken:
            return Finding(Verdict.FAIL, told, Cause.APPLICATION, evidence)
        if unsure:
            return Finding(Verdict.UNKNOWN, told, Cause.ENVIRONMENT, evidence)
        held = "; ".join(f"{one.guardrail}: {one.detail}" for one in seen.values())
        return Finding(Verdict.PASS, held, None, evidence)


CHECKS: tuple[type[CheckSpec], ...] = (GuardrailsHold,)
IMPLIED: tuple[type[CheckSpec], ...] = ()
"""No plan implies it: a scenario names it, or `drill verify` asks for it."""
