"""Whether the drill of a lock container lives, as far as it can be seen from here."""

import os
import subprocess
import sys

import pytest

from experiments.runtime.docker import labels
from experiments.runtime.docker.holder import holder_of, life_of, written


def test_a_running_process_is_a_living_drill() -> None:
    """While one of its processes runs the drill lives, and once they ended it is dead."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marks = written("theirs", child.pid)
    try:
        assert life_of(marks, "ours") == "alive"
        child.kill()
        child.stdin.close()  # type: ignore[union-attr]
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert life_of(marks, "ours") == "dead"  # A zombie holds nothing.
    finally:
        child.wait()
    assert life_of(marks, "ours") == "dead"


def test_a_number_given_to_another_process_proves_nothing() -> None:
    """A process that began at another time is not the drill's."""
    marks = written("theirs", os.getpid())
    assert life_of(marks, "ours") == "alive"
    marks[labels.PROCESSES] = f"{os.getpid()}@1"
    assert life_of(marks, "ours") == "dead"


@pytest.mark.parametrize(
    ("changed", "life"),
    [
        ({labels.FLOCK: "ours"}, "dead"),
        ({labels.BOOT: "another"}, "dead"),
        ({labels.BOOT: "another", labels.HOST: "elsewhere"}, "unknown"),
        ({labels.SPACE: "pid:[1]"}, "unknown"),
        ({labels.PROCESSES: ""}, "unknown"),
    ],
)
def test_what_cannot_be_seen_is_unknown(changed: dict[str, str], life: str) -> None:
    """Our own file lock or a reboot proves death; another machine or namespace proves nothing."""
    assert life_of(written("theirs", os.getpid()) | changed, "ours") == life


def test_a_lock_of_an_older_release_still_has_a_holder() -> None:
    """Labels that are not there are told as such."""
    holder = holder_of({labels.RUN: "r1"}, "ours")
    assert holder.life == "unknown"
    assert "drill r1 of somebody on an unknown machine" in str(holder)
