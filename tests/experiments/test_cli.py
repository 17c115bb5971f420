"""What `drill plan` and `drill list` promise to tell of the bundled scenarios."""

from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from experiments.cli import main
from experiments.scenario import SCENARIOS

SACRED = ("trust-score", "love-loops", "lore-generator", "ubuntu-echo")


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs the command without an engine in reach; gives its lines, or fails with what it said."""

    def no_engine(*args: object, **options: object) -> None:
        raise AssertionError("this command must not look at an engine")

    for name in ("STAGING_WEB_PORT", "STAGING_API_KEY", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(docker, "from_env", no_engine)

    def run(*arguments: str) -> list[str]:
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    return run


def rows(lines: list[str], word: str) -> list[str]:
    """The lines of a plan that begin with *word*, without it."""
    return [line.split(maxsplit=1)[1] for line in lines if line.split()[:1] == [word]]


def test_a_plan_says_what_breaks_where_and_for_how_long(drill: Callable[..., list[str]]) -> None:
    """
    Title, severity, fault, target, times, and how it goes in and out are there before anything is.
    """
    lines = drill("plan", "paystack-down")

    assert lines[0] == "Paystack is unreachable (severity 2)"
    assert rows(lines, "baseline") == ["every probe good for 5s"]
    assert rows(lines, "f1") == [
        "network.blackhole on vauntico-server to api.paystack.co, at 0s, for 20s"
    ]
    way = lines.index(next(line for line in lines if line.split()[:1] == ["f1"]))
    assert "in by: nftables drop" in lines[way + 1]
    assert "out by: the rule is deleted" in lines[way + 2]


def test_a_plan_names_every_promise_with_its_probes(drill: Callable[..., list[str]]) -> None:
    """
    Groups are resolved into probes, and what is judged in every drill is listed as well.
    """
    promises = rows(drill("plan", "paystack-down"), "check")

    named = {promise.partition(":")[0].partition("(")[0]: promise for promise in promises}
    assert list(named) == [
        "stays_available", "degrades_gracefully", "recovers_within",
        "runs_to_its_end", "fault_had_effect", "leaves_staging_clean",
    ]  # fmt: skip
    assert named["stays_available"].startswith(f"stays_available({', '.join(SACRED)}, shop): never")
    assert "paystack-checkout" in named["degrades_gracefully"]
    assert all(promise.partition(": ")[2] for promise in promises)


def test_a_plan_lists_who_looks_and_what_nobody_sees(drill: Callable[..., list[str]]) -> None:
    """
    Each probe has its period, the sacred ones are marked, and what is not checked is admitted.
    """
    lines = drill("plan", "paystack-down")

    probes = rows(lines, "probe")
    assert [p.split()[0] for p in probes if p.endswith(", sacred")] == list(SACRED)
    assert "paystack-checkout every 5s" in probes
    assert any("other names on the same address are cut" in note for note in rows(lines, "note"))
    assert any(unseen.startswith("payments ledger") for unseen in rows(lines, "unseen"))


def test_a_momentary_fault_is_told_as_such(drill: Callable[..., list[str]]) -> None:
    """
    A kill has no end of its own: coming back by itself is the promise instead.
    """
    lines = drill("plan", "database-restart")

    assert rows(lines, "f1") == ["container.kill on postgres, at 0s, momentary"]
    assert any(check.startswith("comes_back_by_itself") for check in rows(lines, "check"))


def test_a_plan_follows_its_scenario(drill: Callable[..., list[str]], tmp_path: Path) -> None:
    """
    What is printed comes from the file, so a changed file is a changed plan.
    """
    text = (SCENARIOS / "redis-paused.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("for: 15s", "for: 90s").replace("baseline: 5s", "baseline: 7s"))

    lines = drill("plan", str(path))

    assert rows(lines, "f1") == ["container.pause on redis, at 0s, for 90s"]
    assert rows(lines, "baseline") == ["every probe good for 7s"]


def test_the_list_names_every_scenario_and_what_it_proves(
    drill: Callable[..., list[str]],
) -> None:
    """
    One line a scenario, by name and in order, each with the sentence its file opens with.
    """
    told = dict(line.split(maxsplit=1) for line in drill("list"))

    assert list(told) == sorted(path.stem for path in SCENARIOS.glob("*.yaml"))
    assert told["paystack-down"].startswith("with Paystack unreachable the sacred features never")
    assert told["paystack-down"].endswith("within 30 s of Paystack's return.")
    assert all(sentence.endswith(".") for sentence in told.values())
