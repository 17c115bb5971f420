"""Whether a rollback took effect, judged over hand-made journals."""

import pytest

from drill.events import Event
from drill.incident import ReleaseSeen
from drill.verdict import Verdict
from tests.validators.checks.response_journals import acted, journal, planned
from validators.checks.base import Finding
from validators.checks.rollback import RollbackTookEffect


def release(when: str, digest: str, tag: str) -> ReleaseSeen:
    return ReleaseSeen(
        t=1.0,
        service="shop",
        when=when,  # type: ignore[arg-type]
        release=tag,
        image=f"shop:{tag}",
        digest=f"sha256:{digest * 20}",
    )


BEFORE, BAD = release("before", "a", "v1.2.0"), release("bad", "b", "v1.3.0")


def rolled(*events: Event, proof: str = "exit 0", state: str = "done") -> Finding:
    act = acted("resolve.rollback", state, 5.0, proof=proof)
    return RollbackTookEffect().judge(journal(act, *events))


def test_rollback_that_took_effect() -> None:
    """
    The digest of the stable release runs again.
    """
    found = rolled(BEFORE, BAD, release("rolled_back", "a", "v1.2.0"))

    assert found.verdict is Verdict.PASS
    assert "shop runs sha256:aaaaaaaaaaaa… of v1.2.0 instead of" in found.reason


def test_rollback_that_changed_nothing() -> None:
    """
    The plain sentence: what ran, what it said, and what still runs.
    """
    found = rolled(
        BEFORE,
        BAD,
        release("rolled_back", "b", "v1.3.0"),
        proof="exit 0: Everything up-to-date",
    )

    assert found.verdict is Verdict.FAIL
    assert found.reason == (
        "the rollback ran (exit 0: Everything up-to-date) and shop still runs "
        "sha256:bbbbbbbbbbbb… of v1.3.0"
    )


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ((BEFORE, BAD, release("rolled_back", "c", "v1.2.0")), Verdict.FAIL),
        ((BAD, release("rolled_back", "c", "v1.2.0")), Verdict.PASS),
        ((BAD, release("rolled_back", "c", "v1.1.0")), Verdict.FAIL),
        ((BEFORE, BAD), Verdict.UNKNOWN),
        (
            (BEFORE, release("bad", "a", "v1.2.0"), release("rolled_back", "a", "v1.2.0")),
            Verdict.UNKNOWN,
        ),
        (
            (BEFORE, BAD, release("rolled_back", "a", "v1.2.0"), release("after", "b", "v1.3.0")),
            Verdict.FAIL,
        ),
    ],
    ids=["other-image", "by-tag", "other-tag", "not-read", "no-bad-release", "came-back"],
)
def test_rollback_otherwise(events: tuple[Event, ...], verdict: Verdict) -> None:
    """
    Digests decide where they are known, the tag where they are not, and nothing never passes.
    """
    assert rolled(*events).verdict is verdict


def test_rollback_that_failed() -> None:
    """
    A rollback that ended with an error fails, whatever runs.
    """
    assert rolled(BEFORE, BAD, state="failed", proof="exit 1").verdict is Verdict.FAIL
    assert RollbackTookEffect().judge(journal(BEFORE, BAD)).verdict is Verdict.UNKNOWN


def test_without_a_stable_release_nothing_can_be_compared() -> None:
    """
    Where neither the plan nor a look before the fault says what is stable, nobody knows.
    """
    found = rolled(planned(stable=""), BAD, release("rolled_back", "a", "v1.2.0"))

    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "nobody said what the stable release is"
