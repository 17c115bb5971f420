"""One reading of one ledger: what was seen, and whether absence may be concluded from it."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Unread(Exception):
    """A ledger could not be read, or not to its end; the message is short and has no secret."""


class Reading(msgspec.Struct, Generic[T], frozen=True):
    """
    What a reader saw.

    Attributes:
        rows: Everything seen, also when the reading broke off: presence convicts all the same.

        complete: Whether absence may be concluded.

        source: Where it was read.

        reason: Why it is not complete.

        as_of: The ledger's own clock, a label.

        at: When, in monotonic seconds of this boot: for Paystack's ledgers the end of the reading,
            so that no success counts as seen too soon, for the shop's its beginning, so that
            nothing counts as missing too late.
    """

    rows: tuple[T, ...]
    complete: bool
    source: str
    reason: str = ""
    as_of: str = ""
    at: float = 0.0
