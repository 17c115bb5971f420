"""The team's commands: what they may say, and that they end."""

import os
import time
from pathlib import Path

import pytest

from drill.errors import Unsure
from experiments.respond.commands import Commands
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
    ],
)
def test_pushes_are_read(command: str, remotes: list[str]) -> None:
    """
    Every push in a command line is found, with the remote it names.
    """
    assert [remote_in(words) for words in pushes_in(command)] == remotes


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
