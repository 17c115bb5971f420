"""One sandbox a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.staging.sandbox.inside import Inside, opened


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path) as sandbox:
        yield sandbox
