"""What of a reading is still open, and which promise of the shop is for it. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from drill.payments import Grant, LedgerRead, Order, Refund
from experiments.environment_shop import Promises

UNDER_WAY = ("ongoing", "pending", "processing", "queued")
CAPTURED = ("success", "reversal-pending")
GOING_BACK = ("pending", "processing")
UNREAD_PATIENCE_S = 30.0


class Open(msgspec.Struct, frozen=True, order=True):
    """Something that is not over; *promise_s* is how long the shop may take over it."""

    promise_s: float
    what: str


NOTHING = Open(0.0, "")


def settled(reads: Sequence[LedgerRead], promises: Promises, *, refunds_settle: bool) -> Open:
    """What is open for the longest, or `NOTHING`; an abandoned payment is nothing to wait for."""
    found = [
        *_payments(reads, promises),
        *_orders(reads, promises, refunds_settle=refunds_settle),
        *_pending(reads, promises),
    ]
    if not found:
        return NOTHING
    return max(found)


def _payments(reads: Sequence[LedgerRead], promises: Promises) -> Iterator[Open]:
    """Payments under way, money that has led to nothing yet, and money that is one too many."""
    slow = max(promises.webhook, promises.reconcile)
    transactions = {row.id: row for read in reads for row in read.transactions}
    refunded = {row.transaction for read in reads for row in read.refunds}
    orders = {name: order.id for order in _all_orders(reads) for name in order.references}
    granted = {name for grant in _grants(reads) for name in (grant.reference, grant.order) if name}
    served = {grant.customer for grant in _grants(reads)}
    sees_grants = any(read.ledger == "shop.grants" and read.complete for read in reads)
    paid = set[str]()
    for row in transactions.values():
        if row.status in UNDER_WAY:
            yield Open(slow, f"payment {row.reference} is {row.status}")
        if row.status not in CAPTURED or row.id in refunded or not sees_grants:
            continue
        order = orders.get(row.reference, row.reference)
        if order in paid or (granted.isdisjoint({order, row.reference}) and row.email in served):
            yield Open(promises.refund, f"payment {row.reference} is one too many")
        elif granted.isdisjoint({order, row.reference}):
            yield Open(slow, f"payment {row.reference} has brought nothing yet")
        paid.add(order)


def _orders(
    reads: Sequence[LedgerRead], promises: Promises, *, refunds_settle: bool
) -> Iterator[Open]:
    for order in _all_orders(reads):
        if order.state == "paid":
            yield Open(max(promises.webhook, promises.reconcile), f"order {order.id} is paid")
        if order.state == "refunding" and refunds_settle:
            yield Open(promises.refund, f"order {order.id} is being refunded")
    if refunds_settle:
        for refund in _refunds(reads):
            if refund.status in GOING_BACK:
                yield Open(promises.refund, f"refund {refund.id} is {refund.status}")


def _pending(reads: Sequence[LedgerRead], promises: Promises) -> Iterator[Open]:
    """Work that was accepted and not finished, events not delivered, ledgers not read."""
    slow = max(promises.webhook, promises.reconcile)
    for read in reads:
        if read.backlog:
            yield Open(slow, f"a backlog of {read.backlog}")
        late = [row.id for row in read.deliveries if row.status.lower() == "pending"]
        if late:
            yield Open(slow, f"{len(late)} events not delivered, among them {late[0]}")
        if not read.complete:
            yield Open(UNREAD_PATIENCE_S, f"{read.ledger} is not read: {read.reason}")


def _all_orders(reads: Sequence[LedgerRead]) -> Iterator[Order]:
    return (row for read in reads for row in read.orders)


def _grants(reads: Sequence[LedgerRead]) -> Iterator[Grant]:
    return (row for read in reads for row in read.grants)


def _refunds(reads: Sequence[LedgerRead]) -> Iterator[Refund]:
    return (row for read in reads for row in read.refunds)
