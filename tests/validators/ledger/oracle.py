"""
The class table once more, transcribed cell by cell and read by a few lines of their own.

Written from the specification alone and importing nothing of ours, so that a mistake would have to
be made twice. A cell lists entries `conditions: class verdict`, of which every one that applies
counts; `else` is for when none before it did. Verdicts: P, U, F; D is F when the promise to fulfil
has run out, R when the promise to refund has, each U before; S is U, or P where refunds never
settle; N is a note, or F where a refund revokes.
"""

from collections.abc import Iterator
from itertools import product

TOLD = ("unsent", "paid", "refused", "unknown", "never")
ORDERS = ("none", "open", "paid", "fulfilled", "cancelled", "refunding", "refunded")
NO_GRANT_OF_ONE = """order none: lost D. order cancelled fulfilled: lost F.
 order open paid: stuck D. order refunding: refund_owed R. order refunded: refund_owed F"""
ONE_GRANT_OF_ONE = """order fulfilled, told paid: ok P.
 order fulfilled, told unknown never: recovered P.
 order fulfilled, told refused, corrected: recovered P.
 order fulfilled, told refused, uncorrected: told_wrongly F. order open paid: unfinished U.
 order none cancelled refunding refunded: inconsistent F"""
NO_GRANT_OF_REFUNDED = """recovered P. told paid refused, uncorrected: told_wrongly F.
 order open paid: unfinished U. order fulfilled: inconsistent F"""

# money: no grant | one grant | two or more
TABLE = {
    "none": (
        """told paid: told_wrongly F. order paid fulfilled: unexpected F.
           order refunding refunded: inconsistent F. else: ok P""",
        "unexpected F. told paid: told_wrongly F",
        "unexpected F. duplicated F",
    ),
    "open": (
        """told paid: told_wrongly F. order paid fulfilled: unexpected F.
           order refunding refunded: inconsistent F. else: ok P""",
        "unexpected F",
        "unexpected F. duplicated F",
    ),
    "short_kept": (
        "refund_owed R. order fulfilled: wrong_amount F. told paid refused: told_wrongly F",
        "wrong_amount F",
        "wrong_amount F. duplicated F",
    ),
    "short_in_flight": (
        "refund_in_flight S. told paid refused, uncorrected: told_wrongly F",
        "wrong_amount F",
        "wrong_amount F. duplicated F",
    ),
    "short_refunded": (
        "recovered P. told paid refused, uncorrected: told_wrongly F",
        "wrong_amount F",
        "wrong_amount F. duplicated F",
    ),
    "one": (NO_GRANT_OF_ONE, ONE_GRANT_OF_ONE, "duplicated F"),
    "one_partly_refunded": (NO_GRANT_OF_ONE, ONE_GRANT_OF_ONE, "duplicated F"),
    "one_in_flight": (
        "refund_in_flight S. told paid refused, uncorrected: told_wrongly F",
        "kept_after_refund P. refund_in_flight S",
        "duplicated F",
    ),
    "one_failed": ("refund_owed F", "refund_owed F", "duplicated F"),
    "one_refunded": (NO_GRANT_OF_REFUNDED, "kept_after_refund N", "duplicated F"),
    "two_kept": ("lost F. duplicated F", "duplicated R", "duplicated F"),
    "two_surplus_in_flight": (
        """order none cancelled fulfilled: lost F. order open paid: stuck F.
           order refunding refunded: refund_owed F""",
        "refund_in_flight S",
        "duplicated F",
    ),
    "two_surplus_failed": ("lost F. refund_owed F", "refund_owed F", "duplicated F"),
    "two_surplus_refunded": (
        "order open paid: stuck F. order none cancelled fulfilled refunding refunded: lost F",
        "recovered P",
        "duplicated F",
    ),
    "two_both_refunded": (NO_GRANT_OF_REFUNDED, "kept_after_refund N", "duplicated F"),
    "over_refunded": ("over_refunded F", "over_refunded F", "over_refunded F. duplicated F"),
}
ELSEWHERE = "misgranted F"
UNSENT_AND_ANY_CAPTURE = ("unexpected F", "unexpected F", "")
# The evidence's first rule: that nobody was charged is refuted by any capture.
REFUSED_AND_ANY_CAPTURE = "told refused, uncorrected: told_wrongly F"
FLAGS = ("corrected", "elsewhere", "fulfil_due", "refund_due", "refund_revokes", "refunds_settle")


Case = dict[str, str | int | bool]


def everything() -> Iterator[Case]:
    """The whole space, each case as a dictionary."""
    for told, money, grants, order in product(TOLD, TABLE, (0, 1, 2), ORDERS):
        for flags in product((False, True), repeat=len(FLAGS)):
            yield {
                "told": told, "money": money, "grants": grants, "order": order,
                **dict(zip(FLAGS, flags, strict=True)),
            }  # fmt: skip


def expected(case: Case) -> set[tuple[str, str]]:
    """The classes of one case, as pairs of name and P, U or F."""
    money, grants = str(case["money"]), int(case["grants"])
    cells = [TABLE[money][grants]]
    if case["elsewhere"]:
        cells.append(ELSEWHERE)
    if money not in ("none", "open"):
        cells.append(REFUSED_AND_ANY_CAPTURE)
        if case["told"] == "unsent":
            cells.append(UNSENT_AND_ANY_CAPTURE[grants])
    found = {entry for cell in cells for entry in read(cell, case)}
    if any(verdict != "P" for _, verdict in found):
        found = {pair for pair in found if pair[0] not in ("ok", "recovered")}
    return found


def read(cell: str, case: Case) -> list[tuple[str, str]]:
    """The entries of one cell that apply."""
    found: list[tuple[str, str]] = []
    for entry in filter(None, (part.strip() for part in cell.split("."))):
        conditions, _, outcome = entry.rpartition(":")
        name, letter = outcome.split()
        if conditions.strip() == "else":
            applies = not found
        else:
            applies = all(holds(each.split(), case) for each in conditions.split(",") if each)
        if applies:
            found.append((name, letter_of(letter, case)))
    return found


def holds(condition: list[str], case: Case) -> bool:
    """Whether one condition is true: a flag, or an axis with its values."""
    first, *values = condition
    if first == "uncorrected":
        return not case["corrected"]
    if first == "corrected":
        return bool(case["corrected"])
    return case[first] in values


def letter_of(letter: str, case: Case) -> str:
    """P, U or F."""
    if letter == "D":
        return "F" if case["fulfil_due"] else "U"
    if letter == "R":
        return "F" if case["refund_due"] else "U"
    if letter == "S":
        return "U" if case["refunds_settle"] else "P"
    if letter == "N":
        return "F" if case["refund_revokes"] else "P"
    return letter
