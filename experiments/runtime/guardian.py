"""
The guardian: outlives a drill that dies, and puts staging back.

    python -m experiments.runtime.guardian '{"run", "project", "directory", "engine", "lock_fd"}'

It waits on stdin. `bye` means that all is well. The end of the stream without it means that the
drill is dead: then it heals by the labels on the engine, ends what the drill had started
(environment variable DRILL_RUN), says so in the journal, and only then lets go of the file lock
that it inherited.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

RETRY_S = 0.5
GIVE_UP_S = 600.0


def main(told: dict[str, str]) -> int:
    """Wait, heal if need be; the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(Exception):
        # Before they are needed: on a busy machine these imports cost a second of an outage.
        import experiments.runtime.docker.restore  # noqa: F401, PLC0415
    if sys.stdin.buffer.read().strip().endswith(b"bye"):
        return 0
    lock = int(told["lock_fd"])
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"healing: the guardian of {told['run']}".encode(), 0)
    end_children(told["run"])  # First: a deployment under way would undo what is healed.
    healed, remaining = heal(told)
    end_children(told["run"])
    write_journal(Path(told["directory"]) / "journal.jsonl", healed, remaining)
    return 4 if remaining else 0


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
            if not ended:
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


def write_journal(path: Path, healed: list[str], remaining: list[dict[str, str]]) -> None:
    """Say what happened, on lines of their own even after a torn one."""
    try:
        with path.open("rb+") as file:
            header = json.loads(file.readline())
            t = time.monotonic() - float(header["mono_s"])
            body = path.read_bytes()
            whole = body.rfind(b"\n") + 1
            file.truncate(whole)  # A torn last line would make all that follows unreadable.
            file.seek(whole)
            text = "the drill died; the guardian healed: " + ("; ".join(healed) or "nothing")
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
