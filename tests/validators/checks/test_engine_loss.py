"""Whose doing a finding is when the container engine itself was away."""

from collections.abc import Callable

import anyio
import pytest

from drill.events import (
    ENGINE_BACK,
    ENGINE_LOST,
    Aborted,
    EngineSaw,
    FaultChange,
    Found,
    Observation,
    Planned,
    PlannedFault,
    Service,
    StackSeen,
)
from drill.journal import Journal
from drill.records import Record
from drill.verdict import Cause, Health, Verdict
from experiments.runtime.shapes import EngineEvent
from tests.experiments.conftest import SCENARIO, Rehearsal
from validators.checks.after import RecoversWithin
from validators.checks.always import RunsToItsEnd
from validators.checks.base import CheckSpec, Finding
from validators.checks.during import StaysAvailable
from validators.checks.engine_loss import blamed, engine_loss

STAYS = StaysAvailable(probes=("shop",))
RECOVERS = RecoversWithin.model_validate({"probes": ["shop"], "limit": "5s", "stable_for": "1s"})
FAULT = PlannedFault("f1", "container.pause", "redis", "{}", "", 0, 10)


def saw(t: float, action: str, service: str = "") -> EngineSaw:
    return EngineSaw(t=t, service=service, action=action, container=service, wall_s=1000 + t)


def stack(t: float, status: str = "running", started_at: str = "before") -> StackSeen:
    service = Service("shop", "c", "i", "d", status, 0, started_at=started_at)
    return StackSeen(t=t, when="before" if t < 5 else "after", services=[service])


def journal_of(*records: Record, healed: float = 20) -> Journal:
    """A fault on redis from 10 s on; the probe `shop` is down from 12 s on."""
    journal = Journal()
    journal.add(Planned(0, [FAULT], [], [], 1))
    journal.add(FaultChange(10, "f1", "intent"))
    journal.add(FaultChange(10.1, "f1", "effective"))
    journal.add(FaultChange(healed, "f1", "healing"))
    journal.add(FaultChange(healed, "f1", "healed"))
    for record in records:
        journal.add(record)
    for k in range(60):
        health = Health.DOWN if k >= 12 else Health.OK
        journal.add(Observation("shop", k, k, k + 0.1, health))
    journal.events.sort(key=lambda event: event.t)
    return journal


def cause(check: CheckSpec, journal: Journal) -> Cause | None:
    finding = check.judge(journal)
    assert finding.verdict is not Verdict.PASS
    return blamed(check, finding, journal).cause


LOST = saw(11.5, ENGINE_LOST)


def test_an_engine_that_takes_a_bystander_down_is_to_blame() -> None:
    """A container no fault was for died with the engine: what failed then is the environment's."""
    journal = journal_of(LOST, saw(11.4, "die", "shop"), saw(15, ENGINE_BACK), stack(55))

    finding = blamed(STAYS, STAYS.judge(journal), journal)

    assert finding.verdict is Verdict.FAIL
    assert finding.cause is Cause.ENVIRONMENT
    assert "took shop down with it" in finding.reason
    assert cause(RECOVERS, journal) is Cause.ENVIRONMENT


@pytest.mark.parametrize(
    "records",
    [
        pytest.param((), id="engine was there"),
        pytest.param((saw(11.4, "die", "shop"),), id="only a bystander died"),
        pytest.param((LOST, saw(13, ENGINE_BACK), stack(55)), id="containers lived on"),
        pytest.param(
            (LOST, saw(11.4, "die", "redis"), saw(13, ENGINE_BACK), stack(55)), id="target died"
        ),
        pytest.param(
            (saw(12, "die", "shop"), saw(40, ENGINE_LOST), saw(41, ENGINE_BACK), stack(55)),
            id="died long before",
        ),
        pytest.param(
            (LOST, saw(13, ENGINE_BACK), saw(40, "die", "shop"), stack(55)), id="died long after"
        ),
    ],
)
def test_the_application_keeps_the_blame_without_that_proof(records: tuple[Record, ...]) -> None:
    """Neither a loss alone nor a death alone excuses a promise that was broken."""
    assert cause(STAYS, journal_of(*records)) is Cause.APPLICATION


def test_an_engine_that_never_came_back_is_to_blame() -> None:
    """Where nobody could ask for the containers any more, the application is not accused."""
    assert cause(STAYS, journal_of(LOST)) is Cause.ENVIRONMENT


def test_what_had_failed_before_the_loss_stays_the_applications() -> None:
    """A promise broken before the engine went is no less broken for it."""
    late = (saw(45, ENGINE_LOST), saw(45, "die", "shop"), saw(47, ENGINE_BACK), stack(55))

    assert cause(STAYS, journal_of(*late)) is Cause.APPLICATION
    assert cause(RECOVERS, journal_of(*late)) is Cause.APPLICATION
    assert cause(RECOVERS, journal_of(*late, healed=42)) is Cause.ENVIRONMENT


@pytest.mark.parametrize(
    ("after", "took"),
    [
        (
            stack(55, started_at="1970-01-01T00:16:53.123456789Z"),
            ("shop",),
        ),  # 1013 s: at its return
        (stack(55, started_at="1970-01-01T00:17:30Z"), ()),
        (stack(55, started_at="nonsense"), ()),
        (stack(55, status="exited"), ("shop",)),
        (stack(55), ()),
    ],
)
def test_deaths_that_nobody_could_watch_are_read_from_the_stack(
    after: StackSeen, took: tuple[str, ...]
) -> None:
    """A container with a new life around the loss, or gone without an event, was taken by it."""
    loss = engine_loss(journal_of(stack(1), LOST, saw(13, ENGINE_BACK), after))
    assert loss is not None
    assert loss.took == took


def test_what_the_harness_could_not_do_without_an_engine_is_the_environments() -> None:
    """An abort for want of an engine is no fault of the harness; one before the loss stays its."""
    ended = RunsToItsEnd()
    assert cause(ended, journal_of(LOST, Aborted(12, "no answer"), stack(55))) is Cause.ENVIRONMENT
    assert cause(ended, journal_of(LOST, Aborted(11, "SIGINT"), stack(55))) is Cause.HARNESS


def test_a_kept_promise_needs_no_blame() -> None:
    """A pass stays as it is."""
    kept = Finding(Verdict.PASS, "fine")
    assert blamed(STAYS, kept, journal_of(LOST)) is kept


def with_engine_death(*, bystander: bool) -> Callable[[Rehearsal], object]:
    async def die(rehearsal: Rehearsal) -> None:
        stack = rehearsal.stack
        while stack.status["backend"] != "paused":
            await anyio.sleep(0.1)
        await anyio.sleep(2)
        if bystander:
            stack.emit("shop", "die")
        now = anyio.current_time()
        for action in (ENGINE_LOST, ENGINE_BACK):
            stack.say(EngineEvent("", "", action, now, now))
        rehearsal.looks["checkout"] = lambda: Health.DOWN
        rehearsal.probes["checkout"].look = rehearsal.looks["checkout"]

    return die


@pytest.mark.parametrize("bystander", [True, False])
def test_a_whole_drill_tells_the_engines_death_from_the_applications(*, bystander: bool) -> None:
    """The findings of a drill whose engine died name the environment, if it took others along."""
    rehearsal = Rehearsal(SCENARIO)
    rehearsal.meanwhile = with_engine_death(bystander=bystander)  # type: ignore[assignment]

    assert rehearsal.run() == 1
    failed = {f.check: f.cause for f in rehearsal.journal.every(Found) if f.verdict == "fail"}
    assert len(failed) == 2
    assert set(failed.values()) == {"environment" if bystander else "application"}
