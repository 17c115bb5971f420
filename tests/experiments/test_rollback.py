"""Rollbacks by git with a real bare repository, and commands that may push only where allowed."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from drill.errors import BadInput, DrillError
from experiments.environment_parts import Deploy
from experiments.respond.commands import Commands
from experiments.respond.deployment import Rollback
from experiments.runtime.shapes import EngineEvent, Release, Undo

pytestmark = pytest.mark.anyio
WRITTEN = ("git checkout v1.2.0", "git push origin main")


class Team:
    """A bare repository, a clone of it, another remote, and what is deployed from `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare, self.clone = folder / "deploy.git", folder / "clone"
        self.other = folder / "other.git"
        for bare in (self.bare, self.other):
            self.git("init", "-q", "--bare", "-b", "main", str(bare), where=folder)
        self.git("init", "-q", "-b", "main", str(self.clone), where=folder)
        for tag in ("v1.2.0", "v1.3.0"):
            (self.clone / "RELEASE").write_text(f"{tag}\n")
            self.git("add", "RELEASE")
            self.git("commit", "-q", "-m", tag)
            self.git("tag", tag)
        self.git("remote", "add", "origin", str(self.bare))
        self.git("push", "-q", "origin", "main", "v1.2.0", "v1.3.0")

    def git(self, *words: str, where: Path | None = None) -> str:
        names = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        done = subprocess.run(
            ["git", *names, *words],
            cwd=where or self.clone,
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def deployed(self) -> str:
        """What `main` of the bare repository says."""
        return self.git("show", "main:RELEASE", where=self.bare)


class Site:
    """Runs what the team's `main` says, as a deployment would a moment later."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.acts: list[str] = []

    def _of(self, tag: str) -> Release:
        return Release(f"shop:{tag}", f"sha256:{tag}", tag, "c", "running", "healthy")

    async def running(self, service: str) -> Release:
        await anyio.lowlevel.checkpoint()
        return self._of(self.team.deployed())

    async def release_before(self, service: str) -> Release:
        return await self.running(service)

    async def find_release(self, service: str, tag: str, image: str = "") -> Release:
        return self._of(tag)

    async def deploy(self, service: str, image: str) -> Release:
        self.acts.append(f"deploy {image}")
        self.team.git("push", "-q", "-f", "origin", f"{image.removeprefix('shop:')}^{{}}:main")
        return await self.running(service)

    async def put_back(self, undo: Undo) -> str:
        self.acts.append(f"put back {undo.release.tag if undo.release else ''}")
        return "put back"

    async def seen(self, service: str, action: str, since: float) -> EngineEvent | None:
        return None


@pytest.fixture(name="team")
def _team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture(name="deploy")
def _deploy(team: Team) -> Deploy:
    return Deploy(
        by="git", repository="clone", allow_remotes=(str(team.bare),), limit="2s", stable="v1.2.0"
    )


def hands(team: Team, deploy: Deploy | None, *written: str) -> Rollback:
    playbook = ("v1.2.0", written or WRITTEN)
    return Rollback(Site(team), Commands("run1"), deploy, team.folder, playbook)


async def test_rollback_by_git_moves_the_branch(team: Team, deploy: Deploy) -> None:
    """
    The branch of the deployment repository is at the stable tag's commit, and the proof says so.
    """
    proof = await hands(team, deploy).roll_back("shop", "")

    assert team.deployed() == "v1.2.0"
    assert "main at origin is at v1.2.0" in proof
    assert "shop runs v1.2.0" in proof
    assert team.git("rev-parse", "main", where=team.bare) == team.git("rev-parse", "v1.2.0")


async def test_rollback_as_written_changes_nothing(team: Team, deploy: Deploy) -> None:
    """
    The playbook's own two lines end with 0, say "Everything up-to-date", and change nothing.
    """
    proof = await hands(team, deploy).run_as_written(10)

    assert "`git push origin main` exit 0: Everything up-to-date" in proof
    assert team.deployed() == "v1.3.0"


async def test_a_rollback_that_changes_nothing_fails(team: Team, deploy: Deploy) -> None:
    """
    A command that ends with 0 is no rollback while the running digest is the same.
    """
    by_command = deploy.model_copy(update={"by": "command", "command": "true", "limit": 0.3})

    with pytest.raises(DrillError, match=r"still runs sha256:v1\.3\.0"):
        await hands(team, by_command).roll_back("shop", "v1.2.0")


async def test_rollback_by_compose_deploys_the_stable_image(team: Team, deploy: Deploy) -> None:
    """
    By compose, the image of the tag is put under the service.
    """
    by_compose = deploy.model_copy(update={"by": "compose", "image": "shop:{tag}"})
    rollback = hands(team, by_compose)

    assert "shop runs v1.2.0" in await rollback.roll_back("shop", "v1.2.0")


async def test_the_undo_of_a_rollback_needs_nothing_else(team: Team, deploy: Deploy) -> None:
    """
    What was read before a rollback names the release that ran, and brings it back.
    """
    rollback = hands(team, deploy)
    undo = await rollback.release_before("shop")

    assert json.loads(undo)["release"]["tag"] == "v1.3.0"
    assert "put back" in await rollback.put_release_back(undo)


async def test_a_tag_that_is_not_there_is_refused(team: Team, deploy: Deploy) -> None:
    """
    Without the tag at the remote nothing is pushed.
    """
    with pytest.raises(BadInput, match=r"no tag v0\.0\.1"):
        await hands(team, deploy).roll_back("shop", "v0.0.1")
    assert team.deployed() == "v1.3.0"


async def test_rollback_refuses_a_remote_that_is_not_allowed(team: Team, deploy: Deploy) -> None:
    """
    A push address of the remote that is not in the list, letter for letter, stops the rollback.
    """
    team.git("remote", "set-url", "--add", "--push", "origin", str(team.bare))
    team.git("remote", "set-url", "--add", "--push", "origin", str(team.other))

    with pytest.raises(BadInput, match=r"not in `deploy\.allow_remotes`"):
        await hands(team, deploy).roll_back("shop", "v1.2.0")
    assert team.deployed() == "v1.3.0"


def evil(team: Team) -> Iterator[tuple[str, str]]:
    """Commands that try to push to the other remote, by name."""
    other = team.other
    yield "plain", f"git push {other} main"
    yield "flag", f"git push --no-verify {other} main"
    yield "repo", f"git push --repo={other}"
    yield "config", f"git -c core.hooksPath=/nowhere push {other} main"
    yield "exported", f"export X=1; git push {other} main"
    yield "joined", f"true && git push {other} main"
    yield "name", "git push other main"
    yield "rewritten", f"git -c url.{other}.insteadOf={team.bare} push origin main"
    yield "pushurl", f"git config remote.origin.pushurl {other} && git push origin main"
    yield "hidden", "sh ./evil.sh"
    yield "alias", "git config alias.p 'push --no-verify' && git p other main"
    yield "unhooked", f"git config alias.p '-c core.hooksPath=/no push' && git p {other} main"
    yield "sent", f"git send-pack {other} main"


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "flag",
        "repo",
        "config",
        "exported",
        "joined",
        "name",
        "rewritten",
        "pushurl",
        "hidden",
        "alias",
        "unhooked",
        "sent",
    ],
)
async def test_no_command_pushes_elsewhere(team: Team, deploy: Deploy, name: str) -> None:
    """
    Whatever way a command takes, nothing arrives at a remote that is not allowed.
    """
    team.git("remote", "add", "other", str(team.other))
    (team.clone / "evil.sh").write_text(f"git push {team.other} main\n")
    command = dict(evil(team))[name]

    with pytest.raises(DrillError):
        await hands(team, deploy, command).run_as_written(10)

    assert team.git("for-each-ref", where=team.other) == ""


async def test_refused_before_anything_ran(team: Team, deploy: Deploy) -> None:
    """
    One forbidden push among the commands: not even the first of them is run.
    """
    commands = ("touch ran", f"git push {team.other} main")

    with pytest.raises(BadInput, match="nothing was run"):
        await hands(team, deploy, *commands).run_as_written(10)
    assert not (team.clone / "ran").exists()


async def test_an_allowed_push_keeps_the_teams_hook(team: Team, deploy: Deploy) -> None:
    """
    The repository's own pre-push hook still runs, and its refusal counts.
    """
    hook = team.clone / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\necho the team says no >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(DrillError, match="the team says no"):
        await hands(team, deploy).run_as_written(10)
