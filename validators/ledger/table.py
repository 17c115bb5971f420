"""
The class table: what one purchase is, for every combination of its axes. Pure.

A row a state of the money, a column a number of grants; every class that applies is listed and
the worst wins. Where the table says `F when due, U before`, the class carries that verdict.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, get_args

import msgspec

from drill.payments import OrderState
from drill.payments_judged import Name
from drill.verdict import Verdict

Told = Literal["unsent", "paid", "refused", "unknown", "never"]
Money = Literal[
    "none",  # no reference, an unknown one, or a failed one
    "open",  # abandoned, pending, ongoing, processing, queued: may still be charged
    "short_kept",  # less than the price, more without a reason, or another currency
    "short_in_flight",
    "short_refunded",
    "one",
    "one_partly_refunded",
    "one_in_flight",
    "one_failed",  # its refund failed or needs attention
    "one_refunded",
    "two_kept",
    "two_surplus_in_flight",
    "two_surplus_failed",
    "two_surplus_refunded",
    "two_both_refunded",
    "over_refunded",
]
OrderIs = Literal["none", "open", "paid", "fulfilled", "cancelled", "refunding", "refunded"]
MONEY: tuple[Money, ...] = get_args(Money)
TOLD: tuple[Told, ...] = get_args(Told)
ORDERS: tuple[OrderIs, ...] = get_args(OrderIs)
UNCAPTURED: frozenset[Money] = frozenset({"none", "open"})
GRANTS = (0, 1, 2)
"""Two stands for two or more."""
P, U, F = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL


class Class(msgspec.Struct, frozen=True, order=True):
    """What a purchase is, and what follows from it."""

    name: Name
    verdict: Verdict


class Policy(msgspec.Struct, frozen=True):
    """What an environment decides: whether a refund takes the grant, and ever leaves `pending`."""

    refund_revokes: bool = False
    refunds_settle: bool = True


class Case(msgspec.Struct, frozen=True):
    """
    One purchase on all axes.

    *corrected* is of what was *told*; *elsewhere*: what was bought is in other hands as well;
    *fulfil_due* and *refund_due*: that promise of the shop has run out.
    """

    told: Told
    money: Money
    grants: int
    order: OrderIs
    corrected: bool = False
    elsewhere: bool = False
    fulfil_due: bool = False
    refund_due: bool = False

    @property
    def captured(self) -> bool:
        """Whether money was taken, be it given back or not."""
        return self.money not in UNCAPTURED

    @property
    def misled(self) -> bool:
        """Whether the customer holds a definite word that nobody corrected."""
        return self.told in {"paid", "refused"} and not self.corrected


Row = Callable[[Case, Policy], Iterator[Class]]


@lru_cache(maxsize=1 << 17)
def classify(case: Case, policy: Policy) -> frozenset[Class]:
    """Every class that applies; never empty. `ok` and `recovered` only where nothing is wrong."""
    found = {*_ROWS[case.money](case, policy), *_beside(case)}
    if any(each.verdict is not P for each in found):
        found = {each for each in found if each.name not in {"ok", "recovered"}}
    return frozenset(found)


def worst(classes: frozenset[Class]) -> Verdict:
    """The worst verdict among classes that apply."""
    return max(each.verdict for each in classes)


def _when(due: bool) -> Verdict:  # noqa: FBT001 - reads as the table: F when due, U before
    return F if due else U


def _beside(case: Case) -> Iterator[Class]:
    """What applies whatever the row."""
    if case.grants > 1:
        yield Class("duplicated", F)
    if case.elsewhere:
        yield Class("misgranted", F)
    if case.captured and case.told == "unsent" and case.grants < max(GRANTS):
        yield Class("unexpected", F)
    # "You were not charged" is refuted by the capture alone (rule 1 of the evidence).
    if case.captured and case.told == "refused" and not case.corrected:
        yield Class("told_wrongly", F)


def _uncaptured(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants:
        yield Class("unexpected", F)
        if case.grants == 1 and case.money == "none" and case.told == "paid":
            yield Class("told_wrongly", F)
        return
    if case.told == "paid":
        yield Class("told_wrongly", F)
    if case.order in {"paid", "fulfilled"}:
        yield Class("unexpected", F)
    if case.order in {"refunding", "refunded"}:
        yield Class("inconsistent", F)
    yield Class("ok", P)


def _short(case: Case, policy: Policy) -> Iterator[Class]:
    if case.grants:
        yield Class("wrong_amount", F)
        return
    kept = case.money == "short_kept"
    if kept:
        yield Class("refund_owed", _when(case.refund_due))
        if case.order == "fulfilled":
            yield Class("wrong_amount", F)
    elif case.money == "short_in_flight":
        yield _in_flight(policy)
    else:
        yield Class("recovered", P)
    if case.misled or (kept and case.told in {"paid", "refused"}):
        yield Class("told_wrongly", F)


def _in_flight(policy: Policy) -> Class:
    """In real test mode refunds stay pending for ever: there it is a note."""
    return Class("refund_in_flight", U if policy.refunds_settle else P)


def _without_grant(case: Case, before: Verdict | None = None) -> Class:
    """One capture and no grant; *before* replaces the wait for the promise."""
    fulfil = _when(case.fulfil_due) if before is None else before
    if case.order in {"open", "paid"}:
        return Class("stuck", fulfil)
    if case.order == "none":
        return Class("lost", fulfil)
    if case.order == "refunding":
        return Class("refund_owed", _when(case.refund_due) if before is None else before)
    if case.order == "refunded":
        return Class("refund_owed", F)
    return Class("lost", F)


def _one(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield _without_grant(case)
    elif case.grants == 1 and case.order == "fulfilled":
        yield Class("ok" if case.told == "paid" else "recovered", P)
    elif case.grants == 1:
        unfinished = case.order in {"open", "paid"}
        yield Class("unfinished", U) if unfinished else Class("inconsistent", F)


def _one_in_flight(case: Case, policy: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield _in_flight(policy)
        if case.misled:
            yield Class("told_wrongly", F)
    elif case.grants == 1:
        # Until the money is back, a shop that revokes need not have revoked: noted, never failed.
        yield Class("kept_after_refund", P)
        yield _in_flight(policy)


def _one_failed(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants < max(GRANTS):
        yield Class("refund_owed", F)


def _refunded(case: Case, policy: Policy) -> Iterator[Class]:
    if case.grants == 1:
        yield Class("kept_after_refund", F if policy.refund_revokes else P)
    elif case.grants == 0:
        yield Class("recovered", P)
        if case.misled:
            yield Class("told_wrongly", F)
        if case.order in {"open", "paid"}:
            yield Class("unfinished", U)
        if case.order == "fulfilled":
            yield Class("inconsistent", F)


def _two_kept(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield Class("lost", F)
        yield Class("duplicated", F)
    elif case.grants == 1:
        yield Class("duplicated", _when(case.refund_due))


def _two_surplus_in_flight(case: Case, policy: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield _without_grant(case, before=F)
    elif case.grants == 1:
        yield _in_flight(policy)


def _two_surplus_failed(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield Class("lost", F)
    if case.grants < max(GRANTS):
        yield Class("refund_owed", F)


def _two_surplus_refunded(case: Case, _: Policy) -> Iterator[Class]:
    if case.grants == 0:
        yield Class("stuck" if case.order in {"open", "paid"} else "lost", F)
    elif case.grants == 1:
        yield Class("recovered", P)


def _over_refunded(*_: Case | Policy) -> Iterator[Class]:
    yield Class("over_refunded", F)


_ROWS: dict[Money, Row] = {
    "none": _uncaptured,
    "open": _uncaptured,
    "short_kept": _short,
    "short_in_flight": _short,
    "short_refunded": _short,
    "one": _one,
    "one_partly_refunded": _one,
    "one_in_flight": _one_in_flight,
    "one_failed": _one_failed,
    "one_refunded": _refunded,
    "two_kept": _two_kept,
    "two_surplus_in_flight": _two_surplus_in_flight,
    "two_surplus_failed": _two_surplus_failed,
    "two_surplus_refunded": _two_surplus_refunded,
    "two_both_refunded": _refunded,
    "over_refunded": _over_refunded,
}


def order_is(state: OrderState) -> frozenset[OrderIs]:
    """The states of the table that a shop's state may stand for; `other` may be any."""
    return frozenset(ORDERS) - {"none"} if state == "other" else frozenset({state})
