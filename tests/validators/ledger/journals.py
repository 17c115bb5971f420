"""Journals of purchases made by hand: what was planned, told and read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from drill import events as e
from drill import payments as p
from drill.journal import Journal
from drill.records import Record

RUN, PRICE = "r1", 500_000
LEDGERS: tuple[p.Ledger, ...] = (
    "paystack.list",
    "paystack.verify",
    "paystack.refunds",
    "paystack.deliveries",
    "shop.orders",
    "shop.grants",
    "shop.effects",
    "shop.session",
)
PLANNED = p.PaymentsPlanned(
    1.0, RUN, [p.Price("pass", PRICE, "NGN", once_only=True)], 10, 120, 600, list(LEDGERS),
    {"I-15": "no log of the shop's calls"},
)  # fmt: skip
LATE_S = 2000.0
"""Long after every promise has run out."""


def email(ordinal: int) -> str:
    """The address of one intent's customer."""
    return f"i{ordinal}-{RUN}@buyers.example"


def intent(ordinal: int, stratum: p.Stratum = "plain", canary: p.Canary = "") -> p.Intended:
    """One intent, named for its ordinal."""
    return p.Intended(2.0, f"i{ordinal}", ordinal, email(ordinal), "pass", stratum, canary=canary)


def transaction(
    ordinal: int, status: str = "success", amount: int = PRICE, attempt: int = 0
) -> p.Transaction:
    """A charge of one intent; each attempt has a reference of its own."""
    row = ordinal * 10 + attempt
    return p.Transaction(row, f"ref-{row}", status, amount, "NGN", email(ordinal))


def order(ordinal: int, state: p.OrderState = "fulfilled", attempt: int = 0) -> p.Order:
    """An order of one intent, with the reference of the attempt."""
    row = ordinal * 10 + attempt
    return p.Order(
        f"o{row}", email(ordinal), "pass", PRICE, "NGN", state, references=[f"ref-{row}"]
    )


def grant(ordinal: int, attempt: int = 0) -> p.Grant:
    """A grant of one intent's order."""
    row = ordinal * 10 + attempt
    return p.Grant(f"g{row}", email(ordinal), "pass", order=f"o{row}")


def refund(ordinal: int, status: str = "processed", amount: int = PRICE, n: int = 0) -> p.Refund:
    """A refund of one intent's first charge."""
    return p.Refund(ordinal * 100 + n, ordinal * 10, amount, "NGN", status)


@dataclass(frozen=True)
class Held:
    """What all ledgers hold at one time."""

    transactions: Sequence[p.Transaction] = ()
    verified: Sequence[p.Transaction] | None = None
    refunds: Sequence[p.Refund] = ()
    deliveries: Sequence[p.Delivery] = ()
    orders: Sequence[p.Order] = ()
    grants: Sequence[p.Grant] = ()
    effects: Sequence[p.Effect] = ()
    usable: Sequence[p.Usable] = ()

    def __add__(self, other: "Held") -> "Held":
        names = ("transactions", "refunds", "deliveries", "orders", "grants", "effects", "usable")
        added = {name: [*getattr(self, name), *getattr(other, name)] for name in names}
        verified = None
        if self.verified is not None or other.verified is not None:
            verified = [*_verified(self), *_verified(other)]
        return Held(verified=verified, **added)


def _verified(held: Held) -> Sequence[p.Transaction]:
    return held.transactions if held.verified is None else held.verified


def sold(ordinal: int) -> Held:
    """One purchase as it should be."""
    mail = p.Effect("receipt", f"<o{ordinal * 10}@shop>", email(ordinal), f"o{ordinal * 10}")
    sent = p.Delivery(f"d{ordinal}", "charge.success", f"ref-{ordinal * 10}", "success", 1, 200)
    return Held(
        transactions=[transaction(ordinal)],
        deliveries=[sent],
        orders=[order(ordinal)],
        grants=[grant(ordinal)],
        effects=[mail],
        usable=[p.Usable(email(ordinal), "pass", usable=True)],
    )


