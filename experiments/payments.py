"""The payments side of a drill, as the engine sees it: who buys, who reads ledgers, who counts."""

from collections.abc import Iterable
from typing import NamedTuple

from experiments.load.port import Load, NoLoad
from experiments.reconciling import NoLedgers, Reconciling
from experiments.runtime.ports import Probe, Sights


class Payments(NamedTuple):
    """
    What a drill has to do with money; by default nothing.

    Attributes:
        load: Customers, from the baseline to the end.

        ledgers: Reads what Paystack and the shop hold, before and after.

        sights: Counts what a held edge waits for; None where nothing can.
    """

    load: Load = NoLoad()
    ledgers: Reconciling = NoLedgers()
    sights: Sights | None = None

    async def before(self) -> None:
        """Canaries while nothing is broken and nobody else buys, then the customers come."""
        await self.ledgers.before()
        await self.load.start()

    async def after(self, probes: Iterable[Probe]) -> None:
        """
        With all healed: everybody comes to an end, then the ledgers are read until final.

        Args:
            probes: Held before that; they would see the shop being restarted for the last reading.
        """
        await self.load.finish()
        await self.load.drain()
        if not isinstance(self.ledgers, NoLedgers):
            for probe in probes:
                probe.hold()
        await self.ledgers.reconcile()
