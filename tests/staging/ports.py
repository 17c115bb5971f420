"""Ports for what tests start: nobody's now, and nobody else's until the process ends."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from pathlib import Path

FIRST = 10_240
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
DEFAULT_FIRST_GIVEN = 32_768
TRIES = 1_000
# Kept until the process ends: the names of what was given out, in this process and in others.
_held: list[socket.socket] = []


def free_port() -> int:
    """
    A port that nobody listens on and no other test of this machine is given.

    Below those that the system lends to whoever connects somewhere: a container that is killed and
    started again in a drill must find its port free, as must one that is started a second later.
    """
    try:
        end = int(RANGE.read_text().split()[0])
    except OSError:
        end = DEFAULT_FIRST_GIVEN
    chosen = random.SystemRandom()
    for _ in range(TRIES):
        port = chosen.randrange(FIRST, max(end, FIRST + TRIES))
        if _is_free(port) and _is_ours(port):
            return port
    raise OSError(f"no port below {end} is free")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_ours(port: int) -> bool:
    """Take its name among sockets without a file: the system drops it with the process."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0vauntico-drills-test-port-{port}")
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True
