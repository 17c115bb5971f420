"""A guardian's own process puts a feature back, from a marker and the environment's file alone."""

import json
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from experiments.respond.undo import main
from tests.experiments.conftest import ENVIRONMENT
from tests.validators.probes.alerts.double import Asked, serving

UNDO = json.dumps({"feature": "checkout", "on": True})


def put_back(folder: Path, *arguments: str) -> tuple[int, list[bytes]]:
    """The exit code, and what the shop was told, with a shop that obeys."""
    flags = {"enabled": False}

    def flag(asked: Asked) -> object:
        if asked.method == "PUT":
            flags["enabled"] = b"true" in asked.body
        return flags

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving()) as shop,
    ):
        shop.answers["/api/admin/flags/checkout"] = flag
        written = folder / "environment.yaml"
        written.write_text(json.dumps({**ENVIRONMENT, "web": shop.url}), encoding="utf-8")
        code = main([str(written), *arguments])
        return code, [asked.body for asked in shop.asked if asked.method == "PUT"]


def test_a_feature_is_on_again_though_the_drill_is_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The shop is told what the undo says, and its answer is the proof.
    """
    code, told = put_back(tmp_path, "fake", UNDO)

    assert (code, [json.loads(body) for body in told]) == (0, [{"enabled": True}])
    assert "checkout is on: the shop answered 200" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("other", UNDO), "is of project fake, not of other"),
        (("fake", "not JSON"), "this undo names no feature: not JSON"),
        (("fake", '{"on": true}'), "this undo names no feature"),
        (("fake",), "python -m experiments.respond.undo ENVIRONMENT PROJECT UNDO"),
    ],
)
def test_what_is_no_undo_of_this_staging_touches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    """
    Another project's marker, no undo at all, or half a command: bad input, and the shop hears none.
    """
    code, told = put_back(tmp_path, *arguments)

    assert (code, told) == (2, [])
    assert reason in capsys.readouterr().err
