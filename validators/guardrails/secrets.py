"""Is a scan for secrets configured, and is the repository clean by that same scanner."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from validators.guardrails.seen import Look, read_text, read_yaml

SCAN_LIMIT_S = 300.0
MOST_FILES = 20_000
CHUNK = 500
PRE_COMMIT = (".pre-commit-config.yaml", ".pre-commit-config.yml")
BASELINE = ".secrets.baseline"
AT_GITHUB = ".github/secret_scanning.yml"
SCANNERS = ("detect-secrets", "gitleaks", "trufflehog")
TRUFFLEHOG_FOUND = 183
MOVED_LINES = 3
"""detect-secrets ends so when nothing is new and it would only renumber its baseline."""
PLACE = re.compile(r"^Location:\s+(\S+:\d+)\s*$", re.MULTILINE)
MOST_TOLD = 5


class Hook(msgspec.Struct, frozen=True):
    """A hook of pre-commit."""

    id: str = ""
    entry: str = ""


class Repo(msgspec.Struct, frozen=True):
    """A repository of hooks."""

    repo: str = ""
    hooks: list[Hook] = []


class PreCommit(msgspec.Struct, frozen=True):
    """pre-commit's configuration, as far as it matters here."""

    repos: list[Repo] = []


class Step(msgspec.Struct, frozen=True):
    """A step of a workflow."""

    uses: str = ""
    run: str = ""


class Job(msgspec.Struct, frozen=True):
    """A job of a workflow; one that calls another workflow has no steps."""

    steps: list[Step] = []
    uses: str = ""


class Workflow(msgspec.Struct, frozen=True):
    """A GitHub workflow, as far as it matters here."""

    jobs: dict[str, Job] = {}


def look_at_secrets(repository: Path, limit_s: float = SCAN_LIMIT_S) -> Look:
    """
    Say whether a scanner is configured, and run it where it is installed.

    Args:
        repository: Its root.
        limit_s: How long the scan may take.
    """
    found = list(_configured(repository))
    if not found:
        if read_text(repository, AT_GITHUB) is not None:
            told = "GitHub's own secret scanning is configured; its findings are not seen from here"
            return Look(ok=None, detail=told, evidence=AT_GITHUB)
        told = "no secret scan is configured in pre-commit or a workflow"
        return Look(ok=False, detail=told)
    for scanner, place in found:
        command = _installed(scanner)
        if command:
            return _scan(repository, scanner, place, command, limit_s)
    scanner, place = found[0]
    told = f"configured, not run: {scanner} is not installed here"
    return Look(ok=None, detail=told, evidence=place)


def _configured(repository: Path) -> Iterator[tuple[str, str]]:
    """Give each scanner with the file that names it, pre-commit first."""
    for name in PRE_COMMIT:
        text = read_text(repository, name)
        if text is None:
            continue
        for repo in read_yaml(text, PreCommit, name).repos:
            words = [repo.repo, *(hook.id for hook in repo.hooks), *(h.entry for h in repo.hooks)]
            yield from _named(words, name)
    folder = repository / ".github" / "workflows"
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        name = f".github/workflows/{path.name}"
        text = read_text(repository, name)
        for job in read_yaml(text or "", Workflow, name).jobs.values():
            yield from _named([job.uses, *(s.uses for s in job.steps)], name)
            yield from _named([_code(step.run) for step in job.steps], name)


def _named(words: Sequence[str], place: str) -> Iterator[tuple[str, str]]:
    for scanner in SCANNERS:
        if any(scanner in word for word in words):
            yield scanner, place


def _code(script: str) -> str:
    """Give a script without its comments."""
    return "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))


def _installed(scanner: str) -> str | None:
    """Find a scanner beside our own Python or on the path; never in the repository itself."""
    name = "detect-secrets-hook" if scanner == "detect-secrets" else scanner
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def _scan(repository: Path, scanner: str, place: str, command: str, limit_s: float) -> Look:
    try:
        clean, told = _run(repository, scanner, command, limit_s)
    except subprocess.TimeoutExpired:
        clean, told = None, f"not done within {limit_s:g} s"
    except (OSError, subprocess.SubprocessError) as error:
        clean, told = None, f"could not be run: {type(error).__name__}"
    return Look(ok=clean, detail=f"{scanner}: {told}", evidence=place)


def _run(repository: Path, scanner: str, command: str, limit_s: float) -> tuple[bool | None, str]:
    """Run the scanner; what it prints may hold a secret, so only places leave this function."""
    if scanner == "gitleaks":
        words = [command, "detect", "--no-banner", "--redact", "--source", "."]
        return _verdict(_call(repository, words, limit_s).returncode, found=1)
    if scanner == "trufflehog":
        words = [command, "filesystem", ".", "--no-verification", "--no-update", "--fail"]
        return _verdict(_call(repository, words, limit_s).returncode, found=TRUFFLEHOG_FOUND)
    return _detect_secrets(repository, command, limit_s)


def _detect_secrets(repository: Path, command: str, limit_s: float) -> tuple[bool | None, str]:
    listed = _call(repository, ["git", "ls-files", "-z"], limit_s)
    files = [name for name in listed.stdout.split("\0") if name]
    if listed.returncode or not files:
        return None, "not run: git lists no files here"
    if len(files) > MOST_FILES:
        return None, f"not run: more than {MOST_FILES} files"
    # A file that is removed but still listed cannot be scanned.
    there = [name for name in files if (repository / name).is_file() and name != BASELINE]
    with tempfile.TemporaryDirectory() as folder:
        # Without verification, which would send what it found to its service; on a copy of the
        # baseline, which the scanner would otherwise rewrite.
        words = [command, "--no-verify"]
        if (repository / BASELINE).is_file():
            words += ["--baseline", shutil.copy(repository / BASELINE, f"{folder}/{BASELINE}")]
        return _in_chunks(repository, words, there, limit_s)


def _in_chunks(
    repository: Path, words: list[str], files: Sequence[str], limit_s: float
) -> tuple[bool | None, str]:
    """Scan *files* with as many calls as a command line needs, all within *limit_s*."""
    until = time.monotonic() + limit_s
    places: list[str] = []
    codes = {0}
    for begin in range(0, len(files), CHUNK):
        left = max(0.1, until - time.monotonic())
        done = _call(repository, [*words, "--", *files[begin : begin + CHUNK]], left)
        codes.add(done.returncode)
        places += PLACE.findall(done.stdout)
    if places:
        return False, f"found what looks like a secret: {', '.join(places[:MOST_TOLD])}"
    odd = codes - {0, MOVED_LINES}
    return (None, f"ended with {max(odd)} and named no place") if odd else (True, "clean")


def _verdict(code: int, *, found: int) -> tuple[bool | None, str]:
    if code == 0:
        return True, "clean"
    return (False, "found what looks like a secret") if code == found else (None, f"exit {code}")


def _call(repository: Path, words: list[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - a scanner of the machine, with words of ours
        words,
        cwd=repository,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=limit_s,
    )
