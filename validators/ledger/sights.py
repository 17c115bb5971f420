"""Counts what exists by now on the way of a purchase, quickly enough to hold a fault at an edge."""

from typing import Protocol

from validators.ledger.paystack import Paystack
from validators.ledger.reading import Unread

CAPTURED = frozenset({"success", "reversal-pending", "reversed"})


class Counts(Protocol):
    """Counts what the shop's tables hold."""

    async def count(self, name: str) -> int:
        """How many; raises `Unread`."""

    async def close(self) -> None:
        """Give back what it holds."""


class Receipts(Protocol):
    """Counts what customers were sent."""

    async def count(self) -> int:
        """How many; raises `Unread`."""


class Counter:
    """
    Counts each sight where it is kept.

    Captures and refunds at Paystack, receipts in the mailbox, the rest in the shop's tables. Of
    captures and refunds it knows those that it has seen among the newest: what it counts only
    grows, and only the growth means anything.
    """

    def __init__(
        self,
        paystack: Paystack | None = None,
        shop: Counts | None = None,
        receipts: Receipts | None = None,
    ) -> None:
        self._paystack = paystack
        self._shop = shop
        self._receipts = receipts
        self._captures: set[int] = set()
        self._refunds: set[int] = set()

    async def close(self) -> None:
        """Close the connections that are its own."""
        if self._paystack:
            await self._paystack.close()
        if self._shop:
            await self._shop.close()

    async def count(self, sight: str) -> int:
        """
        How many there are of one sight.

        Raises:
            Unread: It cannot be counted here, or not now.
        """
        if sight in {"capture", "refund"}:
            return await self._at_paystack(sight)
        if sight == "receipt" and self._receipts:
            return await self._receipts.count()
        if self._shop is None:
            raise Unread(f"nothing here counts {sight}: the shop is not read by SQL")
        return await self._shop.count(sight)

    async def _at_paystack(self, sight: str) -> int:
        if self._paystack is None:
            raise Unread(f"nothing here counts {sight}: there is no key for Paystack")
        if sight == "refund":
            self._refunds |= {row.id for row in await self._paystack.newest_refunds()}
            return len(self._refunds)
        newest = await self._paystack.newest()
        self._captures |= {row.id for row in newest if row.status in CAPTURED}
        return len(self._captures)
