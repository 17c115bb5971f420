"""
Which tests run beside which, in `make test`: a plugin for xdist.

Two processes run what needs the engine, and then all else. A third runs what needs neither engine
nor browser from the start, when nobody else wants a core: whole drills wait for seconds, and two
cores would often have nothing to do. Three processes with stagings starve each other.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

SHOP = (
    "tests/staging/test_",
    "tests/drills/test_bad_input.py",
    "tests/drills/test_engine_pin.py",
    "tests/drills/test_job_killed.py",
    "tests/drills/test_killed.py",
    "tests/drills/test_paystack_faults.py",
    "tests/drills/test_release.py",
    "tests/experiments/runtime/test_docker_response.py",
)
"""Run by one process, at a staging of its own if that is another one: HTTP only, so light."""

ENGINE = (
    "tests/drills/test_engine_restart.py",
    "tests/experiments/runtime/test_docker_",
    "tests/experiments/runtime/test_engine_away.py",
)
"""Need the engine, or have one of their own, and no staging: file by file."""

DRILLS = (
    "tests/drills/",
    "tests/validators/probes/test_journeys.py",
    "tests/validators/probes/test_routes.py",
    "tests/experiments/gameday/test_page.py",
    "tests/experiments/comms/test_inbox.py",
)
"""
Run by one process, at one staging: browsers and whole drills at two would starve each other. What
stands in `SHOP` or `ENGINE` is not of these.
"""

PROCESSES = 2
"""How many may use the engine; those that come after them are quiet."""


def scope_of(nodeid: str) -> str:
    """What is run together: the drills, the shop's tests, and all others by file."""
    file = nodeid.partition("::")[0]
    if file.startswith(SHOP):
        return "shop"
    return "drills" if file.startswith(DRILLS) and not file.startswith(ENGINE) else file


def needs_engine(scope: str) -> bool:
    return scope in {"drills", "shop"} or scope.startswith(ENGINE)


def is_quiet(worker: str) -> bool:
    """Whether xdist's process of that name, `gw0` and so on, only runs what needs no engine."""
    return int(worker.removeprefix("gw")) >= PROCESSES


class Apart(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """By the names, as xdist 3.8 cannot tell pytest 9 the group of a test."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        """A quiet one takes from the end, where nothing needs an engine, or is done."""
        if is_quiet(node.gateway.id):
            last = next(reversed(self.workqueue))
            if needs_engine(last):
                node.shutdown()
                return
            self.workqueue.move_to_end(last, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Apart:
    """Only `-n` asks for one; see the Makefile."""
    return Apart(config, log)


def pytest_sessionstart() -> None:
    """A quiet process takes no time that a drill beside it wants."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and is_quiet(worker):
        os.nice(19)
        # Only on Linux, and not in every container: low is then low enough.
        with suppress(AttributeError, OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """
    The quiet process rests while a browser test runs.

    Chromium has idle priority too, so as to disturb no probe: it would get half of what is left.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with ExitStack() as held:
        if worker and (is_quiet(worker) or item.get_closest_marker("browser")):
            # The kernel lets go of it for whoever is killed.
            fcntl.flock(held.enter_context(Path(__file__).open("rb")), fcntl.LOCK_EX)
        return (yield)


def sort(items: list[pytest.Item]) -> None:
    """Sort by scope: the two long ones, then all that needs the engine, then the rest."""
    long = ["drills", "shop"]
    scopes = dict.fromkeys(scope_of(item.nodeid) for item in items)
    other = [scope for scope in scopes if scope not in long]
    order = long + sorted(other, key=lambda scope: not needs_engine(scope))
    items.sort(key=lambda item: order.index(scope_of(item.nodeid)))
