"""What a look at a guardrail makes of places that are not as they should be."""

import time
from pathlib import Path

import pytest

from drill.events import Header
from drill.journal import encode
from experiments.playbook import Guardrail
from tests.validators.guardrails.test_guardrails import HOOK, NOW_S, put, ran
from validators.guardrails import Where, look_at_guardrails, secrets
from validators.guardrails.lately import look_at_drills
from validators.guardrails.secrets import look_at_secrets
from validators.guardrails.seen import MAX_BYTES, Unreadable, read_json, read_text
from validators.guardrails.updates import look_at_updates


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    return root


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("outside", "outside leads out of the repository"),
            ("large", f"large is larger than {MAX_BYTES} bytes"),
            ("folder", "folder cannot be read: Is a directory"),
            ("latin", "latin is not UTF-8 text"),
        ],
    )
    def test_a_file_that_is_no_small_text_is_named(
        self, repository: Path, name: str, reason: str
    ) -> None:
        """A link to elsewhere, a flood, a folder, another encoding: none of them is read on."""
        (repository.parent / "elsewhere").write_text("a secret of somebody else")
        (repository / "outside").symlink_to(repository.parent / "elsewhere")
        (repository / "large").write_bytes(b"x" * (MAX_BYTES + 1))
        (repository / "folder").mkdir()
        (repository / "latin").write_bytes(b"caf\xe9")
        with pytest.raises(Unreadable, match=reason):
            read_text(repository, name)

    def test_json_that_is_none_is_named(self) -> None:
        """The file's name and the first line of the reason, and nothing of what is in it."""
        with pytest.raises(Unreadable, match=r"renovate\.json is not understood: ") as caught:
            read_json('{"secret": "hunter2', dict[str, str], "renovate.json")
        assert "hunter2" not in str(caught.value)


class TestScanners:
    def installed(self, patch: pytest.MonkeyPatch, folder: Path, name: str, text: str) -> None:
        """A scanner of this name on the path."""
        scanner = folder / "bin" / name
        scanner.parent.mkdir()
        scanner.write_text(text)
        scanner.chmod(0o755)
        patch.setenv("PATH", str(scanner.parent), prepend=":")

    @pytest.mark.parametrize(("code", "ok"), [(0, True), (183, False), (1, None)])
    def test_trufflehogs_own_code_says_that_it_found_something(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ok: bool | None
    ) -> None:
        """Its exit of a finding is 183; any other failure is no finding."""
        (tmp_path / ".pre-commit-config.yaml").write_text(
            HOOK.replace("detect-secrets", "trufflehog")
        )
        self.installed(monkeypatch, tmp_path, "trufflehog", f"#!/bin/sh\nexit {code}\n")
        assert look_at_secrets(tmp_path).ok is ok

    def test_a_scanner_that_cannot_be_run_leaves_it_unknown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Installed, but for another machine: nobody knows whether there is a secret."""
        (tmp_path / ".pre-commit-config.yaml").write_text(
            HOOK.replace("detect-secrets", "gitleaks")
        )
        self.installed(monkeypatch, tmp_path, "gitleaks", "#!/nowhere/shell\n")
        look = look_at_secrets(tmp_path)
        assert (look.ok, look.detail) == (None, "gitleaks: could not be run: FileNotFoundError")

    def test_without_a_list_of_files_nothing_was_scanned(self, repository: Path) -> None:
        """A folder that git does not know has no files to be clean."""
        (repository / ".pre-commit-config.yaml").write_text(HOOK)
        look = look_at_secrets(repository)
        assert (look.ok, look.detail) == (
            None,
            "detect-secrets: not run: git lists no files here",
        )

    def test_too_many_files_are_not_half_scanned(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Beyond the bound it says so, and does not call a part of it clean."""
        secrets._call(repository, ["git", "init", "-q", "."], 10.0)
        put(repository, ".pre-commit-config.yaml", HOOK)
        put(repository, "app.py", "print('hello')\n")
        monkeypatch.setattr(secrets, "MOST_FILES", 1)
        look = look_at_secrets(repository)
        assert (look.ok, look.detail) == (None, "detect-secrets: not run: more than 1 files")


class TestUpdates:
    def test_dependabot_that_is_configured_for_nothing_updates_nothing(
        self, repository: Path
    ) -> None:
        """A file alone is no update."""
        (repository / ".github").mkdir()
        (repository / ".github/dependabot.yml").write_text("version: 2\nupdates: []\n")
        look = look_at_updates(repository, "weekly")
        assert (look.ok, look.detail) == (False, "Dependabot is configured for nothing")

    def test_a_schedule_in_words_is_not_guessed_at(self, repository: Path) -> None:
        """Whether `after 10pm` is daily, nobody here can say; that it is weekly is not asked."""
        (repository / "renovate.json").write_text('{"schedule": ["after 10pm"]}')
        assert look_at_updates(repository, "weekly").ok is True
        look = look_at_updates(repository, "daily")
        assert (look.ok, look.detail) == (None, "the schedule was not read: ['after 10pm']")


class TestLately:
    def test_what_is_no_run_of_a_drill_in_staging_is_passed_over(self, tmp_path: Path) -> None:
        """An empty folder, the link to the latest, another environment's run: no evidence."""
        (tmp_path / "empty").mkdir()
        ran(tmp_path / "elsewhere", "linked", 1.0)
        (tmp_path / "latest").symlink_to(tmp_path / "elsewhere" / "linked")
        header = Header(
            0.0, "other", "s", "t", "production", "p", "h", "c", dirty=False, command="", seed=1,
            severity=1, wall_s=NOW_S, mono_s=0.0, boot_id="b",
        )  # fmt: skip
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "journal.jsonl").write_bytes(encode(header))
        look = look_at_drills(tmp_path, None, now_s=NOW_S)
        assert (look.ok, look.detail) == (False, "no drill in staging is on record")

    def test_a_drill_of_today_is_seen_by_todays_clock(self, tmp_path: Path) -> None:
        """Who asks without saying when it is means now."""
        ran(tmp_path, "today", (NOW_S - time.time()) / 86_400.0 + 0.5)
        wanted = Guardrail(guardrail="drilled_lately", within_days=1)
        (seen,) = look_at_guardrails([wanted], Where(runs=tmp_path))
        assert (seen.ok, "today was 0.5 days ago" in seen.detail) == (True, True)
