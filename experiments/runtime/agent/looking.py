"""What an agent looks at: names, paths, and whose a process is."""

import contextlib
import errno
import os
import queue
import select
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

from experiments.runtime.agent.words import Refused

SILENT = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN})
FULL_ID_LENGTH = 64


def resolve(host: str) -> list[str]:
    """Addresses of *host* as seen from this namespace, in the resolver's order; empty if none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_within(host: str, limit_s: float) -> list[str]:
    """Like `resolve`, but empty after *limit_s*: getaddrinfo itself knows no deadline."""
    box: queue.Queue[list[str]] = queue.Queue()
    threading.Thread(target=lambda: box.put(resolve(host)), daemon=True).start()
    try:
        return box.get(timeout=limit_s)
    except queue.Empty:
        return []


def look(host: str, port: int, patience_s: float) -> dict[str, Any]:
    """
    Try to open a TCP connection, for at most *patience_s*.

    Returns:
        `outcome`, `address`, and `sent` and `got` in monotonic seconds of this boot.
    """
    begun = time.monotonic()
    addresses = resolve_within(host, patience_s)
    if not addresses:
        now = time.monotonic()
        return {"outcome": "unresolved", "address": "", "sent": begun, "got": now}
    address = addresses[0]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trying:
        trying.setblocking(False)  # noqa: FBT003 - it takes no keyword
        sent = time.monotonic()
        code = trying.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            left_s = max(0.0, begun + patience_s - sent)
            ready = select.select([], [trying], [], left_s)[1]
            got_error = trying.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            code = got_error if ready else errno.ETIMEDOUT
        got = time.monotonic()
    outcome = "open" if code == 0 else "silent" if code in SILENT else "refused"
    return {"outcome": outcome, "address": address, "sent": sent, "got": got}


def belongs(pid: int, container: str) -> bool:
    """Whether process *pid* of the host runs in the container with this full id."""
    for source in ("cgroup", "mountinfo"):  # On cgroup v2 only the mounts may name it.
        with contextlib.suppress(OSError):
            if container in Path(f"/proc/{pid}/{source}").read_text(errors="replace"):
                return True
    return False


def crash(pid: int, container: str, name: str) -> None:
    """
    Signal *pid*, only if it is the container's.

    Raises:
        Refused: No such process, no such signal, or somebody else's process.
    """
    number = getattr(signal, name, None)
    if not isinstance(number, signal.Signals) or len(container) != FULL_ID_LENGTH:
        raise Refused(f"no signal {name!r} or no full container id")
    if pid <= 1:
        raise Refused("never process 1 of the host")
    try:
        handle = os.pidfd_open(pid)  # Held while we look, so that the number cannot be reused.
    except ProcessLookupError:
        raise Refused(f"no process {pid}") from None
    try:
        if not belongs(pid, container):
            raise Refused(f"process {pid} is not of container {container[:12]}")
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        raise Refused(f"process {pid} has ended") from None
    finally:
        os.close(handle)
