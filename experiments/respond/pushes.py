"""
Git on a leash: commands may push only to remotes that the environment allows, exactly.

What a command says is read before anything runs. Then three things stand in the way of any other
push, each by itself: git's own pre-push hook sees where a push really goes, after every rewriting
of addresses; the `git` that a command finds first refuses the options that would take the hook
away; and what git starts to send with (`git-receive-pack`, ssh, the helpers for http) refuses
every other address, whatever alias, option or configuration led there. Protocols that no allowed
remote uses are switched off in git altogether.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from drill.errors import BadInput

HOOK = """\
#!/bin/sh
# Git says where a push goes: $1 is the remote's name, $2 its address after every rewriting.
while IFS= read -r allowed <&3; do
    if [ "$2" = "$allowed" ]; then
        own={own}
        [ ! -x "$own" ] || exec "$own" "$@" 3<&-
        exit 0
    fi
done 3<{allowed}
echo "the drill refuses to push to $2: it is not in allow_remotes of the environment" >&2
exit 1
"""
WRAPPER = """\
#!/bin/sh
# The drill's git: options that would take the guard away are refused.
for word; do
    case "$word" in
    --no-verify|--receive-pack*|--exec=*|--exec-path=*|[Cc][Oo][Rr][Ee].[Hh][Oo][Oo][Kk][Ss]*)
        echo "the drill refuses \\`git ... $word\\`: it would push past allow_remotes" >&2
        exit 1 ;;
    esac
done
exec {git} "$@"
"""
SENDER = """\
#!/bin/sh
# What git starts to send with: only to an allowed address.
for last; do before=$here; here=$last; done
case "{kind}" in
path) where=$last ;;
ssh)
    where="$before $last"
    case "$last" in git-receive-pack*) ;; *) exec ssh -oBatchMode=yes "$@" ;; esac ;;
url) where=$last ;;
esac
while IFS= read -r allowed <&3; do
    [ "$where" != "$allowed" ] || exec {program} "$@" 3<&-
done 3<{listed}
echo "the drill refuses to send to $where: it is not in allow_remotes of the environment" >&2
exit 1
"""
HELPERS = ("git-remote-http", "git-remote-https", "git-remote-ftp", "git-remote-ftps")
SCHEMES = ("https", "http", "ssh", "git", "ftp", "ftps", "file")
TAKES_WORD = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})
SENDS = frozenset(
    {"push", "send-pack", "subtree", "svn", "http-push", "remote-http", "remote-https"}
)
EVERYTHING = "push"
GIT_LIMIT_S = 10.0


def scheme_of(remote: str) -> str:
    """How git reaches *remote*: the protocol's name as `GIT_ALLOW_PROTOCOL` knows it."""
    for scheme in SCHEMES:
        if remote.startswith(f"{scheme}://"):
            return scheme
    head, colon, _ = remote.partition(":")
    return "ssh" if colon and "/" not in head else "file"


def pushes_in(command: str) -> Iterator[Sequence[str]]:
    """
    Give what each `git push` of a command line says after `push`.

    Raises:
        BadInput: It pushes by something that cannot be read beforehand.
    """
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError as error:
        raise BadInput(f"`{command}` cannot be read as a command: {error}") from None
    for index, word in enumerate(words):
        if word != "git" and not word.endswith("/git"):
            continue
        verb, rest = _verb(words[index + 1 :])
        if verb in SENDS - {EVERYTHING}:
            raise BadInput(f"`{command}` sends by `git {verb}`; only `git push` can be checked")
        if verb == EVERYTHING:
            yield rest


