"""When a purchase was exposed to a fault, and how rare a loss could have hidden. Pure."""

import msgspec

from drill.events import FaultChange, Planned, PlannedFault
from drill.journal import Journal
from drill.payments import Grant, PaymentsPlanned, Transaction
from validators.ledger.join import Purchase
from validators.ledger.money import CAPTURED
from validators.ledger.possible import Due
from validators.ledger.readings import Books

CONFIDENCE = 0.95
OVER = ("healing", "healed", "gone_with_target")
"""States that end a fault's time in force; the last of each kind counts."""


class Spell(msgspec.Struct, frozen=True):
    """A fault's time in force, as far as it was proven."""

    fault: PlannedFault
    start: float
    end: float


class Faults(msgspec.Struct, frozen=True):
    """All faults: when each was in force, and when the last was healed; None if one was not."""

    spells: tuple[Spell, ...]
    healed: float | None


def faults_of(journal: Journal) -> Faults:
    """Read the faults' lives."""
    spells, healed, all_healed = [], [0.0], True
    planned = journal.first(Planned)
    for fault in planned.faults if planned else []:
        times: dict[str, float] = {}
        for change in journal.every(FaultChange):
            if change.id == fault.id and (change.state in OVER or change.state not in times):
                times[change.state] = change.t
        if "intent" not in times:
            continue
        over = [times[state] for state in ("healed", "gone_with_target") if state in times]
        healed += over
        all_healed = all_healed and bool(over)
        ends = [times[state] for state in OVER if state in times]
        if "effective" in times:
            spells.append(Spell(fault, times["effective"], min(ends, default=float("inf"))))
    return Faults(tuple(spells), max(healed) if all_healed else None)


def met_by(purchase: Purchase, books: Books, faults: Faults) -> tuple[PlannedFault, ...]:
    """The faults in force between its first byte and the first sight of its grant or `paid`."""
    if purchase.begun is None:
        return ()
    end = _first_good(purchase, books)
    return tuple(
        spell.fault for spell in faults.spells if spell.start < end and spell.end > purchase.begun
    )


def _first_good(purchase: Purchase, books: Books) -> float:
    told = [each.t for each in purchase.told if each.said == "paid"]
    seen = [
        each.t
        for each in books["shop.grants"].rounds.values()
        if any(isinstance(x, Grant) and x.active for x in each.rows.get(purchase.key, []))
    ]
    return min([*told, *seen], default=float("inf"))


def due_of(purchase: Purchase, books: Books, faults: Faults, planned: PaymentsPlanned) -> Due:
    """Which promises ran out before the ledgers were read for the last time."""
    success = [each.t for each in purchase.told if each.said == "paid"]
    for ledger in (books["paystack.list"], books["paystack.verify"]):
        for seen in ledger.rounds.values():
            rows = seen.rows.get(purchase.key, [])
            if any(isinstance(row, Transaction) and row.status in CAPTURED for row in rows):
                success.append(seen.t)
    if not success or faults.healed is None:
        return Due(fulfil=False, refund=False)
    start = max(min(success), faults.healed)
    granted, refunded = books["shop.grants"].t, books["paystack.refunds"].t
    promise = max(planned.webhook_s, planned.reconcile_s)
    return Due(
        fulfil=granted is not None and granted - start >= promise,
        refund=refunded is not None and refunded - start >= planned.refund_s,
    )


def hidden_one_in(exposed: int) -> int | None:
    """The rarest loss, as 1 in so many, that this many exposed purchases show; None for none."""
    if exposed < 1:
        return None
    rate: float = 1 - (1 - CONFIDENCE) ** (1 / exposed)
    return max(1, round(1 / rate))


def sensitivity(judged: int, exposed: int) -> str:
    """How rare a loss could have hidden, as a sentence."""
    rare = hidden_one_in(exposed)
    if rare is None:
        return f"{judged} judged, none exposed: any loss could have hidden"
    told = f"{judged} judged, {exposed} exposed"
    return f"{told}: a loss rarer than 1 in {rare} could have hidden ({CONFIDENCE:.0%})".replace(
        "%", " %"
    )
