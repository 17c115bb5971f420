"""The preventive guardrails: what is not configured fails, what nobody can see stays unknown."""

import subprocess
import sys
from pathlib import Path

import pytest

from drill.events import Header
from drill.incident import GuardrailSeen
from drill.journal import Journal, encode
from drill.verdict import Cause, Verdict
from experiments.playbook import PLAYBOOK, Guardrail, load_playbook
from validators.checks.base import Finding
from validators.checks.guardrails import GuardrailsHold
from validators.guardrails import Where, look_at_guardrails
from validators.guardrails.lately import look_at_drills
from validators.guardrails.objectives import look_at_objectives
from validators.guardrails.secrets import look_at_secrets
from validators.guardrails.seen import Unreadable
from validators.guardrails.updates import look_at_updates

ROOT = Path(__file__).parents[3]
NOW_S = 1_790_000_000.0
DAY_S = 86_400.0
# Written in pieces, so that our own scan stays clean.
PLANTED = 'password = "' + "hunter2-" + 'correct-horse"\n'
HOOK = "repos: [{repo: https://github.com/Yelp/detect-secrets, hooks: [{id: detect-secrets}]}]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty git repository."""
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)


def ran(runs: Path, name: str, age_days: float, scenario: str = "paystack-down") -> None:
    """A journal that has only its header, as the shortest drill leaves it."""
    header = Header(
        0.0, name, scenario, "t", "staging", "p", "h", "c", dirty=False, command="", seed=1,
        severity=1, wall_s=NOW_S - age_days * DAY_S, mono_s=0.0, boot_id="b",
    )  # fmt: skip
    (runs / name).mkdir(parents=True)
    (runs / name / "journal.jsonl").write_bytes(encode(header))


