"""A rollback is looked at before it is begun, waited for, and refused in words."""

import re
from pathlib import Path

import pytest

from drill.errors import BadInput, DrillError, Unsure
from experiments.environment_parts import Deploy
from experiments.respond.commands import Commands
from experiments.respond.deployment import Rollback
from experiments.runtime.shapes import Release
from tests.experiments.test_rollback import Site, Team, hands

pytestmark = pytest.mark.anyio


@pytest.fixture(name="team")
def _team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture(name="deploy")
def _deploy(team: Team) -> Deploy:
    return Deploy(
        by="git", repository="clone", allow_remotes=(str(team.bare),), limit="2s", stable="v1.2.0"
    )


async def test_going_back_to_what_runs_deploys_nothing(team: Team, deploy: Deploy) -> None:
    """
    Where the stable image runs already the rollback says so and touches nothing.
    """
    by_compose = deploy.model_copy(update={"by": "compose"})
    site = Site(team)
    rollback = Rollback(site, Commands("run1"), by_compose, team.folder)

    assert (await rollback.roll_back("shop", "v1.3.0")).startswith("put back already; shop runs")
    assert site.acts == []


async def test_a_moment_without_a_container_is_waited_through(team: Team, deploy: Deploy) -> None:
    """
    Between two containers the engine knows none; that is no end of the rollback.
    """

    class Between(Site):
        """Cannot say what runs just after the deployment."""

        gone = 2

        async def running(self, service: str) -> Release:
            if self.acts and self.gone:
                self.gone -= 1
                raise DrillError("shop has no container")
            return await super().running(service)

        async def deploy(self, service: str, image: str) -> Release:
            self.gone, left = 0, self.gone
            now = await super().deploy(service, image)
            self.gone = left
            return now

    by_compose = deploy.model_copy(update={"by": "compose", "limit": 5.0})
    site = Between(team)
    rollback = Rollback(site, Commands("run1"), by_compose, team.folder)

    assert "shop runs v1.2.0" in await rollback.roll_back("shop", "v1.2.0")
    assert site.gone == 0


@pytest.mark.parametrize(
    "change", [{}, {"by": "compose"}, {"by": "command", "command": "deploy {tag}"}]
)
async def test_a_rollback_that_can_be_done_is_looked_at_and_not_begun(
    team: Team, deploy: Deploy, change: dict[str, str]
) -> None:
    """
    Every way of deploying is checked beforehand, and nothing has moved after that.
    """
    site = Site(team)
    rollback = Rollback(site, Commands("run1"), deploy.model_copy(update=change), team.folder)

    await rollback.check("shop", "")

    assert (site.acts, team.deployed()) == ([], "v1.3.0")


@pytest.mark.parametrize(
    ("change", "tag", "reason"),
    [
        ({}, "v0.0.1", "no tag v0.0.1"),
        ({"allow_remotes": ()}, "", "not in `deploy.allow_remotes`"),
        ({"repository": None}, "", "`deploy.repository` is missing"),
        ({"repository": "nowhere"}, "", "there is no folder"),
        ({"by": "command"}, "", "deploy.command"),
        ({"stable": None}, "", "no stable tag: name one"),
    ],
)
async def test_a_rollback_that_cannot_be_done_is_refused_beforehand(
    team: Team, deploy: Deploy, change: dict[str, object], tag: str, reason: str
) -> None:
    """
    The check and the act itself give the same reason, and neither moves anything.
    """
    rollback = Rollback(Site(team), Commands("run1"), deploy.model_copy(update=change), team.folder)

    for asked in (rollback.check, rollback.roll_back):
        with pytest.raises(BadInput, match=re.escape(reason)):
            await asked("shop", tag)
    assert team.deployed() == "v1.3.0"


async def test_without_a_way_to_deploy_there_is_no_rollback(team: Team) -> None:
    """
    An environment that does not say how it deploys is told what to add.
    """
    with pytest.raises(BadInput, match="add `deploy`"):
        await hands(team, None).roll_back("shop", "v1.2.0")


async def test_a_playbook_without_commands_has_nothing_to_run(team: Team, deploy: Deploy) -> None:
    """
    The rollback as written is refused where nothing is written.
    """
    rollback = Rollback(Site(team), Commands("run1"), deploy, team.folder)

    with pytest.raises(BadInput, match="no rollback commands"):
        await rollback.run_as_written(10)


async def test_all_that_is_written_has_one_limit(team: Team, deploy: Deploy) -> None:
    """
    Two commands that are each within the limit are over it together, and what ran is told.
    """
    with pytest.raises(
        Unsure, match=r"did not end within 1\.5 s: `echo one; sleep 0\.2` exit 0: one"
    ):
        await hands(team, deploy, "echo one; sleep 0.2", "sleep 1.45").run_as_written(1.5)