CANARIES = Held(
    transactions=[transaction(92, "failed"), transaction(93, "abandoned")],
    orders=[order(92, "open"), order(93, "open"), order(94, "open")],
) + sold(91)
CANARY_INTENTS = [
    intent(91, canary="paid"),
    intent(92, canary="declined"),
    intent(93, canary="abandoned"),
    intent(94, canary="forged"),
]


def reading(ledger: p.Ledger, held: Held, number: int, t: float, last: int = 2) -> p.LedgerRead:
    """One complete reading of one ledger; that of the last round is after the restart."""
    rows: dict[str, Sequence[object]] = {
        "paystack.list": held.transactions,
        "paystack.verify": _verified(held),
        "paystack.refunds": held.refunds,
        "paystack.deliveries": held.deliveries,
        "shop.orders": held.orders,
        "shop.grants": held.grants,
        "shop.effects": held.effects,
        "shop.session": held.usable,
        "shop.calls": (),
    }
    kinds = {
        "paystack.list": "transactions",
        "paystack.verify": "transactions",
        "paystack.refunds": "refunds",
        "paystack.deliveries": "deliveries",
        "shop.orders": "orders",
        "shop.grants": "grants",
        "shop.effects": "effects",
        "shop.session": "usable",
        "shop.calls": "usable",
    }
    empty = p.LedgerRead(t=t, ledger=ledger, round=number, complete=True, source="by hand")
    filled = {kinds[ledger]: list(rows[ledger])}
    return msgspec.structs.replace(empty, after_restart=number == last, **filled)


def readings(*rounds: Held, t: float = LATE_S) -> list[p.LedgerRead]:
    """Every ledger in every round; one that is given alone is read twice."""
    all_rounds = rounds if len(rounds) > 1 else rounds * 2
    return [
        reading(ledger, held, number, t + number, last=len(all_rounds))
        for number, held in enumerate(all_rounds, 1)
        for ledger in LEDGERS
    ]


def fault(name: str = "network.blackhole", spec: str = '{"to":"api.paystack.co"}') -> list[Record]:
    """A fault in force from 5 s to 60 s, while everybody buys."""
    planned = e.PlannedFault("f1", name, "vauntico-server", spec, "agent", 0, 55)
    return [
        e.Planned(1.5, [planned], [], ["loses_nothing"], 5.0),
        e.FaultChange(4.9, "f1", "intent"),
        e.FaultChange(4.95, "f1", "injected"),
        e.FaultChange(5.0, "f1", "effective"),
        e.FaultChange(60.0, "f1", "healing"),
        e.FaultChange(60.5, "f1", "healed", by="drill"),
    ]


@dataclass(frozen=True)
class Run:
    """A drill that sold something; every part may be replaced."""

    held: Held
    told: Sequence[Record]
    intents: Sequence[p.Intended] = (intent(1),)
    planned: p.PaymentsPlanned = PLANNED
    reads: Sequence[p.LedgerRead] | None = None
    faults: Sequence[Record] = field(default_factory=fault)
    canaries: Held = CANARIES

    def but(self, **changes: object) -> "Run":
        """The same with other parts."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def records(self) -> list[Record]:
        """All records but the header, in the order of a drill."""
        reads = readings(self.held + self.canaries) if self.reads is None else self.reads
        every = [*self.intents, *CANARY_INTENTS]
        begun = [p.Begun(4.0 + each.ordinal / 100, each.id) for each in every]
        return [self.planned, *every, *self.faults, *begun, *self.told, *reads]

    def journal(self) -> Journal:
        """The journal of it."""
        return journal(self.records())


def journal(records: Sequence[Record]) -> Journal:
    """A journal of a header and these."""
    made = Journal()
    made.add(e.Header(
        0.0, "d", "s", "title", "staging", "p", "0", "c", dirty=False, command="drill run s",
        seed=1, severity=1, wall_s=1e9, mono_s=0.0, boot_id="b",
    ))  # fmt: skip
    for record in records:
        made.add(record)
    return made


def said(what: p.Said, ordinal: int = 1, via: p.Via = "page", t: float = 30.0) -> p.Told:
    """One statement to one customer."""
    return p.Told(t, f"i{ordinal}", what, via)


def healthy() -> Run:
    """One purchase that met a fault and is as it should be."""
    return Run(sold(1), [said("paid")])
