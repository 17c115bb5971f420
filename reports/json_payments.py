"""The part `payments` of `report.json`."""

from drill.payments_judged import EITHER_WAY, HARMLESS, NAMES, UNKNOWN, PaymentsJudged
from reports.json_incident import Strict


class Payments(Strict, frozen=True):
    """
    What came of all purchases.

    *classes* holds a number for each class that harms nobody, and for every other the intents, at
    most fifty of them; *counts* has the number of each class that holds any. *amount_at_risk* is in
    subunits by currency.
    """

    intended: int
    captured: int
    judged: int
    exposed: int
    classes: dict[str, int | list[str]]
    counts: dict[str, int]
    amount_at_risk: dict[str, int]
    sensitivity: str
    background: int
    unexpected: list[str]
    out_of_sight: dict[str, str]
    doubts: list[str]


def payments(judged: PaymentsJudged | None) -> Payments | None:
    """Turn the judge's record into the published schema; None if nobody was to buy anything."""
    if judged is None:
        return None
    classes: dict[str, int | list[str]] = dict.fromkeys(HARMLESS, 0)
    classes |= {name: [] for name in (*NAMES, EITHER_WAY, UNKNOWN) if name not in HARMLESS}
    for each in judged.classes:
        classes[each.name] = each.count if each.verdict == "pass" else each.purchases
    return Payments(
        intended=judged.intended,
        captured=judged.captured,
        judged=judged.judged,
        exposed=judged.exposed,
        classes=classes,
        counts={each.name: each.count for each in judged.classes},
        amount_at_risk=judged.at_risk,
        sensitivity=judged.sensitivity,
        background=judged.background,
        unexpected=judged.unexpected,
        out_of_sight=judged.out_of_sight,
        doubts=judged.doubts,
    )
