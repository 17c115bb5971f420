"""The invariants of payments, I-1 to I-15: implied wherever `loses_nothing` is promised."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import ClassVar, Literal

from drill.payments import Delivery, Ledger
from drill.payments_judged import Name
from validators.checks.invariant import (
    FULFILLED,
    PAID,
    UNFULFILLED,
    Invariant,
    captured,
    cut_off,
    met,
    once_open,
    say,
    unexpected,
    unfulfilled,
)
from validators.ledger.judged import Judged, Payments
from validators.ledger.table import Money

ALL: tuple[Ledger, ...] = (*PAID, *FULFILLED)
TRIED: tuple[Ledger, ...] = (*ALL, "paystack.deliveries")
KEPT_TWICE: frozenset[Money] = frozenset({"two_kept", "two_surplus_failed"})
"""Money of one purchase that was taken twice and is not on its way back."""
NO_CAPTURE = "nothing was captured"


class FulfilsEachCapture(Invariant):
    """Every capture becomes one fulfilled order in the promised time."""

    about: ClassVar[str] = "I-1: every capture becomes a fulfilled order in the promised time"
    check: Literal["fulfils_each_capture"] = "fulfils_each_capture"
    number: ClassVar[str] = "I-1"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = NO_CAPTURE
    waits: ClassVar[frozenset[Name]] = UNFULFILLED

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return captured(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from say("lost", (x for x in captured(payments) if x.failed("lost")))
        yield from say("stuck", (x for x in captured(payments) if x.failed("stuck")))


class FulfilsOnlyWhatIsPaid(Invariant):
    """No order is fulfilled without a success of its own reference."""

    about: ClassVar[str] = "I-2: nothing is fulfilled without a success of its own reference"
    check: Literal["fulfils_only_what_is_paid"] = "fulfils_only_what_is_paid"
    number: ClassVar[str] = "I-2"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = "everybody paid"

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return (each for each in payments.judged if not each.captured)

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from say("fulfilled unpaid", unexpected(payments.judged))


class RepeatsChangeNothing(Invariant):
    """One event, however often and at once it comes, is one grant, receipt and piece of stock."""

    about: ClassVar[str] = "I-3: an event that comes again grants, mails and books nothing again"
    check: Literal["repeats_change_nothing"] = "repeats_change_nothing"
    number: ClassVar[str] = "I-3"
    needs: ClassVar[tuple[Ledger, ...]] = (*ALL, "shop.effects")
    untested: ClassVar[str] = NO_CAPTURE

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return captured(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        doubled = [each for each in payments.judged if each.axes.doubled == {True}]
        granted = [
            each
            for each in payments.judged
            if each.axes.grants == {2} and each.axes.money.isdisjoint(KEPT_TWICE)
        ]
        yield from say("granted twice", granted)
        yield from say("with a receipt, key or stock taken twice", doubled)


class TakesTheRightAmount(Invariant):
    """What was paid is the list's price, fees aside; less never fulfils, fees never prevent it."""

    about: ClassVar[str] = "I-4: amount and currency are the price list's, whatever the order says"
    check: Literal["takes_the_right_amount"] = "takes_the_right_amount"
    number: ClassVar[str] = "I-4"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = NO_CAPTURE

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return captured(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        wrong = (each for each in payments.judged if each.failed("wrong_amount"))
        with_fees = [
            each
            for each in unfulfilled(captured(payments))
            if not each.funds.short and any(x.amount > _price(each, payments) for x in
                                            each.funds.captures)
        ]  # fmt: skip
        yield from say("fulfilled for a wrong amount", wrong)
        yield from say("lost though paid with the fees", with_fees)


def _price(each: Judged, payments: Payments) -> int:
    prices = {price.product: price.amount for price in payments.planned.prices}
    return prices.get(each.purchase.product, 0) * each.purchase.quantity


class RefusesForgedEvents(Invariant):
    """An event with a wrong signature changes nothing."""

    about: ClassVar[str] = "I-5: a forged event changes nothing"
    check: Literal["refuses_forged_events"] = "refuses_forged_events"
    number: ClassVar[str] = "I-5"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = "no forged event was sent"

    def _forged(self, payments: Payments) -> list[Judged]:
        canaries = [each for each in payments.canaries if each.purchase.canary == "forged"]
        return [*canaries, *met(payments.judged, "forged")]

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return self._forged(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from say("fulfilled by a forged event", unexpected(self._forged(payments)))


class KeepsWhatItAcknowledges(Invariant):
    """An event that was acknowledged is kept, whatever dies afterwards."""

    about: ClassVar[str] = "I-6: an event that was acknowledged is never lost"
    check: Literal["keeps_what_it_acknowledges"] = "keeps_what_it_acknowledges"
    number: ClassVar[str] = "I-6"
    needs: ClassVar[tuple[Ledger, ...]] = TRIED
    untested: ClassVar[str] = "no event of a capture was acknowledged"
    waits: ClassVar[frozenset[Name]] = UNFULFILLED

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return (
            each
            for each in captured(payments)
            if any(_acknowledged(x) for x in each.deliveries if x.event == "charge.success")
        )

    def broken(self, payments: Payments) -> Iterator[str]:
        lost = unfulfilled(self.concerned(payments))
        yield from say("lost though their event was acknowledged", lost)


def _acknowledged(delivery: Delivery) -> bool:
    return delivery.code == HTTPStatus.OK


class WaitsForLateSuccess(Invariant):
    """A state before success is never final: what succeeds later is fulfilled."""

    about: ClassVar[str] = "I-7: abandoned or pending is never final; a late success is fulfilled"
    check: Literal["waits_for_late_success"] = "waits_for_late_success"
    number: ClassVar[str] = "I-7"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = "no success was seen to come late"
    waits: ClassVar[frozenset[Name]] = UNFULFILLED

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return once_open(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        yield from say("lost after a late success", unfulfilled(once_open(payments)))


class StaysPendingInDoubt(Invariant):
    """While Paystack gives no clear answer an order stays pending, and recovers afterwards."""

    about: ClassVar[str] = "I-8: with no clear answer from Paystack an order waits, and recovers"
    check: Literal["stays_pending_in_doubt"] = "stays_pending_in_doubt"
    number: ClassVar[str] = "I-8"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = "no capture met a fault between the shop and Paystack"
    waits: ClassVar[frozenset[Name]] = UNFULFILLED

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return cut_off(captured(payments))

    def broken(self, payments: Payments) -> Iterator[str]:
        lost = unfulfilled(self.concerned(payments))
        yield from say("lost while Paystack gave no clear answer", lost)


class NeverDropsAPaidOrder(Invariant):
    """An order that Paystack calls paid is not cancelled, or it is refunded or reinstated."""

    about: ClassVar[str] = "I-9: a paid order is never cancelled, or it is refunded or reinstated"
    check: Literal["never_drops_a_paid_order"] = "never_drops_a_paid_order"
    number: ClassVar[str] = "I-9"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = NO_CAPTURE
    waits: ClassVar[frozenset[Name]] = UNFULFILLED | {"refund_owed"}

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return captured(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        dropped = (
            each
            for each in captured(payments)
            if each.failed("lost", "stuck", "refund_owed", "inconsistent") and _cancelled(each)
        )
        yield from say("paid, cancelled and neither refunded nor reinstated", dropped)


def _cancelled(each: Judged) -> bool:
    return any(
        order.state == "cancelled" or "cancelled" in (order.history or []) for order in each.orders
    )


class ChargesEachPurchaseOnce(Invariant):
    """However often anybody tries, money is taken once, or the surplus is given back."""

    about: ClassVar[str] = "I-10: no purchase is charged twice, or the surplus is refunded"
    check: Literal["charges_each_purchase_once"] = "charges_each_purchase_once"
    number: ClassVar[str] = "I-10"
    needs: ClassVar[tuple[Ledger, ...]] = (*ALL, "paystack.refunds")
    untested: ClassVar[str] = NO_CAPTURE
    waits: ClassVar[frozenset[Name]] = frozenset({"duplicated", "refund_owed"})

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return captured(payments)

    def broken(self, payments: Payments) -> Iterator[str]:
        twice = (
            each
            for each in captured(payments)
            if each.axes.money <= KEPT_TWICE and each.failed("duplicated", "refund_owed", "lost")
        )
        yield from say("charged twice, and the surplus kept", twice)


class KeepsPurchasesApart(Invariant):
    """What one order's reference pays for goes to that order and its customer."""

    about: ClassVar[str] = "I-11: a reference never pays another order, nor grants to anyone else"
    check: Literal["keeps_purchases_apart"] = "keeps_purchases_apart"
    number: ClassVar[str] = "I-11"
    needs: ClassVar[tuple[Ledger, ...]] = ALL
    untested: ClassVar[str] = "nobody bought anything"

    def concerned(self, payments: Payments) -> Iterable[Judged]:
        return payments.judged

    def broken(self, payments: Payments) -> Iterator[str]:
        owners = {
            reference: each.purchase.key
            for each in payments.judged
            for reference in each.funds.references
        }
        replayed = (
            each
            for each in unexpected(payments.judged)
            if any(
                owners.get(reference, each.purchase.key) != each.purchase.key
                for order in each.orders
                for reference in order.references
            )
        )
        yield from say(
            "granted to somebody else", (x for x in payments.judged if x.failed("misgranted"))
        )
        yield from say("fulfilled with another's reference", replayed)


INVARIANTS: tuple[type[Invariant], ...] = (
    FulfilsEachCapture,
    FulfilsOnlyWhatIsPaid,
    RepeatsChangeNothing,
    TakesTheRightAmount,
    RefusesForgedEvents,
    KeepsWhatItAcknowledges,
    WaitsForLateSuccess,
    StaysPendingInDoubt,
    NeverDropsAPaidOrder,
    ChargesEachPurchaseOnce,
    KeepsPurchasesApart,
)