class TestSecrets:
    def test_without_any_scan_it_fails(self, repository: Path) -> None:
        """A repository that nobody scans has no secret scanning, however clean it is."""
        assert look_at_secrets(repository).ok is False

    def test_a_clean_repository_is_scanned_and_holds(self, repository: Path) -> None:
        """The configured scanner is really run, by its own rules."""
        put(repository, ".pre-commit-config.yaml", HOOK)
        put(repository, "app.py", "print('hello')\n")
        look = look_at_secrets(repository)
        assert (look.ok, look.evidence) == (True, ".pre-commit-config.yaml")

    def test_a_planted_secret_is_found_by_its_place_and_not_told(self, repository: Path) -> None:
        """The finding names file and line, and never the secret."""
        put(repository, ".pre-commit-config.yaml", HOOK)
        put(repository, "app.py", "# one\n" + PLANTED)
        look = look_at_secrets(repository)
        assert look.ok is False
        assert "app.py:2" in look.detail
        assert "hunter2" not in look.detail

    def test_the_teams_own_baseline_counts_and_stays_as_it_is(self, repository: Path) -> None:
        """What the team has looked at is not found again, and a look changes no file."""
        put(repository, ".pre-commit-config.yaml", HOOK)
        put(repository, "app.py", PLANTED)
        scan = [str(Path(sys.executable).with_name("detect-secrets")), "scan", "--no-verify"]
        made = subprocess.run(scan, cwd=repository, check=True, capture_output=True, text=True)
        put(repository, ".secrets.baseline", made.stdout)
        put(repository, "app.py", "# the line has moved\n" + PLANTED)
        assert look_at_secrets(repository).ok is True
        assert (repository / ".secrets.baseline").read_text() == made.stdout

    def test_a_scanner_that_is_not_here_leaves_it_unknown(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Configured is not clean: without the scanner nobody can say."""
        put(repository, ".github/workflows/ci.yml",
            "on: push\njobs: {scan: {steps: [{uses: gitleaks/gitleaks-action@v2}]}}\n")  # fmt: skip
        monkeypatch.setenv("PATH", "/nowhere")
        look = look_at_secrets(repository)
        assert look.ok is None
        assert look.detail == "configured, not run: gitleaks is not installed here"

    def test_a_scanner_in_a_comment_scans_nothing(self, repository: Path) -> None:
        """A step that only mentions a scanner does not run it."""
        steps = "[{run: '# gitleaks detect'}, {run: make test}]"
        put(repository, ".github/workflows/ci.yml", f"on: push\njobs: {{a: {{steps: {steps}}}}}\n")
        assert look_at_secrets(repository).ok is False

    def test_a_scan_that_takes_too_long_is_unknown(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The look is bounded, and giving up is no proof."""
        put(repository, ".pre-commit-config.yaml", HOOK.replace("detect-secrets", "gitleaks"))
        slow = tmp_path / "bin" / "gitleaks"
        slow.parent.mkdir()
        slow.write_text("#!/bin/sh\nexec sleep 30\n")
        slow.chmod(0o755)
        monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
        look = look_at_secrets(repository, limit_s=0.2)
        assert (look.ok, look.detail) == (None, "gitleaks: not done within 0.2 s")

    @pytest.mark.parametrize(("code", "ok"), [(0, True), (1, False), (2, None)])
    def test_a_scanners_exit_is_read_as_it_means_it(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, ok: bool
    ) -> None:
        """Clean, found and broken are three different things."""
        put(repository, ".pre-commit-config.yaml", HOOK.replace("detect-secrets", "gitleaks"))
        scanner = tmp_path / "bin" / "gitleaks"
        scanner.parent.mkdir()
        scanner.write_text(f"#!/bin/sh\nexit {code}\n")
        scanner.chmod(0o755)
        monkeypatch.setenv("PATH", str(scanner.parent), prepend=":")
        assert look_at_secrets(repository).ok is ok

    def test_githubs_own_scan_cannot_be_seen_from_here(self, repository: Path) -> None:
        """What only GitHub knows stays unknown."""
        put(repository, ".github/secret_scanning.yml", "paths-ignore: [docs]\n")
        assert look_at_secrets(repository).ok is None


class TestUpdates:
    @pytest.mark.parametrize(
        ("interval", "every", "ok"),
        [("daily", "weekly", True), ("weekly", "weekly", True), ("weekly", None, True),
         ("monthly", "weekly", False), ("monthly", "monthly", True), ("weekly", "daily", False),
         ("cron", "weekly", None), ("", "weekly", False)],
    )  # fmt: skip
    def test_dependabot(self, tmp_path: Path, interval: str, every: str, ok: bool | None) -> None:
        """Dependabot holds when every ecosystem is looked at often enough."""
        name = tmp_path / ".github" / "dependabot.yml"
        name.parent.mkdir()
        entry = "{package-ecosystem: %s, directory: /, schedule: {interval: '%s'}}"
        entries = ", ".join((entry % ("npm", "daily"), entry % ("pip", interval)))
        name.write_text(f"version: 2\nupdates: [{entries}]\n")
        assert look_at_updates(tmp_path, every).ok is ok

    def test_dependabot_without_pull_requests_updates_nothing(self, tmp_path: Path) -> None:
        """A limit of 0 switches an ecosystem off."""
        name = tmp_path / ".github" / "dependabot.yaml"
        name.parent.mkdir()
        name.write_text(
            "version: 2\nupdates:\n- package-ecosystem: pip\n  open-pull-requests-limit: 0\n"
            "  schedule: {interval: weekly}\n"
        )
        look = look_at_updates(tmp_path, "weekly")
        assert (look.ok, look.detail) == (False, "not weekly: pip opens no pull requests")

    @pytest.mark.parametrize(
        ("text", "ok"),
        [("{}", True), ('{"extends": ["config:recommended", "schedule:weekly"]}', True),
         ('{"extends": ["schedule:monthly"]}', False), ('{"enabled": false}', False),
         ('{"schedule": ["before 4am on the first day of the month"]}', False),
         ('{"schedule": ["* 0-3 1 * *"]}', False), ('{"schedule": "* 0-3 * * 1"}', True)],
    )  # fmt: skip
    def test_renovate(self, tmp_path: Path, text: str, ok: bool) -> None:
        """Renovate holds unless it is off or its schedule is rarer than wanted."""
        (tmp_path / "renovate.json").write_text(text)
        assert look_at_updates(tmp_path, "weekly").ok is ok

    def test_nothing_configured_fails(self, tmp_path: Path) -> None:
        """Without a configuration nobody asks for updates."""
        assert look_at_updates(tmp_path, None).ok is False

    @pytest.mark.parametrize("text", ["updates: 3", "updates: [", "- a", "\x00"])
    def test_a_file_that_is_not_understood_is_unknown(self, tmp_path: Path, text: str) -> None:
        """A broken configuration proves nothing, and names its file."""
        (tmp_path / ".github").mkdir()
        (tmp_path / ".github" / "dependabot.yml").write_text(text)
        (seen,) = look_at_guardrails(
            [Guardrail(guardrail="dependency_updates")], Where(repository=tmp_path), t=3.0
        )
        assert (seen.t, seen.ok) == (3.0, None)
        assert "dependabot.yml" in seen.detail


class TestObjectives:
    def test_a_missing_rule_is_named(self) -> None:
        """An objective that no alert guards fails by name."""
        look = look_at_objectives(["HighErrorRate", "HighResponseTime"], ["HighErrorRate"], None)
        assert (look.ok, look.detail) == (False, "no alert rule: HighResponseTime")

    def test_a_rules_file_serves_when_nobody_asked_the_monitoring(self, tmp_path: Path) -> None:
        """The rules as written count where the monitoring was not asked; recordings do not."""
        file = tmp_path / "rules.yml"
        file.write_text("groups: [{name: a, rules: [{alert: Up, expr: up}, {record: Down}]}]\n")
        assert look_at_objectives(["Up"], None, file).ok is True
        assert look_at_objectives(["Down"], None, file).ok is False

    def test_what_was_not_asked_is_unknown(self, tmp_path: Path) -> None:
        """Neither no rules nor no objectives is a proof of anything."""
        assert look_at_objectives(["Up"], None, None).ok is None
        assert look_at_objectives([], ["Up"], None).ok is None
        with pytest.raises(Unreadable, match="is not there"):
            look_at_objectives(["Up"], None, tmp_path / "none.yml")


class TestLately:
    @pytest.mark.parametrize(("age", "ok"), [(1.0, True), (29.9, True), (30.1, False)])
    def test_the_last_drill_counts(self, tmp_path: Path, age: float, ok: bool) -> None:
        """A drill younger than the limit holds, an older one does not."""
        ran(tmp_path, "old", 90.0)
        ran(tmp_path, "last", age)
        look = look_at_drills(tmp_path, 30, now_s=NOW_S)
        assert look.ok is ok
        assert look.evidence.endswith("last/journal.jsonl")

    def test_a_run_that_broke_nothing_is_no_drill(self, tmp_path: Path) -> None:
        """Neither `drill verify`, nor the run that asks, nor one from the future is evidence."""
        ran(tmp_path, "verify", 1.0, "verify")
        ran(tmp_path, "mine", 0.0)
        ran(tmp_path, "future", -2.0)
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "journal.jsonl").write_text("nothing\n")
        assert look_at_drills(tmp_path, None, now_s=NOW_S, but="mine").ok is False
        assert look_at_drills(tmp_path / "none", None, now_s=NOW_S).ok is False

    def test_what_cannot_be_read_is_no_proof_that_nobody_drilled(self, tmp_path: Path) -> None:
        """A folder or a journal that nobody can read leaves it open, unless another run answers."""
        (tmp_path / "file").write_text("no folder")
        assert look_at_drills(tmp_path / "file", None, now_s=NOW_S).ok is None
        (tmp_path / "odd" / "journal.jsonl").mkdir(parents=True)
        look = look_at_drills(tmp_path, None, now_s=NOW_S)
        assert (look.ok, look.detail) == (None, "1 of the runs cannot be read: odd")
        ran(tmp_path, "last", 1.0)
        assert look_at_drills(tmp_path, None, now_s=NOW_S).ok is True


