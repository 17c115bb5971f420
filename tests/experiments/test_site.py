"""What an environment and a scenario name besides, and how both are found."""

import json
from pathlib import Path

import pytest

from drill.errors import BadInput
from experiments.environment import Environment, compose_services, find_environment
from experiments.files import parse_document
from experiments.playbook import PLAYBOOK
from experiments.problems import build_model
from experiments.scenario import SCENARIOS, adapted, find_scenario, load_scenario, proves
from experiments.site import load_site
from tests.experiments.conftest import ENVIRONMENT, SCENARIO, plan_of
from tests.experiments.test_responding import WHOLE


def written(folder: Path, **change: object) -> Path:
    path = folder / "environment.yaml"
    path.write_text(json.dumps({**ENVIRONMENT, **change}), encoding="utf-8")
    return path


def test_a_site_has_the_services_of_its_compose_file(tmp_path: Path) -> None:
    """
    The file beside the environment names what may be a target.
    """
    (tmp_path / "compose.yaml").write_text("services: {shop: {}, redis: {}}")
    text = PLAYBOOK.read_text(encoding="utf-8").replace(", shop]", ", checkout]")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")

    site = load_site(written(tmp_path, playbook="own.yaml"))

    assert site.services == {"shop", "redis"}
    assert site.playbook.level(1) is not None


@pytest.mark.parametrize(
    ("compose", "reason"),
    [
        (None, "compose.yaml: No such file"),
        ("services: [", "is no compose file with services"),
        ("just a text", "is no compose file with services"),
        ("version: 3", "is no compose file with services"),
    ],
)
def test_a_compose_file_that_is_none_is_named(
    tmp_path: Path, compose: str | None, reason: str
) -> None:
    """
    Missing, broken, or without services: bad input with the way there.
    """
    if compose is not None:
        (tmp_path / "compose.yaml").write_text(compose)

    with pytest.raises(BadInput, match=reason):
        compose_services(Environment.model_validate(ENVIRONMENT), tmp_path / "environment.yaml")


def test_a_playbook_of_its_own_must_be_there(tmp_path: Path) -> None:
    """
    An environment that names one is not rehearsed by ours instead.
    """
    with pytest.raises(
        BadInput, match=r"environment\.yaml:1: playbook: there is no file .*own\.yaml"
    ):
        load_site(written(tmp_path, playbook="own.yaml"))


def test_what_is_not_called_so_is_told_the_nearest() -> None:
    """
    Environments and scenarios are found by name, and a slip of the pen is named.
    """
    with pytest.raises(BadInput, match="called 'bundeld'; did you mean 'bundled'"):
        find_environment("bundeld")
    with pytest.raises(BadInput, match="did you mean 'paystack-down'"):
        find_scenario("paystack-dwon")


def test_a_scenario_is_named_from_here_if_it_lies_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Messages show the short path in the checkout, and one that can be opened from elsewhere.
    """
    monkeypatch.chdir(SCENARIOS.parent)
    assert find_scenario("paystack-down") == Path("scenarios/paystack-down.yaml")
    monkeypatch.chdir(tmp_path)
    assert find_scenario("paystack-down") == SCENARIOS / "paystack-down.yaml"
    assert load_scenario(find_scenario("paystack-down"))[0].title


def test_on_a_game_day_people_do_what_sets_a_moment() -> None:
    """
    Whatever the scenario says, acknowledging, containing and resolving wait for people.
    """
    scenario = plan_of(WHOLE + "  - {when: contained, do: update, text: so it is}\n").scenario

    played = adapted(scenario, game_day=True, time_scale=2.0)

    assert [act.by for act in played.respond] == ["people", "people", "people", "auto"]
    assert played.time_scale == 2.0
    assert adapted(scenario, game_day=False, time_scale=None) == scenario


def test_what_a_scenario_proves_is_its_comment(tmp_path: Path) -> None:
    """
    All lines of it, as one sentence, also where nothing follows.
    """
    (tmp_path / "a.yaml").write_text("# Proves: that it\n#   comes back.\ntitle: x\n")
    (tmp_path / "b.yaml").write_text("# Proves: nothing yet\n")

    assert proves(tmp_path / "a.yaml") == "that it comes back."
    assert proves(tmp_path / "b.yaml") == "nothing yet"


def test_an_unknown_field_of_an_optional_part_is_told_the_nearest() -> None:
    """
    Also below what may be left out: the fields that are known there are looked up.
    """
    text = json.dumps({**ENVIRONMENT, "monitoring": {"alertmanger": "http://x"}})
    document = parse_document("environment.yaml", text.encode(), {})

    with pytest.raises(BadInput, match="unknown field 'alertmanger'; did you mean 'alertmanager'"):
        build_model(Environment, document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("probes: [all]", "probes: [journeys]"), "the group 'journeys' is empty here"),
        (("baseline: 3s", "abort_if: [{probe: chekout, down_for: 9s}]"), "did you mean 'checkout'"),
    ],
)
def test_probes_that_are_not_there_are_refused(change: tuple[str, str], reason: str) -> None:
    """
    A promise about nobody, and a condition that could never hold.
    """
    with pytest.raises(BadInput, match=reason):
        plan_of(SCENARIO.replace(*change))
