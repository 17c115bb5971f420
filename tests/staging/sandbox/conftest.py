"""One sandbox a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.staging.sandbox.inside import Inside, opened
from tests.staging.sandbox.served import Merchant, Served, merchant


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shop() -> Iterator[Merchant]:
    """Where the served sandbox sends its events."""
    with merchant() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shop: Merchant) -> Iterator[Served]:
    """A sandbox in a process of its own, for a whole file of tests."""
    sandbox = Served(tmp_path_factory.mktemp("sandbox"), shop.url)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.close()
