"""Who runs beside whom is said by the names of files, and must be said of each that needs it."""

import pytest

from tests.beside import is_quiet, needs_engine, scope_of
from tests.conftest import ORDER


def test_no_quiet_process_gets_what_needs_the_engine(request: pytest.FixtureRequest) -> None:
    """
    Every test that needs the engine or a browser is in a file that tests/beside.py names.
    """
    unnamed = {
        item.nodeid.partition("::")[0]
        for item in request.session.items
        if any(item.get_closest_marker(mark) for mark in ORDER)
        and not needs_engine(scope_of(item.nodeid))
    }

    assert not unnamed, f"name them in tests/beside.py: {', '.join(sorted(unnamed))}"


@pytest.mark.parametrize(
    ("file", "scope"),
    [
        ("tests/drills/test_drill.py", "drills"),
        ("tests/drills/test_killed.py", "shop"),
        ("tests/staging/test_money.py", "shop"),
        ("tests/drills/test_engine_restart.py", "tests/drills/test_engine_restart.py"),
        ("tests/experiments/runtime/test_docker_response.py", "shop"),
        ("tests/drill/test_errors.py", "tests/drill/test_errors.py"),
    ],
)
def test_a_file_is_of_one_scope(file: str, scope: str) -> None:
    """
    What is light goes to the shop, even from among the drills, and what has its own engine alone.
    """
    assert scope_of(f"{file}::test_x[a::b]") == scope
    assert needs_engine(scope) is (file != "tests/drill/test_errors.py")


def test_two_processes_may_use_the_engine() -> None:
    """
    Those that come after them are quiet, also one that takes the place of a dead one.
    """
    assert [is_quiet(f"gw{n}") for n in (0, 1, 2, 10)] == [False, False, True, True]
