"""
The severity that was seen, by the playbook's own rules. Pure.

A rule looks at observations from the first injection to the end of the drill, or at findings.
What they cannot decide stays undecided: no rule ever says that an incident was harmless.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from drill.duration import show_duration
from drill.journal import Columns, Journal
from drill.rules import AnyRule, ErrorRate, FindingFailed, MeanLatency, ProbesBad
from drill.verdict import Health

LEVELS = {"degraded": (Health.DEGRADED, Health.DOWN), "down": (Health.DOWN,)}
Spell = tuple[float, float]


def severity_seen(
    journal: Journal,
    rules: Mapping[str, Sequence[AnyRule]],
    *,
    since: float,
    failed: Collection[str],
) -> tuple[int | None, str]:
    """
    Find the worst severity one of whose rules holds.

    Args:
        journal: With all observations.
        rules: By severity, as text of 1 to 4.
        since: The first injection, in the journal's seconds; earlier looks do not count.
        failed: Names of checks, without their probes, whose finding is a fail.

    Returns:
        The severity and the sentence that made it; None with a reason if no rule holds.
    """
    for severity in sorted(rules):
        for rule in rules[severity]:
            reason = _holds(rule, journal, since, failed)
            if reason:
                return int(severity), reason
    computable = [severity for severity in sorted(rules) if rules[severity]]
    if not computable:
        return None, "the playbook has no rule that observations could decide"
    return None, (
        f"no rule of severity {' or '.join(computable)} held; what is left cannot be told apart "
        "by observations"
    )


def _holds(rule: AnyRule, journal: Journal, since: float, failed: Collection[str]) -> str:
    if isinstance(rule, ProbesBad):
        return _probes_bad(rule, journal, since)
    if isinstance(rule, ErrorRate):
        return _error_rate(rule, journal, since)
    if isinstance(rule, MeanLatency):
        return _mean_latency(rule, journal, since)
    return _finding_failed(rule, failed)


def _finding_failed(rule: FindingFailed, failed: Collection[str]) -> str:
    names = [check for check in rule.checks if check in failed]
    return f"customer data at risk: {', '.join(names)} failed" if names else ""


def _probes_bad(rule: ProbesBad, journal: Journal, since: float) -> str:
    needed = rule.at_least or len(rule.probes)
    spells = {
        probe: list(_spells(journal.columns(probe), LEVELS[rule.health], since))
        for probe in rule.probes
    }
    # The worst overlap begins where some spell begins: looking there is enough.
    for start in sorted(spell[0] for each in spells.values() for spell in each):
        until = start + rule.lasting_s
        bad = [name for name, each in spells.items() if _covered(each, start, until)]
        if needed and len(bad) >= needed:
            how_long = f" for {show_duration(rule.lasting_s)}" if rule.lasting_s else ""
            return f"{rule.health}{how_long}: {', '.join(bad)}"
    return ""


def _covered(spells: Sequence[Spell], start: float, until: float) -> bool:
    return any(first <= start and last >= until for first, last in spells)


def _spells(columns: Columns, bad: Collection[Health], since: float) -> Iterator[Spell]:
    """Runs of bad looks, from the first one's sending to the last one's; limited ends nothing."""
    first = last = None
    for index in sorted(range(len(columns)), key=columns.sent.__getitem__):
        health, sent = columns.health[index], columns.sent[index]
        if sent < since or health == Health.LIMITED:
            continue
        if health in bad:
            first, last = (sent if first is None else first), sent
        elif first is not None and last is not None:
            yield first, last
            first = None
    if first is not None and last is not None:
        yield first, last


def _error_rate(rule: ErrorRate, journal: Journal, since: float) -> str:
    looks = bad = 0
    for probe in rule.probes:
        columns = journal.columns(probe)
        healths = [
            columns.health[index] for index in range(len(columns)) if columns.sent[index] >= since
        ]
        looks += len(healths)
        bad += healths.count(Health.DOWN)
    if looks and bad / looks > rule.over:
        return f"{bad} of {looks} looks failed, over {rule.over:.1%}: {', '.join(rule.probes)}"
    return ""


def _mean_latency(rule: MeanLatency, journal: Journal, since: float) -> str:
    for probe in rule.probes:
        columns = journal.columns(probe)
        took = [
            columns.got[index] - columns.sent[index]
            for index in range(len(columns))
            if columns.sent[index] >= since
            and columns.health[index] in (Health.OK, Health.DEGRADED)
        ]
        mean = sum(took) / len(took) if took else 0.0
        if mean > rule.over_s:
            limit = f"{len(took)} looks, limit {show_duration(rule.over_s)}"
            return f"{probe} took {mean * 1000:.0f} ms on average over {limit}"
    return ""
