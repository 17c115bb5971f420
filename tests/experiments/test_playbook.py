"""A playbook is refused whole, with place, value and way out, or taken as it is written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.errors import BadInput
from drill.rules import ErrorRate, ProbesBad
from experiments.environment import Environment
from experiments.files import parse_document
from experiments.plan import make_plan
from experiments.playbook import PLAYBOOK, load_playbook
from experiments.problems import build_model
from experiments.scenario import scenario_model
from experiments.site import Site
from tests.experiments.conftest import ENVIRONMENT, SERVICES, plan_of
from tests.experiments.test_responding import ESCALATING, WHOLE

GROUPS = {
    "sacred-features": ("love-loops",),
    "http": ("love-loops", "shop"),
    "journeys": (),
    "all": ("love-loops", "shop"),
}


def written(folder: Path, change: tuple[str, str]) -> Path:
    """Our own playbook with one thing changed."""
    text = PLAYBOOK.read_text(encoding="utf-8")
    assert change[0] in text
    path = folder / "playbook.yaml"
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    return path


def test_our_playbook_says_what_the_document_says() -> None:
    """
    Fifteen and thirty minutes to acknowledge, an hour to resolve, hourly and two-hourly updates.
    """
    playbook = load_playbook(PLAYBOOK, GROUPS)

    first, second = playbook.level(1), playbook.level(2)
    assert first is not None
    assert second is not None
    assert (first.acknowledge, second.acknowledge, first.resolve) == (900, 1800, 3600)
    streams = {(each.channel, each.audience): each for each in playbook.messages(1)}
    assert streams["slack", "internal"].every_s == 3600
    assert streams["email", "customers"].every_s == 7200
    assert streams["email", "stakeholders"].within_s == 86400
    assert ("email", "customers") not in {(m.channel, m.audience) for m in playbook.messages(3)}


def test_groups_of_probes_are_resolved_in_the_rules() -> None:
    """
    The judge sees names of probes, and `all` as a number it can count to.
    """
    rules = load_playbook(PLAYBOOK, GROUPS).rules(GROUPS)

    assert ProbesBad(["love-loops"], "down", 1, 2.0) in rules["1"]
    assert ProbesBad(["love-loops", "shop"], "down", 0, 2.0) in rules["1"]
    assert ErrorRate(["love-loops", "shop"], 0.01) in rules["2"]
    assert rules["3"] == []


def test_a_share_is_a_percentage_or_a_number(tmp_path: Path) -> None:
    """
    1% and 0.01 are the same error rate.
    """
    number = load_playbook(written(tmp_path, ("over: 1%", "over: 0.01")), GROUPS)

    assert number == load_playbook(PLAYBOOK, GROUPS)


def test_nobody_waits_for_an_escalation_that_no_playbook_promises(tmp_path: Path) -> None:
    """
    An act after an escalation is refused where the playbook escalates to nobody.
    """
    text = PLAYBOOK.read_text(encoding="utf-8")
    begin = text.index("escalate:")
    end = text.index("\n\n", begin)
    path = tmp_path / "playbook.yaml"
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    document = parse_document("scenario.yaml", ESCALATING.encode(), {})
    scenario = build_model(scenario_model(), document)
    site = Site(Environment.model_validate(ENVIRONMENT), frozenset(SERVICES), load_playbook(path))

    with pytest.raises(BadInput, match="the playbook escalates to nobody: add `escalate` to it"):
        make_plan(scenario, document, site)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("acknowledge: 15m", "acknowledge: 15"), "a number with a unit"),
        (("over: 1%", "over: lots"), "write 1% or 0.01"),
        (("over: 1%", "over: lots%"), "write 1% or 0.01"),
        (("every: 1h", "every: 0s"), "`every` must be longer than nothing"),
        (("to: technical-lead", "to: technical-laed"), "did you mean 'technical-lead'"),
        (("probes: [sacred-features], health: down", "probes: [sacred], health: down"), "no probe"),
        (("within: 24h", "within: 24h, every: 1h"), "and not both"),
        (("  1:\n", "  5:\n"), "severities"),
        (("duty: Validates", "dutty: Validates"), "did you mean 'duty'"),
        (("rule: error_rate", "rule: error_rat"), "did you mean 'error_rate'"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    """
    Every mistake gives one line with file, line, value and a way out.
    """
    path = written(tmp_path, change)

    with pytest.raises(BadInput) as caught:
        load_playbook(path, GROUPS)

    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


@given(st.text(max_size=200))
def test_no_text_is_ever_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """
    Whatever a file holds, it is a playbook or a BadInput.
    """
    path = tmp_path_factory.getbasetemp() / "any-playbook.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(BadInput):
        load_playbook(path, GROUPS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("feature: checkout", "feature: chekout"), "did you mean 'checkout'"),
        (("detect: [{alert: Wrong, within: 30s}]\n", ""), "nobody detects"),
        (("do: acknowledge", "do: acknowledge, role: techlead"), "no role 'techlead'"),
        (("do: acknowledge}", "do: acknowlege}"), "did you mean 'acknowledge'"),
        (("within: 30s", "within: 30s, source: sentry"), "names no sentry"),
        (
            (
                "  - {when: contained",
                "  - {when: detected, do: resolve.heal}\n  - {when: contained",
            ),
            "resolved once",
        ),
        (("when: acknowledged", "when: contained"), "it would wait for itself"),
        (("when: acknowledged", "when: resolved"), "act"),
        (("time_scale: 60", "time_scale: 0"), "time_scale"),
    ],
)
def test_a_plan_refuses_what_this_place_or_playbook_cannot_do(
    change: tuple[str, str], expected: str
) -> None:
    """
    A response that could never happen is refused before anything is touched.
    """
    assert change[0] in WHOLE
    text = WHOLE.replace(*change, 1)
    if expected == "act":
        text = text.replace("  - {when: contained, after: 4m, do: resolve.heal}\n", "")

    with pytest.raises(BadInput) as caught:
        plan_of(text)

    assert expected in str(caught.value)


def test_our_playbook_suits_an_environment_of_somebody_elses() -> None:
    """
    An environment without a playbook of its own has ours, whatever its probes are called.
    """
    groups = {"sacred-features": (), "http": ("web",), "journeys": (), "all": ("web",)}

    assert load_playbook(PLAYBOOK, groups).level(1) is not None
