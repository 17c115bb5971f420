"""The team's commands: what they may say, and that they end."""

import os
import time
from pathlib import Path

import pytest

from drill.errors import BadInput, DrillError, Unsure
from experiments.respond import commands as module
from experiments.respond.commands import Commands, succeeded
from experiments.respond.pushes import address_for, guarded, pushes_in, remote_in, scheme_of

anyio_test = pytest.mark.anyio


@anyio_test
async def test_output_is_bounded_and_redacted(tmp_path: Path) -> None:
    """
    Only the end of a long output is kept, and no secret in it.
    """
    commands = Commands("run1", ["very-secret-word"])
    address = "https://me:pass@host/"  # pragma: allowlist secret - made up
    script = f"yes x | head -c 100000; echo very-secret-word {address} sk_test_abc123"

    ran = await commands.run(script, 10)

    assert len(ran.output) < 9000
    assert "very-secret" not in ran.output
    assert "pass@" not in ran.output.replace("[hidden]@", "")
    assert "sk_test" not in ran.output


@anyio_test
async def test_a_command_has_a_limit(tmp_path: Path) -> None:
    """
    A command that takes too long is killed with everything it started, whatever it did to hide.
    """
    begun = time.monotonic()
    script = "setsid sleep 987 & echo started; sleep 987"

    with pytest.raises(Unsure, match=r"did not end within 0\.5 s.*started"):
        await Commands("run1").run(script, 0.5)

    assert time.monotonic() - begun < 10
    _ends("987")


@anyio_test
async def test_a_command_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    """
    Neither found nor runnable: the drill is unsure, and says of which command.
    """
    with pytest.raises(Unsure, match="`/nowhere/fix --all` cannot be started: No such file"):
        await Commands("run1").run(["/nowhere/fix", "--all"], 5, cwd=tmp_path)


@anyio_test
async def test_only_a_command_that_ended_well_succeeded() -> None:
    """
    Any exit code but 0 is a failure, told with the last lines.
    """
    commands = Commands("run1")
    good, bad = await commands.run("true", 5), await commands.run("echo no; exit 3", 5)

    assert succeeded(good) is good
    with pytest.raises(DrillError, match="`echo no; exit 3` failed: exit 3: no"):
        succeeded(bad)


@anyio_test
async def test_what_cannot_be_ended_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A process that is found in every sweep is swept for so many times and no more.
    """
    swept: list[str] = []

    def found_again(mark: str) -> list[int]:
        swept.append(mark)
        return [1]

    monkeypatch.setattr(module, "end_marked", found_again)
    monkeypatch.setattr(module, "SWEEP_PAUSE_S", 0.0)

    assert (await Commands("run1").run("true", 60)).code == 0
    assert len(swept) == 2 * module.SWEEPS


@anyio_test
async def test_what_a_command_leaves_running_is_ended(tmp_path: Path) -> None:
    """
    A child in the background neither outlives its command nor holds it up.
    """
    begun = time.monotonic()

    assert (await Commands("run1").run("setsid sleep 986 & echo done", 20)).code == 0

    assert time.monotonic() - begun < 10
    _ends("986")


def _ends(word: str) -> None:
    """A killed process is gone as soon as the kernel has a moment for it."""
    until = time.monotonic() + 5
    while _running(word):
        assert time.monotonic() < until, f"sleep {word} still runs"
        time.sleep(0.02)


def _running(word: str) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", word.encode()]:
            return True
    return False


@pytest.mark.parametrize(
    ("command", "remotes"),
    [
        ("git push origin main", ["origin"]),
        ("git -C there push -f", [""]),
        ("git push --repo=x", ["x"]),
        ("true && git push a b; git push c", ["a", "c"]),
        ("echo push", []),
        ("git --version", []),
    ],
)
def test_pushes_are_read(command: str, remotes: list[str]) -> None:
    """
    Every push in a command line is found, with the remote it names.
    """
    assert [remote_in(words) for words in pushes_in(command)] == remotes


@pytest.mark.parametrize(
    ("command", "reason"),
    [("git push 'origin", "cannot be read as a command"), ("git send-pack x", "only `git push`")],
)
def test_what_cannot_be_read_beforehand_is_refused(command: str, reason: str) -> None:
    """
    A line that no shell would take, and a way to send that nobody can check.
    """
    with pytest.raises(BadInput, match=reason):
        list(pushes_in(command))


def test_without_git_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where there is no git nobody can hold a push back, so no command is run at all.
    """
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(BadInput, match="no git on this machine"), guarded((), None):
        pass


def test_the_teams_other_hooks_go_on_working(tmp_path: Path) -> None:
    """
    Every hook of the repository is in force, but for samples and the one that ours calls itself.
    """
    for name in ("pre-commit", "pre-push", "update.sample"):
        (tmp_path / name).write_text("#!/bin/sh\n")

    with guarded((), tmp_path) as variables:
        hooks = Path(variables["GIT_CONFIG_VALUE_0"])
        assert sorted(hook.name for hook in hooks.iterdir()) == ["pre-commit", "pre-push"]
        assert (hooks / "pre-commit").resolve() == tmp_path / "pre-commit"
        assert str(tmp_path / "pre-push") in (hooks / "pre-push").read_text()


@pytest.mark.parametrize(
    ("kind", "remote", "told"),
    [
        ("path", "file:///srv/x.git", "/srv/x.git"),
        ("path", "git@host:x.git", ""),
        ("url", "https://host/x", "https://host/x"),
        ("url", "/srv/x.git", ""),
        ("ssh", "git@host:team/x.git", "git@host git-receive-pack 'team/x.git'"),
        ("ssh", "ssh://git@host:22/x.git", "git@host git-receive-pack '/x.git'"),
        ("ssh", "https://host/x", ""),
    ],
)
def test_senders_are_told_addresses(kind: str, remote: str, told: str) -> None:
    """
    What git starts to send with is compared with the address in the form that it is given.
    """
    assert address_for(kind, remote) == told


@pytest.mark.parametrize(
    ("remote", "scheme"),
    [
        ("git@host:team/repo.git", "ssh"),
        ("https://host/x", "https"),
        ("/srv/x.git", "file"),
        ("../x.git", "file"),
        ("file:///srv/x", "file"),
    ],
)
def test_schemes(remote: str, scheme: str) -> None:
    """
    The protocol of a remote's address is known.
    """
    assert scheme_of(remote) == scheme


def test_without_an_allowed_remote_no_protocol_is_left() -> None:
    """
    An empty list switches every protocol of git off.
    """
    with guarded((), None) as variables:
        assert variables["GIT_ALLOW_PROTOCOL"] == "none"
        assert variables["PATH"].endswith(os.environ["PATH"])
