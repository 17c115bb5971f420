"""What the judge makes of a journal's payments; reports render this and nothing else."""

from typing import Literal, get_args

import msgspec

from drill.events import Event

Name = Literal[
    "ok",
    "recovered",
    "kept_after_refund",
    "refund_in_flight",
    "unfinished",
    "told_wrongly",
    "unexpected",
    "inconsistent",
    "wrong_amount",
    "refund_owed",
    "stuck",
    "lost",
    "duplicated",
    "misgranted",
    "over_refunded",
]
"""The classes of the ledger's table, the best first."""
NAMES: tuple[Name, ...] = get_args(Name)
HARMLESS: tuple[Name, ...] = NAMES[:4]
"""Those that alone do not fail a purchase; told as a number, the others with their purchases."""
EITHER_WAY = "wrong_either_way"
"""Wrong in every case that may be true, but what was read does not tell in which way."""
UNKNOWN = "unknown"
"""All purchases of which something needed was not read, or not read late enough."""


class JudgedClass(msgspec.Struct, frozen=True):
    """How many purchases a class of the ledger's table holds, and the first of them by intent."""

    name: str
    verdict: Literal["pass", "unknown", "fail"]
    count: int
    purchases: list[str] = []


class PaymentsJudged(Event, frozen=True, tag="payments_judged"):
    """
    What came of all purchases, by class; a purchase may be of several.

    *judged* are the captured ones that got a definite verdict, *exposed* those of them that met a
    fault. *at_risk* is money by currency, in subunits: what shop and customers hold against what
    was handed out, over the purchases that failed. *background* counts rows of other customers.
    """

    intended: int
    captured: int
    judged: int
    exposed: int
    classes: list[JudgedClass]
    at_risk: dict[str, int]
    sensitivity: str
    background: int
    out_of_sight: dict[str, str] = msgspec.field(default_factory=dict)
    doubts: list[str] = msgspec.field(default_factory=list)
    unexpected: list[str] = msgspec.field(default_factory=list)
