"""How a release goes back: by the engine, by a push to the deployment repository, by a command."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import anyio
import msgspec

from drill.errors import BadInput, DrillError, Unsure
from experiments.environment_parts import Deploy
from experiments.respond.commands import Commands, Ran, succeeded
from experiments.respond.pushes import guarded, pushes_in, remote_in
from experiments.runtime.ports import Releases
from experiments.runtime.shapes import Release, Undo

GIT_LIMIT_S = 60.0
LOOK_S = 0.2
NO_COMMAND = "deploy.by is `command`, but `deploy.command` is missing"


class Site(Protocol):
    """The stack as far as releases go."""

    async def release_before(self, service: str) -> Release:
        """What *service* ran before this drill."""


class Running(Releases, Site, Protocol):
    """All that a rollback asks of the stack."""


class Rollback:
    """
    Implements `ports.Deployment`.

    Args:
        stack: Where releases run.

        deploy: How the environment deploys; None if it does not say.

        folder: Where the environment's file is; the repository is relative to it.

        playbook: The stable tag and the commands of the playbook.
    """

    def __init__(
        self,
        stack: Running,
        commands: Commands,
        deploy: Deploy | None,
        folder: Path,
        playbook: tuple[str, Sequence[str]] = ("", ()),
    ) -> None:
        self._stack = stack
        self._commands = commands
        self._deploy = deploy
        self._folder = folder
        self._stable, self._written = playbook

    async def check(self, service: str, tag: str) -> None:
        """
        Look whether a rollback could be done at all; changes nothing.

        Raises:
            BadInput: There is no such tag, image, command or repository.
        """
        deploy, tag = self._needed(), self._tag(tag)
        if deploy.by == "compose":
            await self._goal(deploy, service, tag)
        elif deploy.by == "git":
            where = self._repository(deploy)
            self._refuse(await self._urls(where, deploy.remote), deploy.allow_remotes, "git push")
            listed = await self._git(where, "ls-remote", "--tags", deploy.remote, tag)
            if not succeeded(listed).output.strip():
                raise BadInput(f"{deploy.remote} has no tag {tag}: a rollback to it is impossible")
        elif not deploy.command:
            raise BadInput(NO_COMMAND)

    def _tag(self, tag: str) -> str:
        found = tag or self._needed().stable or self._stable
        if not found:
            raise BadInput("no stable tag: name one in `deploy.stable` or in the playbook")
        return found

    async def _goal(self, deploy: Deploy, service: str, tag: str) -> Release:
        image = (deploy.image or "").format(service=service, tag=tag)
        return await self._stack.find_release(service, tag, image)

    async def roll_back(self, service: str, tag: str) -> str:
        deploy, tag = self._needed(), self._tag(tag)
        before = await self._stack.running(service)
        if deploy.by == "compose":
            goal = await self._goal(deploy, service, tag)
            done = "put back already" if before.digest == goal.digest else f"runs {goal.image} now"
            if before.digest != goal.digest:
                await self._stack.deploy(service, goal.image)
        elif deploy.by == "git":
            done = await self._by_git(deploy, tag)
        else:
            if not deploy.command:
                raise BadInput(NO_COMMAND)
            command = deploy.command.format(service=service, tag=tag)
            done = succeeded(await self.guarded_run(command, deploy.limit)).told
        now = await self._changed(service, tag, before, deploy.limit)
        return f"{done}; {service} runs {now.tag} ({now.digest[:19]}), {now.status} {now.health}"

    async def release_before(self, service: str) -> str:
        before = await self._stack.release_before(service)
        return json.dumps({"service": service, "release": msgspec.to_builtins(before)})

    async def put_release_back(self, undo: str) -> str:
        said = json.loads(undo)
        release = msgspec.convert(said["release"], Release)
        service = str(said["service"])
        how = await self._stack.put_back(
            Undo(service, release.container, "running", release=release)
        )
        now = await self._stack.running(service)
        return f"{how}: {service} runs {now.tag} ({now.digest[:19]})"

    async def run_as_written(self, limit_s: float) -> str:
        if not self._written:
            raise BadInput("the playbook has no rollback commands")
        for command in self._written:
            await self._refuse_other_remotes(command)
        told = []
        with anyio.move_on_after(limit_s) as scope:
            for command in self._written:
                told.append(await self.guarded_run(command, limit_s))
                if told[-1].code != 0:
                    break
        text = "; ".join(f"`{ran.command}` {ran.told}" for ran in told)
        if scope.cancelled_caught:
            raise Unsure(f"the rollback as written did not end within {limit_s:g} s: {text}")
        if told[-1].code != 0:
            raise DrillError(f"the rollback as written failed: {text}")
        return text

    async def guarded_run(self, command: str, limit_s: float) -> Ran:
        """
        Run a command of the team's own, by which nothing is pushed anywhere else than allowed.

        Raises:
            BadInput: It would; nothing was run.
            Unsure: It took too long.
        """
        await self._refuse_other_remotes(command)
        deploy = self._deploy or Deploy()
        where = self._repository(deploy) if deploy.repository else self._folder
        with guarded(deploy.allow_remotes, await self._own_hooks(where)) as variables:
            return await self._commands.run(command, limit_s, cwd=where, env=variables)

    def _needed(self) -> Deploy:
        if self._deploy is None:
            raise BadInput("the environment does not say how a release is deployed: add `deploy`")
        return self._deploy

    def _repository(self, deploy: Deploy) -> Path:
        if not deploy.repository:
            raise BadInput("`deploy.repository` is missing: a clone of the deployment repository")
        path = (self._folder / deploy.repository).resolve()
        if not path.is_dir():
            raise BadInput(f"deploy.repository: there is no folder {path}")
        return path

    async def _by_git(self, deploy: Deploy, tag: str) -> str:
        """Move the branch to the tag's commit at the remote, only from where it was seen."""
        where = self._repository(deploy)
        urls = await self._urls(where, deploy.remote)
        self._refuse(urls, deploy.allow_remotes, f"git push {deploy.remote}")
        with guarded(deploy.allow_remotes, await self._own_hooks(where)) as env:

            async def git(*words: str) -> Ran:
                ran = await self._commands.run(["git", *words], GIT_LIMIT_S, cwd=where, env=env)
                return succeeded(ran)

            await git("fetch", "--quiet", "--tags", "--force", deploy.remote)
            wanted = f"refs/tags/{tag}^{{commit}}"
            asked = await self._git(where, "rev-parse", "--quiet", "--verify", wanted, env=env)
            if asked.code != 0:
                raise BadInput(f"{deploy.remote} has no tag {tag}: a rollback to it is impossible")
            commit, branch = asked.output.strip(), f"refs/heads/{deploy.branch}"
            lines = (await git("ls-remote", deploy.remote, branch)).output.split()
            lease = f"--force-with-lease={branch}:{lines[0] if lines else ''}"
            pushed = await self._commands.run(
                ["git", "push", lease, deploy.remote, f"{commit}:{branch}"],
                deploy.limit,
                cwd=where,
                env=env,
            )
        return f"{deploy.branch} at {deploy.remote} is at {tag} ({succeeded(pushed).told})"

    async def _changed(self, service: str, tag: str, before: Release, limit_s: float) -> Release:
        """Wait until *service* runs *tag*, or anything else than before, and is healthy."""
        now = before
        with anyio.move_on_after(limit_s):
            while True:
                try:
                    now = await self._stack.running(service)
                except DrillError:
                    now = before  # Between two containers there is none.
                if now.up and (now.digest != before.digest or now.tag == tag):
                    return now
                await anyio.sleep(LOOK_S)
        raise DrillError(
            f"{service} still runs {now.digest[:19]} of {now.tag}, {now.status} {now.health},"
            f" {limit_s:g} s after the rollback to {tag}"
        )

    async def _refuse_other_remotes(self, command: str) -> None:
        for words in pushes_in(command):
            deploy = self._needed()
            named = remote_in(words) or deploy.remote
            where = self._repository(deploy)
            urls = await self._urls(where, named)
            self._refuse(urls, deploy.allow_remotes, command)

    def _refuse(self, urls: Sequence[str], allowed: Sequence[str], command: str) -> None:
        for url in urls:
            if url not in allowed:
                shown = self._commands.redacted(url)
                raise BadInput(
                    f"`{command}` would push to {shown}, which is not in `deploy.allow_remotes`;"
                    " nothing was run"
                )

    async def _urls(self, where: Path, remote: str) -> Sequence[str]:
        """Every address a push to *remote* would reach, after rewriting; itself if it is one."""
        asked = await self._git(where, "remote", "get-url", "--push", "--all", remote)
        if asked.code != 0:
            return [remote]
        return asked.output.split("\n")[:-1]

    async def _own_hooks(self, where: Path) -> Path | None:
        asked = await self._git(where, "rev-parse", "--git-path", "hooks")
        return (where / asked.output.strip()).resolve() if asked.code == 0 else None

    async def _git(self, where: Path, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        return await self._commands.run(["git", *words], GIT_LIMIT_S, cwd=where, env=env)
