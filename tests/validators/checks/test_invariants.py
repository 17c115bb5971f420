"""Every kind of bug is named by its class and by the invariants that it breaks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from drill import payments as p
from drill.journal import Journal
from drill.verdict import Cause, Verdict
from tests.validators.ledger import journals as j
from validators.checks import IMPLIES
from validators.checks.base import CheckSpec, Finding
from validators.checks.invariants_after import StaysWithinTheCallBudget
from validators.checks.ledger import INVARIANTS, LosesNothing
from validators.ledger.judged import payments_of

PASS, UNKNOWN, FAIL = Verdict
CHECK = LosesNothing(check="loses_nothing")
KINDS: Sequence[type[CheckSpec]] = INVARIANTS


def broken(journal: Journal) -> set[str]:
    """The numbers of the invariants that fail."""
    found = set()
    for kind in KINDS:
        check = kind(check=str(kind.model_fields["check"].default))
        if check.judge(journal).verdict is FAIL:
            found.add(check.about.partition(":")[0])
    return found


def classes(journal: Journal, key: str = "i1") -> tuple[str, ...]:
    payments = payments_of(journal)
    assert payments is not None
    return next(each.classes for each in payments.judged if each.purchase.key == key)


def found(run: j.Run) -> Finding:
    return CHECK.judge(run.journal())


def sold(**changes: Any) -> j.Held:
    return replace(j.sold(1), **changes)


def second_receipt() -> list[p.Effect]:
    mail = j.sold(1).effects[0]
    return [mail, msgspec.structs.replace(mail, key="<again@shop>")]


GONE: dict[str, Any] = {"grants": [], "usable": []}
BUGS: dict[str, tuple[j.Held, str, set[str]]] = {
    "stuck": (sold(orders=[j.order(1, "paid")], **GONE), "stuck", {"I-1", "I-6", "I-8"}),
    "lost": (sold(orders=[], **GONE), "lost", {"I-1", "I-6", "I-8"}),
    "cancelled": (
        sold(orders=[j.order(1, "cancelled")], **GONE), "lost", {"I-1", "I-6", "I-8", "I-9"},
    ),
    "granted twice": (
        sold(grants=[j.grant(1), j.grant(1, attempt=5)]), "duplicated", {"I-3"},
    ),
    "two receipts": (sold(effects=second_receipt()), "duplicated", {"I-3"}),
    "charged twice": (
        sold(transactions=[j.transaction(1), j.transaction(1, attempt=1)],
             orders=[j.order(1), j.order(1, attempt=1)]),
        "duplicated", {"I-10"},
    ),
    "underpaid": (sold(transactions=[j.transaction(1, amount=100)]), "wrong_amount", {"I-4"}),
    "naira times 100 twice": (
        sold(transactions=[j.transaction(1, amount=j.PRICE * 100)]), "wrong_amount", {"I-4"},
    ),
    "never paid": (
        sold(transactions=[j.transaction(1, "abandoned")], deliveries=[]), "unexpected", {"I-2"},
    ),
    "over-refunded": (
        sold(refunds=[j.refund(1), j.refund(1, n=1)]), "over_refunded", {"I-12"},
    ),
    "fees break it": (
        sold(transactions=[msgspec.structs.replace(
            j.transaction(1, amount=j.PRICE + 7500), fees=7500)], orders=[j.order(1, "paid")],
            **GONE),
        "stuck", {"I-1", "I-4", "I-6", "I-8"},
    ),
    "a partial refund revokes": (
        sold(transactions=[j.transaction(1, "reversal-pending")],
             refunds=[j.refund(1, amount=1000)], orders=[j.order(1, "refunded")], **GONE),
        "refund_owed", {"I-12"},
    ),
    "an unknown event is answered 400": (
        sold(deliveries=[*j.sold(1).deliveries,
                         p.Delivery("d9", "invoice.create", "ref-10", "failed", 4, 400)]),
        "ok", {"I-13"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
def test_every_kind_of_bug_is_named(name: str) -> None:
    """
    What a shop does wrong is a fail of the application, with its class and its invariants.
    """
    held, expected, invariants = BUGS[name]
    run = j.healthy().but(held=held)
    finding = found(run)

    assert expected in classes(run.journal())
    assert broken(run.journal()) == invariants
    if expected != "ok":
        assert (finding.verdict, finding.cause) == (FAIL, Cause.APPLICATION)
        assert "i1 (ref-10" in finding.reason


def test_a_grant_in_other_hands_is_misgranted() -> None:
    """
    What one customer paid for and another holds is named at the one who paid.
    """
    stolen = msgspec.structs.replace(j.grant(1), customer=j.email(2))
    held = sold(grants=[stolen], usable=[])
    run = j.healthy().but(held=held, intents=[j.intent(1), j.intent(2)])

    assert "misgranted" in classes(run.journal())
    assert {"I-1", "I-2", "I-11"} <= broken(run.journal())


def test_a_replayed_reference_is_named() -> None:
    """
    An order that another customer's reference pays for was never paid.
    """
    replayed = msgspec.structs.replace(j.order(2), references=["ref-10"])
    held = j.sold(1) + j.Held(orders=[replayed], grants=[j.grant(2)])
    run = j.healthy().but(held=held, intents=[j.intent(1), j.intent(2, "replayed")])

    assert classes(run.journal(), "i2") == ("unexpected",)
    assert broken(run.journal()) == {"I-2", "I-11"}


def test_an_invariant_that_nobody_sees_is_unknown_unless_declared() -> None:
    """
    Out of sight by the owner's word it is told and does not colour; else it is unknown.
    """
    (kind,) = (each for each in KINDS if each.about.startswith("I-15"))
    check = kind(check=str(kind.model_fields["check"].default))
    silent = msgspec.structs.replace(j.PLANNED, out_of_sight={})

    assert check.judge(j.healthy().journal()).verdict is PASS
    assert check.judge(j.healthy().but(planned=silent).journal()).verdict is UNKNOWN


def counted(*counts: tuple[float, float | None]) -> Journal:
    """A run whose shop had called Paystack so often at such times."""
    sights: list[p.Ledger] = [*j.PLANNED.sights, "shop.calls"]
    planned = msgspec.structs.replace(j.PLANNED, sights=sights, out_of_sight={}, calls_limit=100)
    kept = j.readings(j.sold(1) + j.CANARIES)
    calls = [
        msgspec.structs.replace(
            j.reading("shop.calls", j.Held(), number, j.LATE_S + t),
            calls=calls,
            complete=calls is not None,
        )
        for number, (t, calls) in enumerate(counts, 1)
    ]
    return j.healthy().but(planned=planned, reads=[*kept, *calls]).journal()


@pytest.mark.parametrize(
    ("counts", "verdict", "said"),
    [
        ([(0, 40), (20, 140)], PASS, "at most 100 calls in 20 s while nobody bought"),
        ([(0, 40), (20, 141)], FAIL, "101 calls in 20 s while nobody bought, limit 100 a minute"),
        ([(0, 0), (120, 200)], PASS, "at most 200 calls in 120 s"),
        ([(0, 0), (120, 201)], FAIL, "201 calls in 120 s"),
        ([(0, 900), (20, 0)], UNKNOWN, "began anew"),
        ([(0, 0), (20, None)], UNKNOWN, "shop.calls was not read to its end"),
    ],
)
def test_calls_are_judged_by_a_minutes_limit(
    counts: list[tuple[float, float | None]], verdict: Verdict, said: str
) -> None:
    """
    The limit may be used up in a second, and no faster; a count that began anew tells nothing.
    """
    finding = StaysWithinTheCallBudget(check="stays_within_the_call_budget").judge(counted(*counts))

    assert finding.verdict is verdict
    assert said in finding.reason


@pytest.mark.parametrize("kind", KINDS)
def test_an_invariant_without_ledgers_is_unknown(kind: type[CheckSpec]) -> None:
    """
    Each invariant is named by its number and passes nothing that it could not see.
    """
    check = kind(check=str(kind.model_fields["check"].default))
    silent = msgspec.structs.replace(j.PLANNED, out_of_sight={})

    assert check.judge(j.journal([])).verdict is UNKNOWN
    assert check.judge(j.healthy().but(planned=silent, reads=[]).journal()).verdict is UNKNOWN


def test_the_invariants_are_all_implied() -> None:
    """
    Promising that nothing is lost promises I-1 to I-15, each once.
    """
    numbers = [each.about.partition(":")[0] for each in IMPLIES["loses_nothing"]]

    assert numbers == [f"I-{n}" for n in range(1, 16)]


def test_a_shop_that_is_right_breaks_no_invariant() -> None:
    """
    Each of them holds for a purchase as it should be.
    """
    assert broken(j.healthy().journal()) == set()


def test_a_forged_event_that_grants_is_named() -> None:
    """
    Nobody paid for the forged canary: what it was granted, it was granted by the forgery.
    """
    forged = j.CANARIES + j.Held(grants=[j.grant(94)])

    assert broken(j.healthy().but(canaries=forged).journal()) == {"I-5"}


@pytest.mark.parametrize(
    ("codes", "broken_by"),
    [
        ([200, 200], set()),
        ([500, 500], {"I-13"}),
        ([202], {"I-13"}),
        ([400], {"I-13"}),
        ([200, 503], set()),
        ([None], set()),
        ([401], set()),
        ([429], set()),
    ],
)
def test_only_200_ends_the_deliveries_of_an_event(
    codes: list[int | None], broken_by: set[str]
) -> None:
    """
    An event that is never acknowledged comes back for days; one that met a fault may.
    """
    refunds = [
        p.Delivery(f"r{n}", "refund.processed", "ref-10", "failed", 3, code)
        for n, code in enumerate(codes)
    ]
    run = j.healthy().but(held=sold(deliveries=[*j.sold(1).deliveries, *refunds]))

    assert broken(run.journal()) == broken_by


def test_an_event_of_the_other_domain_and_a_late_success_have_their_own_names() -> None:
    """
    What a turned domain fulfils breaks I-14, what was lost after its late success I-7.
    """
    unpaid = sold(transactions=[j.transaction(1, "abandoned")], deliveries=[])
    turned = j.healthy().but(held=unpaid, faults=j.fault("paystack.domain", "{}"), told=[])
    late = j.healthy().but(
        held=sold(orders=[j.order(1, "cancelled")], deliveries=[], **GONE),
        intents=[j.intent(1, "late_success")],
        faults=[],
    )

    assert broken(turned.journal()) == {"I-2", "I-14"}
    assert broken(late.journal()) == {"I-1", "I-7", "I-9"}


def test_what_was_read_only_in_part_leaves_the_invariants_open() -> None:
    """
    A purchase that is wrong in every case, but not in a known way, is held against none of them.
    """
    reads = [
        read for read in j.readings(sold(orders=[], **GONE) + j.CANARIES)
        if read.ledger != "shop.orders"
    ]  # fmt: skip
    run = j.healthy().but(reads=reads, told=[j.said("unsent")])

    assert "I-1" not in broken(run.journal())
