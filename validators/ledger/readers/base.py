"""What a reader of the shop is, and how its rows become ours."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeVar, get_args

import msgspec

from drill.payments import Effect, Grant, Order, OrderState
from validators.ledger.reading import Reading, Unread

Sight = Literal["orders", "history", "grants", "grant_count", "effects", "refunds", "backlog"]
Cells = Mapping[str, object]
S = TypeVar("S", bound=msgspec.Struct)
KNOWN_STATES = get_args(OrderState)
OTHER_NAMES = {"order_id": "order"}
TEXTS = frozenset({"id", "customer", "product", "currency", "order", "reference", "key"})
"""Shops number what we name."""


class ShopReader(Protocol):
    """
    Reads the shop, and never writes it.

    It raises nothing for a shop that cannot be read: the reading says so.
    """

    @property
    def sights(self) -> frozenset[Sight]:
        """What it can see here."""

    def at_once(self) -> AbstractAsyncContextManager[None]:
        """All that is read inside is of one moment, where the shop can give that."""

    async def clock(self) -> str:
        """The shop's own clock, a label; empty if it cannot be read."""

    async def orders(self, run: str) -> Reading[Order]:
        """Every order, of whomever."""

    async def grants(self, run: str) -> Reading[Grant]:
        """Everything that was granted, to whomever."""

    async def effects(self, run: str) -> Reading[Effect]:
        """What happened because of grants."""

    async def backlog(self) -> int | None:
        """How much the shop has accepted and not finished; None if it cannot be told."""

    async def close(self) -> None:
        """Give back what it holds."""


def unseen(source: str) -> Reading[S]:
    """A reading of what a reader cannot see."""
    return Reading(rows=(), complete=False, source=source, reason="this reader cannot see it")


def read_rows(
    cells: Sequence[Cells], kind: type[S], states: Mapping[str, str]
) -> tuple[tuple[S, ...], str]:
    """
    Rows as ours.

    Args:
        cells: What each row holds, by our names.
        kind: `Order`, `Grant` or `Effect`.
        states: The shop's own words for states of orders.

    Returns:
        The rows that could be read, and what is wrong with the others, if anything.
    """
    rows: list[S] = []
    bad: list[str] = []
    for each in cells:
        try:
            rows.append(_row(each, kind, states))
        except msgspec.ValidationError as error:
            bad.append(str(error))
    return tuple(rows), f"{len(bad)} rows cannot be read, the first: {bad[0]}" if bad else ""


def _row(cells: Cells, kind: type[S], states: Mapping[str, str]) -> S:
    fields = {
        OTHER_NAMES.get(name, name): _plain(value)
        for name, value in cells.items()
        if value is not None
    }
    for name in TEXTS.intersection(fields):
        fields[name] = str(fields[name])
    if (references := fields.get("references")) is not None:
        several = references if isinstance(references, list) else [references]
        fields["references"] = [str(each) for each in several]
    if isinstance(customer := fields.get("customer"), str):
        fields["customer"] = customer.strip().lower()
    if kind is Order and "state" in fields:
        raw = str(fields["state"])
        state = states.get(raw, raw)
        fields |= {"state": state if state in KNOWN_STATES else "other", "raw_state": raw}
    return msgspec.convert(fields, kind, strict=False)


def _plain(value: object) -> object:
    """A cell as JSON has it; ids of whatever kind are text for us."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value if item is not None]
    return value


def at_pointer(body: object, pointer: str) -> object:
    """
    What is at a JSON pointer (RFC 6901); None if there is nothing.

    Raises:
        Unread: It is no pointer.
    """
    if pointer and not pointer.startswith("/"):
        raise Unread(f"{pointer!r} is no JSON pointer")
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body
