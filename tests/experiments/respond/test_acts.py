"""What each act of the playbook does through its hands, in virtual time."""

from typing import Any

import pytest
import trio

from drill.errors import BadInput
from drill.incident import Acted
from experiments.respond import ACTS
from experiments.respond.base import ActSpec
from experiments.response import Ends
from tests.experiments.conftest import ENVIRONMENT, SCENARIO, plan_of
from tests.experiments.people import FakeHands, Peopled

DETECT = "detect: [{alert: Wrong, within: 30s}]\n"
ALL = (
    SCENARIO
    + DETECT
    + """\
respond:
  - {when: detected, do: acknowledge}
  - {when: acknowledged, do: contain.isolate, service: backend}
  - {when: contained, do: update, text: we are rolling back}
  - {when: contained, do: resolve.rollback, service: shop, to: v1}
"""
)
ROLLBACK = "resolve.rollback, service: shop, to: v1"
LEAST: dict[str, Any] = {"text": "x", "command": "x", "when": "detected"}


@pytest.fixture(name="_deployed")
def _deployed_(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says how a release is deployed."""
    monkeypatch.setitem(ENVIRONMENT, "deploy", {"stable": "v1"})


@pytest.mark.usefixtures("_deployed")
def test_every_act_is_done_and_what_changed_is_put_back_newest_first() -> None:
    """
    Isolated, told, rolled back; at the end the release and the isolation are back, in that order.
    """
    drill = Peopled(ALL)

    drill.run()

    assert drill.hands.done == [
        "isolate backend",
        "roll back shop v1",
        "end faults",
        "put back shop",
        "rejoin backend",
    ]
    assert drill.teller.said == ["we are rolling back"]
    assert drill.intents.owed == {}


@pytest.mark.parametrize(
    ("act", "proof"),
    [
        ("resolve.command, command: fix", "fix"),
        ("resolve.rollback_as_written", "as written"),
        ("resolve.heal", "healed: f1"),
    ],
)
def test_what_the_teams_own_way_printed_is_the_proof(act: str, proof: str) -> None:
    """
    A command, the playbook's own lines, or the end of the faults: each resolves in its words.
    """
    drill = Peopled(ALL.replace(ROLLBACK, act))

    drill.run()

    told = [one for one in drill.journal.every(Acted) if one.do == act.partition(",")[0]]
    assert [(one.state, one.proof) for one in told] == [("begun", ""), ("done", proof)]


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("contain.isolate, service: bakend", "did you mean 'backend'"),
        ("resolve.rollback, service: shpo", "no service is called 'shpo'"),
        ("resolve.rollback, service: shop", "does not say how a release is deployed"),
    ],
)
def test_an_act_that_the_environment_cannot_do_is_refused_by_the_plan(
    act: str, reason: str
) -> None:
    """
    A service nobody knows and a rollback without a way to deploy touch nothing.
    """
    with pytest.raises(BadInput, match=reason):
        plan_of(f"{SCENARIO}{DETECT}respond: [{{when: detected, do: {act}}}]\n")


@pytest.mark.parametrize("act", [act for act in ACTS if not act.changes_staging])
def test_an_act_that_changes_nothing_owes_no_undo(act: type[ActSpec]) -> None:
    """
    It reads nothing beforehand and puts nothing back, so it needs no hands for either.
    """
    hands = FakeHands(Ends())
    named = {"do": act.model_fields["do"].default}
    needed = {name: value for name, value in LEAST.items() if name in act.model_fields}
    spec = act.model_validate(needed | named)

    assert trio.run(spec.prepare, hands) == ""
    assert trio.run(spec.undo, hands, "") == ""
    assert hands.done == []
