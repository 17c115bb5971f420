"""What the ledgers are asked about."""

from collections.abc import Sequence

import msgspec

from drill.payments import Intended


class Question(msgspec.Struct, frozen=True):
    """
    What is to be read.

    Attributes:
        run: Which run, as its addresses bear it.

        intents: Every intent of it.

        references, orders: What customers were shown.

        begun: Intents whose first byte left: only their customers can have an account.
    """

    run: str
    intents: Sequence[Intended]
    references: Sequence[str] = ()
    orders: Sequence[str] = ()
    begun: frozenset[str] = frozenset()
