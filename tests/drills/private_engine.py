"""A Docker engine of a test's own, which it may kill: nobody else's containers are disturbed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker

START_LIMIT_S = 60
LOAD_LIMIT_S = 300
END_LIMIT_S = 20
POLL_S = 0.1


class PrivateEngine:
    """One dockerd with its own containerd, data, socket and no network, all below *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._log = (folder / "log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, over what a killed one left, and wait until it answers."""
        # A killed process that nobody waits for keeps its number, and would be taken for alive.
        for stale in ("pid", "exec/containerd/containerd.pid", "exec/containerd/containerd.sock"):
            (self.folder / stale).unlink(missing_ok=True)
        # With `--bridge none` dockerd deletes the docker0 it finds, whoever's: so it gets a network
        # namespace of its own.
        command = ["unshare", "--net", "dockerd"]
        command += ["--host", self.host, "--pidfile", str(self.folder / "pid")]
        command += ["--data-root", str(self.folder / "data"), "--bridge", "none"]
        command += ["--exec-root", str(self.folder / "exec"), "--iptables=false"]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        until = time.monotonic() + START_LIMIT_S
        while not self.answers():
            assert self._process.poll() is None, f"dockerd ended:\n{self.last_words()}"
            assert time.monotonic() < until, f"dockerd does not answer:\n{self.last_words()}"
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether it does."""
        try:
            with contextlib.closing(docker.DockerClient(self.host, timeout=5)) as client:
                return bool(client.ping())
        except (docker.errors.DockerException, OSError):
            return False

    def last_words(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def load(self, *images: str) -> None:
        """Bring images here from the machine's engine."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            load = ["docker", "--host", self.host, "load", "--quiet"]
            subprocess.run(load, stdin=saving.stdout, check=True, timeout=LOAD_LIMIT_S)
        assert saving.returncode == 0

    def kill(self) -> None:
        """SIGKILL for dockerd and its containerd, as a crash of the engine is."""
        assert self._process is not None
        self._process.kill()
        for pid in self._containerd():
            os.kill(pid, signal.SIGKILL)
        self._process.wait(END_LIMIT_S)

    def close(self) -> None:
        """End everything of it, whatever state it is in, and remove its data."""
        if self._process is not None and self._process.poll() is None:
            # Asked politely it would wait for containers that nobody needs any more.
            self._process.kill()
            self._process.wait(END_LIMIT_S)
        left = self._end_processes()
        self._log.close()
        for point in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, f"processes of the private engine do not end: {left}"

    def _end_processes(self) -> list[int]:
        """SIGKILL all of it, frozen containers too; what is left after `END_LIMIT_S`."""
        doomed: set[int] = set()
        until = time.monotonic() + END_LIMIT_S
        while True:
            # Remembered, since a container whose shim has gone is nobody's child any more.
            doomed |= {*self._containerd(), *self._shims()}
            doomed = {pid for pid in doomed if is_alive(pid)}
            if not doomed or time.monotonic() > until:
                return sorted(doomed)
            for pid in doomed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                thaw(pid)
            time.sleep(POLL_S)

    def _containerd(self) -> list[int]:
        config = str(self.folder / "exec").encode()
        return [
            pid for pid, words in commands() if words[0] == b"containerd" and config in words[2]
        ]

    def _shims(self) -> list[int]:
        """Its containers' parents and, through their own groups, what they run."""
        address = str(self.folder / "exec").encode()
        shims = {
            pid
            for pid, words in commands()
            if b"containerd-shim" in words[0] and any(address in word for word in words)
        }
        return [*children_of(shims), *shims]

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        points = [line.split(" ")[4] for line in lines]
        return [point for point in points if Path(point).is_relative_to(self.folder)]


def commands() -> Iterator[tuple[int, list[bytes]]]:
    """Every process and its words, padded so that the first three are always there."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[0]:
                yield int(folder.name), [*words, b"", b""]


def children_of(parents: set[int]) -> list[int]:
    """The direct children of these processes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in parents:
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process is there; a zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def thaw(pid: int) -> None:
    """Let a paused container's process go on, so that a signal can end it; cgroup v1 and v2."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if "/docker/" not in path and "docker-" not in path:
                continue
            if kinds == "freezer":
                Path(f"/sys/fs/cgroup/freezer{path}/freezer.state").write_text("THAWED")
            elif not kinds and Path(f"/sys/fs/cgroup{path}/cgroup.freeze").exists():
                Path(f"/sys/fs/cgroup{path}/cgroup.freeze").write_text("0")


@contextlib.contextmanager
def private_engine() -> Iterator[PrivateEngine]:
    """Up, and away again whatever happens; the folder's name is short, as a socket's must be."""
    engine = PrivateEngine(Path(tempfile.mkdtemp(prefix="vd-engine-")))
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
