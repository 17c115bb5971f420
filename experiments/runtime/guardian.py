"""
The guardian: outlives a drill that dies, and puts staging back.

    python -m experiments.runtime.guardian '{"run", "project", "directory", "engine", "lock_fd"}'

It waits on stdin. `bye` means that all is well. The end of the stream without it means that the
drill is dead: then it heals by the labels on the engine, ends what the drill had started
(environment variable DRILL_RUN), says so in the journal, and only then lets go of the file lock
that it inherited.

In a container it is told `lock` and `lock_is` (device:inode) instead of `lock_fd`: it says `ready`
and waits for that file's lock, which is free when the drill is dead. All is well when the drill
removes its container; it removes it itself once it has healed. It sees none of the machine's
processes, so those are left to the supervisor for whose sake it is a container.
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

RETRY_S = 0.5
GIVE_UP_S = 600.0
LEAVE_TRIES = 20
BESIDE = "; in a container it cannot end processes: browser and load are left to the supervisor"


def main(told: dict[str, str]) -> int:
    """Wait, heal if need be; the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    contained = "lock" in told
    lock = wait_for_lock(told["lock"], told["lock_is"]) if contained else wait_for_end(told)
    if lock is None:
        return 0
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"healing: the guardian of {told['run']}".encode(), 0)
    end_children(told["run"])  # First: a deployment under way would undo what is healed.
    healed, remaining = heal(told)
    if not contained:
        end_children(told["run"])
    beside = BESIDE if contained else ""
    write_journal(Path(told["directory"]) / "journal.jsonl", healed, remaining, beside)
    if contained:
        leave(told)
        return 0  # A failure would have the engine start it again.
    return 4 if remaining else 0


def wait_for_end(told: dict[str, str]) -> int | None:
    """The inherited lock once stdin ends, None once the drill said `bye`."""
    with contextlib.suppress(Exception):
        # Before they are needed: on a busy machine these imports cost a second of an outage.
        import experiments.runtime.docker.restore  # noqa: F401, PLC0415
    if sys.stdin.buffer.read().strip().endswith(b"bye"):
        return None
    return int(told["lock_fd"])


def wait_for_lock(path: str, identity: str) -> int:
    """The lock of *path* once the drill has let go of it."""
    import experiments.runtime.docker.guardians  # noqa: PLC0415
    import experiments.runtime.docker.restore  # noqa: F401, PLC0415

    lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    found = os.fstat(lock)
    if f"{found.st_dev}:{found.st_ino}" != identity:
        sys.exit(f"{path} is another file here: the engine does not share this machine's files")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def leave(told: dict[str, str]) -> None:
    """Remove our own container, the last thing of the drill on the engine; this ends us."""
    from experiments.runtime.docker.engine import Engine  # noqa: PLC0415
    from experiments.runtime.docker.guardians import remove_guardian  # noqa: PLC0415

    for _ in range(LEAVE_TRIES):
        with contextlib.suppress(Exception):
            remove_guardian(Engine(told["engine"]), told["project"], told["run"])
            return
        time.sleep(RETRY_S)


def heal(told: dict[str, str]) -> tuple[list[str], list[dict[str, str]]]:
    """Heal by labels, asking again until the engine answers or `GIVE_UP_S` is over."""
    until = time.monotonic() + GIVE_UP_S
    command = "drill heal"
    ended = False
    while True:
        try:
            from experiments.runtime.docker.engine import Engine  # noqa: PLC0415
            from experiments.runtime.docker.restore import heal_project  # noqa: PLC0415

            done = heal_project(Engine(told["engine"]), told["project"], told["run"], command)
        except Exception as error:  # noqa: BLE001 - whatever it is, staging must be whole again
            if not ended and "lock" not in told:
                end_children(told["run"])
                ended = True
            if time.monotonic() > until:
                return [], [{"what": f"the engine did not answer: {error}", "command": command}]
            time.sleep(RETRY_S)
        else:
            left = [{"what": one.what, "command": one.command} for one in done.remaining]
            return done.healed, left


def end_children(run: str) -> None:
    """Kill every process that carries DRILL_RUN=*run*: whatever the drill started."""
    end_marked(f"DRILL_RUN={run}")


def end_marked(variable: str) -> int:
    """Kill every process that was started with *variable*, as NAME=VALUE; gives how many."""
    mark, found = variable.encode(), 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                found += 1
    return found


def write_journal(
    path: Path, healed: list[str], remaining: list[dict[str, str]], beside: str
) -> None:
    """Say what happened, on lines of their own even after a torn one."""
    try:
        with path.open("rb+") as file:
            header = json.loads(file.readline())
            t = time.monotonic() - float(header["mono_s"])
            body = path.read_bytes()
            whole = body.rfind(b"\n") + 1
            file.truncate(whole)  # A torn last line would make all that follows unreadable.
            file.seek(whole)
            text = (
                "the drill died; the guardian healed: " + ("; ".join(healed) or "nothing") + beside
            )
            note = {"k": "note", "t": t, "text": text, "level": "warning"}
            proof = "labels on the engine, two sweeps in a row found nothing of this drill"
            clean: dict[str, object] = {"k": "clean", "t": t, "wall_s": time.time()}
            clean |= {"proof": "" if remaining else proof, "remaining": remaining}
            file.write(b"".join(json.dumps(line).encode() + b"\n" for line in (note, clean)))
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError, KeyError):
        return  # No journal, or none that can be read: staging is healed all the same.


if __name__ == "__main__":
    raise SystemExit(main(json.loads(sys.argv[1])))