class TestCheck:
    def test_one_broken_guardrail_fails_for_the_team(self) -> None:
        """A guardrail that does not hold is the application's team's to mend."""
        found = judged(
            GuardrailSeen(0, "a", ok=True, detail="x"), GuardrailSeen(0, "b", False, "none", "f")
        )
        assert (found.verdict, found.cause) == (Verdict.FAIL, Cause.APPLICATION)
        assert (found.reason, found.evidence) == ("b: none", ("f",))

    def test_what_nobody_could_see_is_unknown(self) -> None:
        """Unknown is never held, and neither is never having looked."""
        assert judged(GuardrailSeen(0, "a", None, "x")).verdict is Verdict.UNKNOWN
        assert judged().verdict is Verdict.UNKNOWN

    def test_all_held_passes_and_says_by_what(self) -> None:
        """A pass names what was seen."""
        found = judged(GuardrailSeen(0, "a", True, "clean"))
        assert (found.verdict, found.reason) == (Verdict.PASS, "a: clean")


def judged(*seen: GuardrailSeen) -> Finding:
    journal = Journal()
    for one in seen:
        journal.add(one)
    return GuardrailsHold(check="guardrails_hold").judge(journal)


def test_every_guardrail_of_the_playbook_is_looked_up(tmp_path: Path) -> None:
    """No guardrail of our playbook is silently passed over; without places all stay unknown."""
    wanted = load_playbook(PLAYBOOK).guardrails
    seen = look_at_guardrails(wanted, Where())
    assert [one.guardrail for one in seen] == [one.guardrail for one in wanted]
    assert all(one.ok is None and "nobody knows how" not in one.detail for one in seen)


@pytest.mark.thorough  # `make test` scans for secrets itself
def test_our_own_repository_has_its_guardrails() -> None:
    """The project keeps what it asks of others: scanned, clean, and updated every week."""
    wanted = [one for one in load_playbook(PLAYBOOK).guardrails
              if one.guardrail in ("secret_scanning", "dependency_updates")]  # fmt: skip
    seen = look_at_guardrails(wanted, Where(repository=ROOT))
    assert [(one.ok, one.detail) for one in seen if not one.ok] == []
