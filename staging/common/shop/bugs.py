"""
Bugs that may be planted into the shop, to see that a drill finds them; none by default.

Each is one small deviation, asked for by its name where the code would go wrong, and told in
staging/bugs.md. The shop says at its start and at /api/version which are planted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from common import settings

log = logging.getLogger(__name__)

VARIABLE = "PLANTED_BUGS"
# In the order of their numbers, which begin with 1.
Bug = Literal[
    "no_signature_check",
    "reserialised_signature",
    "envelope_trusted",
    "redirect_trusted",
    "amount_unchecked",
    "amount_must_be_equal",
    "currency_unchecked",
    "hundredfold_price",
    "no_dedupe",
    "select_then_insert",
    "seen_before_done",
    "acknowledged_before_stored",
    "job_acknowledged_first",
    "effects_on_redo",
    "cancelled_unverified",
    "success_after_cancel_ignored",
    "unavailable_is_failed",
    "abandoned_is_final",
    "new_reference_on_timeout",
    "order_each_tab",
    "grant_to_session",
    "reference_replayed",
    "not_charged_on_lost_answer",
    "paid_before_verified",
    "refund_sent_again",
    "partial_refund_revokes",
    "refund_needs_reference",
    "unknown_event_refused",
    "other_domain_fulfils",
    "polling_without_budget",
]
NAMES: tuple[Bug, ...] = get_args(Bug)

ONE_GRANT = ("grants_order_id_key", "grants_reference_key", "one_pass_each")
# The unique indexes that would make a bug impossible; they are not there while it is planted.
IN_THE_WAY: Mapping[Bug, tuple[str, ...]] = {
    "no_dedupe": ONE_GRANT,
    "select_then_insert": ONE_GRANT,
    "order_each_tab": ("one_live_order_each", "one_open_order_each", "one_pass_each"),
    "grant_to_session": ("one_live_order_each", "one_open_order_each", "one_pass_each"),
    "reference_replayed": ("orders_paid_reference_key", "grants_reference_key"),
}


@dataclass(frozen=True)
class Bugs:
    """Which bugs are planted."""

    names: frozenset[Bug] = frozenset()

    def planted(self, *names: Bug) -> bool:
        """Whether any of these is."""
        return not self.names.isdisjoint(names)

    @property
    def listed(self) -> list[Bug]:
        """All of them, by number."""
        return [name for name in NAMES if name in self.names]

    @property
    def dropped(self) -> frozenset[str]:
        """The indexes that are in their way."""
        return frozenset(index for name in self.names for index in IN_THE_WAY.get(name, ()))


def read(text: str) -> Bugs:
    """
    Numbers or names, separated by commas.

    Raises:
        SystemExit: for what is neither.
    """
    known: dict[str, Bug] = {name: name for name in NAMES}
    known |= {str(number): name for number, name in enumerate(NAMES, 1)}
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in wanted if word not in known]
    if unknown:
        raise SystemExit(f"{VARIABLE}: no such bug: {', '.join(unknown)} (staging/bugs.md)")
    return Bugs(frozenset(known[word] for word in wanted))


@cache
def current() -> Bugs:
    """Those of this container, as its environment says."""
    return read(settings.text(VARIABLE, ""))


def planted(*names: Bug) -> bool:
    """Whether any of these is planted in this container."""
    return current().planted(*names)


def announce() -> None:
    """Say loudly what is planted; called first of all, so that a wrong name ends the service."""
    for name in current().listed:
        log.critical("PLANTED BUG %d: %s", NAMES.index(name) + 1, name)
