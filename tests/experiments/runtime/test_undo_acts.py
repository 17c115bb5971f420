"""A guardian undoes what only the shop can undo in a process of its own."""

import json
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from drill.errors import Unsure
from experiments.runtime import undo_acts
from experiments.runtime.shapes import Intended
from experiments.runtime.undo_acts import in_subprocess
from tests.experiments.conftest import ENVIRONMENT
from tests.validators.probes.alerts.double import serving

UNDO = json.dumps({"feature": "checkout", "on": True})


def test_the_feature_is_on_again_by_another_process(tmp_path: Path) -> None:
    """
    The shop is told by the file that the marker names, and its answer comes back.
    """
    file = tmp_path / "environment.yaml"
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving()) as shop,
    ):
        shop.answers["/api/admin/flags/checkout"] = {"enabled": True}
        file.write_text(json.dumps({**ENVIRONMENT, "web": shop.url}), encoding="utf-8")

        assert "checkout is on" in in_subprocess(Intended("a1", UNDO, str(file)), "fake")
        assert [one.method for one in shop.asked] == ["PUT", "GET"]


def test_what_cannot_be_undone_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No file, a file that is gone, and a process that takes too long.
    """
    with pytest.raises(Unsure, match="its marker names no environment file"):
        in_subprocess(Intended("a1", UNDO), "fake")
    gone = Intended("a1", UNDO, str(tmp_path / "gone.yaml"))
    with pytest.raises(Unsure, match="there is no such file"):
        in_subprocess(gone, "fake")
    monkeypatch.setattr(undo_acts, "UNDO_LIMIT_S", 0.01)
    with pytest.raises(Unsure, match=r"no answer within 0\.01 s"):
        in_subprocess(gone, "fake")
