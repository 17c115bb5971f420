"""Opens the ledgers of an environment: whoever reads them, makes canaries, and counts."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import anyio

from drill.errors import BadInput, Unsure
from experiments.environment import Environment
from experiments.environment_shop import Shop, unreadable
from experiments.reconcile import Reconciler
from experiments.recorder import Recorder
from experiments.runtime.ports import Lifecycle
from validators.ledger.books import Books
from validators.ledger.canaries import ShopCanaries
from validators.ledger.own import mark_of
from validators.ledger.paystack import Paystack
from validators.ledger.readers.api import ApiShop
from validators.ledger.readers.base import ShopReader
from validators.ledger.readers.calls import CallCounter
from validators.ledger.readers.mailbox import MailboxShop
from validators.ledger.readers.session import Sessions
from validators.ledger.readers.sql import SqlCounts, SqlShop
from validators.ledger.reading import Unread
from validators.ledger.sights import Counter

CLOSE_LIMIT_S = 5.0


def shop_of(environment: Environment, services: Collection[str] | None = None) -> Shop:
    """
    The environment's shop.

    Args:
        environment: Where a drill is rehearsed.
        services: Those of its compose file, None to trust the names.

    Raises:
        BadInput: It has none, or none that ledgers could be read of.
    """
    problems = unreadable(environment.shop, services)
    if problems or environment.shop is None:
        raise BadInput(*problems)
    return environment.shop


@asynccontextmanager
async def opened_books(shop: Shop, web: str) -> AsyncIterator[Books]:
    """Everything that reads, closed at the end."""
    reader: ShopReader | None = None
    if shop.sql:
        reader = SqlShop(shop.sql)
    elif shop.api:
        reader = ApiShop(shop.api)
    books = Books(
        paystack=Paystack(shop.paystack) if shop.paystack else None,
        shop=reader,
        mailbox=MailboxShop(shop.mailbox) if shop.mailbox else None,
        sessions=Sessions(shop.session, web) if shop.session else None,
        calls=CallCounter(shop.calls) if shop.calls else None,
    )
    try:
        yield books
    finally:
        with anyio.move_on_after(CLOSE_LIMIT_S, shield=True):
            await books.close()


@asynccontextmanager
async def opened_reconciler(
    environment: Environment,
    run: str,
    recorder: Recorder,
    lifecycle: Lifecycle,
    *,
    exposures_wanted: int = 0,
) -> AsyncIterator[Reconciler]:
    """
    The reconcile phase of a drill, ready.

    Raises:
        BadInput: The environment's shop cannot be read.
    """
    shop, mark = shop_of(environment), mark_of(run)
    canaries = None
    if shop.canaries:
        price = shop.price(shop.canaries.product)
        canaries = ShopCanaries(shop.canaries, environment.web, mark, recorder.t, price)
    async with opened_books(shop, environment.web) as books:
        yield Reconciler(
            shop,
            mark,
            ledgers=books,
            recorder=recorder,
            lifecycle=lifecycle,
            canaries=canaries,
            exposures_wanted=exposures_wanted,
        )


class ShopSights:
    """What exists by now, for faults that are held at an edge."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def count(self, sight: str) -> int:
        """
        How many there are; only the growth means anything.

        Raises:
            Unsure: It could not be read this time.
        """
        try:
            return await self._counter.count(sight)
        except Unread as error:
            raise Unsure(str(error)) from None


@asynccontextmanager
async def opened_sights(shop: Shop) -> AsyncIterator[ShopSights]:
    """Who counts, with one open connection for each place, closed at the end."""
    counter = Counter(
        paystack=Paystack(shop.paystack) if shop.paystack else None,
        shop=SqlCounts(shop.sql) if shop.sql else None,
        receipts=MailboxShop(shop.mailbox) if shop.mailbox else None,
    )
    try:
        yield ShopSights(counter)
    finally:
        with anyio.move_on_after(CLOSE_LIMIT_S, shield=True):
            await counter.close()
