"""What the ledgers said, as the journal keeps it and as findings name it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Literal

from drill.journal import Journal
from drill.payments import Ledger
from drill.payments_judged import UNKNOWN, JudgedClass, PaymentsJudged
from drill.verdict import Verdict
from validators.ledger.judged import CLASSES, Judged, Payments, at_risk, payments_of

JOINING: tuple[Ledger, ...] = ("paystack.list", "paystack.verify", "shop.orders")
"""What tells whose a reference or an order is: unread, a row may be somebody's all the same."""
MOST_KEPT = 50
MOST_NAMED = 5
WORDS: dict[Verdict, Literal["pass", "unknown", "fail"]] = {
    Verdict.PASS: "pass",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAIL: "fail",
}


def payments_judged(journal: Journal, t: float) -> PaymentsJudged | None:
    """The record that reports render; None if no payments were planned."""
    payments = payments_of(journal)
    if payments is None:
        return None
    return PaymentsJudged(
        t=t,
        intended=len(payments.judged),
        captured=sum(each.captured for each in payments.judged),
        judged=len(payments.definite),
        exposed=payments.exposed,
        classes=list(_classes(payments)),
        at_risk=at_risk(payments),
        sensitivity=payments.sensitivity,
        background=payments.background,
        out_of_sight=dict(sorted(payments.planned.out_of_sight.items())),
        doubts=list(doubts(payments)),
        unexpected=list(payments.unexpected[:MOST_KEPT]),
    )


def _classes(payments: Payments) -> Iterator[JudgedClass]:
    """The classes that hold any purchase, the best first; all that is not known is one."""
    for verdict in (Verdict.PASS, Verdict.FAIL):
        judged = payments.of(verdict)
        for name in CLASSES:
            own = [each for each in judged if name in each.classes]
            if own:
                yield _class(name, verdict, own)
    if unknown := payments.of(Verdict.UNKNOWN):
        yield _class(UNKNOWN, Verdict.UNKNOWN, unknown)


def _class(name: str, verdict: Verdict, own: list[Judged]) -> JudgedClass:
    named = [] if verdict is Verdict.PASS else [each.purchase.key for each in own[:MOST_KEPT]]
    return JudgedClass(name=name, verdict=WORDS[verdict], count=len(own), purchases=named)


def doubts(payments: Payments) -> Iterator[str]:
    """Why the purchases that are unknown are so, and what else keeps the ledgers from a pass."""
    yield from payments.blind
    waiting: dict[str, list[Judged]] = {}
    for each in payments.of(Verdict.UNKNOWN):
        waiting.setdefault(_why(each, payments), []).append(each)
    for why, own in waiting.items():
        yield f"{len(own)} unknown, {why}: {named(own)}"
    if not any(each.captured for each in payments.judged):
        yield "nothing was captured"
    if payments.unexpected and payments.unread(*JOINING):
        yield f"{_unexplained(payments)}, but what might explain them was not read"
    wanted = payments.planned.exposures_wanted
    if payments.exposed < wanted:
        yield f"{payments.exposed} purchases met a fault, {wanted} were wanted"


def _why(each: Judged, payments: Payments) -> str:
    """Why one purchase is not known."""
    if each.classes:
        return f"{' and '.join(each.classes).replace('_', ' ')} when last read"
    unread = payments.unread(*payments.asked())
    if unread:
        return "; ".join(unread)
    if not each.funds.exact:
        return "list and verification of Paystack disagree, or changed between the readings"
    return "its rows changed between the last two readings, or could not be told apart"


def named(judged: Iterable[Judged]) -> str:
    """A few purchases by intent and reference, and how many more there are."""
    every = list(judged)
    told = ", ".join(str(each) for each in every[:MOST_NAMED])
    return f"{told} and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else told


def failures(payments: Payments) -> Iterator[str]:
    """Each class that fails, with its count and some names; the worst last class first."""
    failed = payments.of(Verdict.FAIL)
    for name in reversed(CLASSES):
        own = [each for each in failed if name in each.classes]
        if own:
            yield f"{len(own)} {name.replace('_', ' ')}: {named(own)}"
    if payments.unexpected and not payments.unread(*JOINING):
        yield _unexplained(payments)


def _unexplained(payments: Payments) -> str:
    rows = ", ".join(payments.unexpected[:MOST_NAMED])
    return f"{len(payments.unexpected)} rows of this run that no intent explains: {rows}"
