"""The promise that a rollback changed what runs, judged by the engine's own digests."""

from typing import ClassVar, Literal

from drill.incident import Acted, IncidentPlanned, ReleaseSeen
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from validators.checks.base import Finding, ImpliedCheck

DIGEST_CHARS = 19


class RollbackTookEffect(ImpliedCheck):
    """After the rollback the stable release runs, by the engine's own digest."""

    about: ClassVar[str] = "after the rollback the running digest is the stable release's"
    check: Literal["rollback_took_effect"] = "rollback_took_effect"

    @classmethod
    def applies(cls, planned: IncidentPlanned) -> bool:
        """Whether the plan rolls anything back."""
        return any(act.do.startswith("resolve.rollback") for act in planned.acts)

    def judge(self, journal: Journal) -> Finding:
        acts = [act for act in journal.every(Acted) if act.do.startswith("resolve.rollback")]
        ended = [act for act in acts if act.state in ("done", "failed")]
        if not ended:
            return Finding(Verdict.UNKNOWN, "nothing was rolled back", Cause.HARNESS)
        last = ended[-1]
        seen: dict[str, dict[str, ReleaseSeen]] = {}
        for one in journal.every(ReleaseSeen):
            seen.setdefault(one.service, {})[one.when] = one
        rolled = {service: looks for service, looks in seen.items() if "rolled_back" in looks}
        if not rolled:
            if last.state == "failed":
                return _failed(f"the rollback failed: {last.proof}")
            return Finding(
                Verdict.UNKNOWN,
                "which release runs was not read after the rollback",
                Cause.HARNESS,
            )
        planned = journal.last(IncidentPlanned)
        stable = planned.stable if planned else ""
        findings = [_rolled(looks, stable, last) for looks in rolled.values()]
        return max(findings, key=lambda finding: finding.verdict)


def _rolled(looks: dict[str, ReleaseSeen], stable: str, act: Acted) -> Finding:
    now, before, bad = looks["rolled_back"], looks.get("before"), looks.get("bad")
    if bad is not None and before is not None and bad.digest == before.digest:
        return Finding(
            Verdict.UNKNOWN,
            f"{now.service} ran {_short(bad.digest)} before and during the fault: there was no "
            "bad release to roll back",
            Cause.HARNESS,
        )
    if not stable and before is None:
        return Finding(Verdict.UNKNOWN, "nobody said what the stable release is", Cause.HARNESS)
    wrong = _wrong(looks, stable)
    if wrong or act.state == "failed":
        said = f"the rollback {'ran' if act.state == 'done' else 'failed'}"
        ran = f"{said} ({act.proof})" if act.proof else said
        return _failed(f"{ran} and {wrong or f'{now.service} runs {now.release}'}")
    was = f" instead of {_short(bad.digest)} of {bad.release}" if bad else ""
    return Finding(
        Verdict.PASS, f"{now.service} runs {_short(now.digest)} of {now.release}{was}: {act.proof}"
    )


def _wrong(looks: dict[str, ReleaseSeen], stable: str) -> str:
    """What is not as a rollback promises, empty if nothing."""
    now, before, bad = looks["rolled_back"], looks.get("before"), looks.get("bad")
    runs = f"{now.service} {{}} {_short(now.digest)} of {now.release}"
    if bad is not None and now.digest == bad.digest:
        return runs.format("still runs")
    if before is not None and before.release == (stable or before.release):
        if now.digest != before.digest:
            is_not = f"which is not {_short(before.digest)} of the stable {before.release}"
            return f"{runs.format('runs')}, {is_not}"
    elif now.release != stable:
        return f"{runs.format('runs')}, not the stable {stable}"
    after = looks.get("after")
    if after is not None and after.digest != now.digest:
        at_the_end = f"at the end {_short(after.digest)} of {after.release}"
        return f"{runs.format('ran')} after it, and {at_the_end}"
    return ""


def _short(digest: str) -> str:
    return f"{digest[:DIGEST_CHARS]}…"


def _failed(reason: str) -> Finding:
    return Finding(Verdict.FAIL, reason, Cause.APPLICATION)
