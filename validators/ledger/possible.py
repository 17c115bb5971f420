"""
What may be true of one purchase, by what was read; and what that makes it. Pure.

Every axis is the set of values that the readings leave possible. A purchase fails if it fails in
every case that may be true, passes if it passes in every one, and is unknown otherwise: what was
not read only adds cases, so that hiding a reading never makes a pass, nor a fail of anything else.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

import msgspec

from drill.payments import Effect, Grant, Order, OrderState, PaymentsPlanned, Usable
from drill.verdict import Verdict
from validators.ledger.join import Purchase
from validators.ledger.money import Funds
from validators.ledger.readings import Books
from validators.ledger.table import (
    ORDERS,
    Case,
    Class,
    Money,
    OrderIs,
    Policy,
    Told,
    classify,
    order_is,
    worst,
)

Statement = tuple[Told, bool]
"""What was told, and whether it was corrected."""
MOST_ADVANCED: tuple[OrderState, ...] = (
    "fulfilled",
    "paid",
    "refunding",
    "refunded",
    "other",
    "open",
    "cancelled",
)
TWO = 2
DOUBLED = Class("duplicated", Verdict.FAIL)


class Due(msgspec.Struct, frozen=True):
    """Which promises of the shop have run out for a purchase, on the drill's clock."""

    fulfil: bool
    refund: bool


class Axes(msgspec.Struct, frozen=True):
    """What may be true of a purchase, axis by axis."""

    told: frozenset[frozenset[Statement]]
    money: frozenset[Money]
    grants: frozenset[int]
    order: frozenset[OrderIs]
    elsewhere: frozenset[bool]
    doubled: frozenset[bool]
    due: Due


class Outcome(msgspec.Struct, frozen=True):
    """
    What a purchase is.

    *classes* are those that apply in every case that may be true, *either* those that make the
    verdict in some: it may be wrong in every case, and not in the same way.
    """

    verdict: Verdict
    classes: frozenset[Class]
    either: frozenset[Class]


def axes_of(
    purchase: Purchase, books: Books, planned: PaymentsPlanned, funds: Funds, due: Due
) -> Axes:
    """Read every axis of one purchase."""
    return Axes(
        told=told_of(purchase, funds),
        money=funds.rows,
        grants=_grants(purchase, books, planned),
        order=_order(purchase, books, funds),
        elsewhere=_elsewhere(purchase, books),
        doubled=_doubled(purchase, books, planned),
        due=due,
    )


@lru_cache(maxsize=1 << 14)
def outcome_of(axes: Axes, policy: Policy) -> Outcome:
    """The worst class of every case that may be true, and what all of them have in common."""
    found = [_classes(case, policy) for case in _cases(axes)]
    verdicts = {worst(classes) for classes in found}
    if len(verdicts) > 1:
        return Outcome(Verdict.UNKNOWN, frozenset(), frozenset())
    (verdict,) = verdicts
    return Outcome(
        verdict,
        classes=frozenset(x for x in frozenset.intersection(*found) if x.verdict is verdict),
        either=frozenset(x for x in frozenset.union(*found) if x.verdict is verdict),
    )


def _cases(axes: Axes) -> Iterator[tuple[list[Case], bool]]:
    """Each case that may be true: the table's, one for each statement, and doubled effects."""
    for told, money, grants, order, elsewhere, doubled in product(
        axes.told, axes.money, axes.grants, axes.order, axes.elsewhere, axes.doubled
    ):
        cases = [
            Case(
                told=said,
                corrected=corrected,
                money=money,
                grants=grants,
                order=order,
                elsewhere=elsewhere,
                fulfil_due=axes.due.fulfil,
                refund_due=axes.due.refund,
            )
            for said, corrected in sorted(told)
        ]
        yield cases, doubled


def _classes(cases: tuple[list[Case], bool], policy: Policy) -> frozenset[Class]:
    statements, doubled = cases
    found = frozenset[Class]().union(*(classify(case, policy) for case in statements))
    found |= {DOUBLED} if doubled else frozenset()
    if worst(found) is Verdict.PASS:
        return found
    return frozenset(each for each in found if each.name not in {"ok", "recovered"})