def _verb(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    skip = False
    for index, word in enumerate(words):
        if skip or word.startswith("-"):
            skip = not skip and word in TAKES_WORD
            continue
        end = next((i for i, w in enumerate(words) if set(w) <= set(";&|()<>")), len(words))
        return word, words[index + 1 : max(end, index + 1)]
    return "", ()


def remote_in(words: Sequence[str]) -> str:
    """The remote that the words after `push` name, empty if they leave it to git."""
    named = [word.partition("=")[2] for word in words if word.startswith("--repo=")]
    plain = [word for word in words if not word.startswith("-")]
    return (plain or named or [""])[0]


@contextmanager
def guarded(allowed: Sequence[str], own_hooks: Path | None) -> Iterator[dict[str, str]]:
    """
    Give the variables under which git pushes to *allowed* and nowhere else.

    Args:
        allowed: Addresses of remotes, as git itself would print them.
        own_hooks: The repository's own hooks, which go on working.
    """
    git = which("git")
    if git is None:
        raise BadInput("there is no git on this machine")
    with TemporaryDirectory(prefix="drill-git-") as made:
        folder = Path(made)
        hooks, programs = folder / "hooks", folder / "bin"
        hooks.mkdir()
        programs.mkdir()
        own = sorted(own_hooks.iterdir()) if own_hooks and own_hooks.is_dir() else []
        for hook in own:
            if hook.suffix != ".sample" and hook.name != "pre-push":
                (hooks / hook.name).symlink_to(hook)
        listed = folder / "allowed"
        listed.write_text("".join(f"{one}\n" for one in allowed), encoding="utf-8")
        before = shlex.quote(str(own_hooks / "pre-push")) if own_hooks else "''"
        _write(hooks / "pre-push", HOOK.format(own=before, allowed=shlex.quote(str(listed))))
        _write(programs / "git", WRAPPER.format(git=shlex.quote(git)))
        _senders(folder, Path(git), allowed)
        schemes = sorted({scheme_of(one) for one in allowed}) or ["none"]
        yield {
            "PATH": f"{programs}:{_path()}",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(hooks),
            "GIT_EXEC_PATH": str(folder / "core"),
            "GIT_SSH_COMMAND": str(folder / "core" / "drill-ssh"),
            "GIT_ALLOW_PROTOCOL": ":".join(schemes),
        }


def _senders(folder: Path, git: Path, allowed: Sequence[str]) -> None:
    """Git's own programs, but for those that send."""
    asked = subprocess.run(  # noqa: S603 - git itself
        [git, "--exec-path"], capture_output=True, text=True, check=True, timeout=GIT_LIMIT_S
    )
    real, core = Path(asked.stdout.strip()), folder / "core"
    core.mkdir()
    for own in real.iterdir():
        if own.name not in (*HELPERS, "git-receive-pack"):
            (core / own.name).symlink_to(own)
    kinds = {"drill-ssh": "ssh", "git-receive-pack": "path"} | dict.fromkeys(HELPERS, "url")
    for name, kind in kinds.items():
        listed = folder / f"allowed-{kind}"
        lines = filter(None, (address_for(kind, one) for one in allowed))
        listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        program = "ssh -oBatchMode=yes" if kind == "ssh" else shlex.quote(str(real / name))
        text = SENDER.format(kind=kind, program=program, listed=shlex.quote(str(listed)))
        _write(core / name, text)


def address_for(kind: str, remote: str) -> str:
    """How what sends by *kind* is told of *remote*; empty if it is reached in another way."""
    scheme = scheme_of(remote)
    if kind == "path":
        return remote.removeprefix("file://") if scheme == "file" else ""
    if kind == "url":
        return remote if scheme in ("http", "https", "ftp", "ftps") else ""
    if scheme != "ssh":
        return ""
    if remote.startswith("ssh://"):
        host, _, path = remote.removeprefix("ssh://").partition("/")
        return f"{host.partition(':')[0]} git-receive-pack {_quoted('/' + path)}"
    host, _, path = remote.partition(":")
    return f"{host} git-receive-pack {_quoted(path)}"


def _quoted(path: str) -> str:
    """As git quotes for a shell."""
    return "'" + path.replace("'", "'\\''") + "'"


def _path() -> str:
    return os.environ.get("PATH", os.defpath)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
