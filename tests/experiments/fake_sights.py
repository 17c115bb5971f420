"""What exists in a shop that is only in virtual time."""

from collections.abc import Callable

import anyio


class FakeSights:
    """Counts as a test says, in virtual time; takes a moment, as a query does."""

    def __init__(self) -> None:
        self.counts: dict[str, Callable[[], int]] = {}
        self.asked = 0

    async def count(self, sight: str) -> int:
        self.asked += 1
        await anyio.sleep(0.001)
        return self.counts[sight]()