def told_of(purchase: Purchase, funds: Funds) -> frozenset[frozenset[Statement]]:
    """
    The statements to be tested: each definite one, else what the customer is left with.

    That a reference was refused is true while another one is captured.
    """
    certain: set[Statement] = set()
    doubtful: set[Statement] = set()
    for index, each in enumerate(purchase.told):
        corrected = _corrected(purchase, index)
        if each.said == "paid":
            certain.add(("paid", corrected))
        elif each.said == "refused":
            if not each.reference or each.reference in funds.references:
                certain.add(("refused", corrected))
            elif not funds.exact:
                doubtful.add(("refused", corrected))
    said = {each.said for each in purchase.told}
    left: Told = "never"
    if said == {"unsent"}:
        left = "unsent"
    elif said - {"never"}:
        left = "unknown"
    without = frozenset(certain or {(left, False)})
    return frozenset({without, frozenset(certain | doubtful)} if doubtful else {without})


def _corrected(purchase: Purchase, index: int) -> bool:
    """A later definite message that a mail server took, or the customer's own request."""
    said = purchase.told[index]
    for later in purchase.told[index + 1 :]:
        by_mail = later.via == "mail" and later.said in {"paid", "refused"} - {said.said}
        if later.said == "corrected" or by_mail:
            return True
    return any(asked.t >= said.t for asked in purchase.asked)


def _level(rows: Iterable[object], purchase: Purchase) -> int:
    """None, one, or more than was bought; a row may stand for several pieces."""
    pieces = sum(
        row.quantity
        for row in rows
        if isinstance(row, Grant) and row.active and row.product == purchase.product
    )
    if pieces > purchase.quantity:
        return TWO
    return 1 if pieces else 0


def _grants(purchase: Purchase, books: Books, planned: PaymentsPlanned) -> frozenset[int]:
    book = books["shop.grants"]
    levels = [_level(seen.rows.get(purchase.key, []), purchase) for seen in book.rounds.values()]
    if TWO in levels:
        return frozenset({TWO})
    final, now = book.final(purchase.key), book.now(purchase.key)
    if final is not None:
        rows = {_level(final, purchase)}
    else:
        least = 0 if now is None else _level(now, purchase)
        rows = set(range(least, TWO + 1))
    if "shop.session" not in planned.sights:
        return frozenset(rows)
    return frozenset(level for row in rows for level in _in_session(row, purchase, books))


def _in_session(level: int, purchase: Purchase, books: Books) -> set[int]:
    """The same, as the customer's own session shows it."""
    if level == TWO:
        return {TWO}
    book = books["shop.session"]
    final, now = book.final(purchase.key), book.now(purchase.key)
    seen = [
        row.usable
        for row in (now if final is None else final) or []
        if isinstance(row, Usable) and row.product == purchase.product
    ]
    if True in seen:
        return {1}
    if final is None or None in seen:
        return {0, 1}
    return {0} if False in seen else {level}


def _order(purchase: Purchase, books: Books, funds: Funds) -> frozenset[OrderIs]:
    final = books["shop.orders"].final(purchase.key)
    if final is None:
        return frozenset(ORDERS)
    orders = [row for row in final if isinstance(row, Order)]
    if not orders:
        return frozenset({"none"})
    if not funds.exact:
        return frozenset[OrderIs]().union(*(order_is(order.state) for order in orders))
    paid_for = [order for order in orders if funds.references & {*order.references}]
    states = {order.state for order in paid_for or orders}
    return order_is(min(states, key=MOST_ADVANCED.index))


def _elsewhere(purchase: Purchase, books: Books) -> frozenset[bool]:
    book = books["shop.grants"]
    if any(isinstance(row, Grant) and row.active for row in book.elsewhere(purchase.key)):
        return frozenset({True})
    return frozenset({False} if book.final(purchase.key) is not None else {False, True})


def _doubled(purchase: Purchase, books: Books, planned: PaymentsPlanned) -> frozenset[bool]:
    """Whether a receipt went out, or stock or a key was given, more often than was bought."""
    if doubled_effects(purchase, books):
        return frozenset({True})
    book = books["shop.effects"]
    unread = "shop.effects" in planned.sights and book.final(purchase.key) is None
    return frozenset({False, True} if unread else {False})


def doubled_effects(purchase: Purchase, books: Books) -> list[str]:
    """The kinds of effects of one order that any readings saw with too many distinct keys."""
    keys: dict[tuple[str, str], set[str]] = {}
    for row in books["shop.effects"].ever(purchase.key):
        if isinstance(row, Effect):
            keys.setdefault((row.kind, row.order or row.reference), set()).add(row.key)
    allowed = {"receipt": 1, "stock": purchase.quantity, "key": purchase.quantity}
    return sorted({kind for (kind, _), seen in keys.items() if len(seen) > allowed[kind]})
