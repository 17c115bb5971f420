"""The reconcile phase as the engine sees it."""

from typing import Protocol


class Reconciling(Protocol):
    """Reads the ledgers of money and goods around a drill; what it saw is in the journal."""

    async def before(self) -> None:
        """Say by what is judged, and make the canaries: before the load, with nothing broken."""

    async def reconcile(self) -> None:
        """Read until the last reading is final; after the load has drained, with all healed."""


class NoLedgers:
    """A drill that promises nothing about payments."""

    async def before(self) -> None:
        """Read nothing."""

    async def reconcile(self) -> None:
        """Read nothing."""
