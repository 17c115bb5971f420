"""Does every objective have its alert rule, by the rules that the monitoring has."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from validators.guardrails.seen import Look, Unreadable, read_text, read_yaml


class AlertRule(msgspec.Struct, frozen=True):
    """One rule of a rules file; a recording has no alert."""

    alert: str = ""


class RuleGroup(msgspec.Struct, frozen=True):
    """One group of a rules file."""

    rules: list[AlertRule] = []


class RulesFile(msgspec.Struct, frozen=True):
    """A rules file of Prometheus."""

    groups: list[RuleGroup] = []


def look_at_objectives(
    wanted: Sequence[str], rules: Sequence[str] | None, rules_file: Path | None
) -> Look:
    """
    Say whether each of *wanted*, the alerts of the objectives, exists.

    Args:
        wanted: Names of alerts; empty if nobody wrote the objectives down.
        rules: Names that the monitoring has, None if it was not asked.
        rules_file: A rules file to read when it was not asked.
    """
    if not wanted:
        return Look(ok=None, detail="nobody wrote down which alerts the objectives need")
    known, evidence = _known(rules, rules_file)
    if known is None:
        return Look(ok=None, detail="the alert rules could not be looked up")
    missing = [name for name in wanted if name not in known]
    if missing:
        return Look(ok=False, detail=f"no alert rule: {', '.join(missing)}", evidence=evidence)
    return Look(ok=True, detail=f"{len(wanted)} of {len(wanted)} alerts exist", evidence=evidence)


def _known(rules: Sequence[str] | None, rules_file: Path | None) -> tuple[set[str] | None, str]:
    if rules is not None:
        return set(rules), "the monitoring's own rules"
    if rules_file is None:
        return None, ""
    text = read_text(rules_file.parent, rules_file.name)
    if text is None:
        raise Unreadable(f"{rules_file.name} is not there")
    found = read_yaml(text, RulesFile, rules_file.name)
    return {rule.alert for group in found.groups for rule in group.rules}, rules_file.name
