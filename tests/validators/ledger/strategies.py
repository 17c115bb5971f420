"""Arbitrary journals of purchases: honest shops, broken ones, and readings of all kinds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import msgspec
from hypothesis import strategies as st

from drill import payments as p
from drill.records import Record
from tests.validators.ledger import journals as j

ORDINALS = (1, 2)
STATUSES = ("success", "success", "failed", "abandoned", "pending", "reversed", "reversal-pending")
SECOND_AMOUNTS = {1: j.PRICE - 1, 2: j.PRICE}
SECOND_REFUNDS = {1: j.PRICE // 2, 2: j.PRICE}
CUSTOMERS = (*map(j.email, (*ORDINALS, 77)), "else@buyers.example", "")
ORDER_STATES: tuple[p.OrderState, ...] = get_args(p.OrderState)
REFERENCES = [f"ref-{10 * n + attempt}" for n in ORDINALS for attempt in (0, 1)]


@st.composite
def held(draw: st.DrawFn, owners: Sequence[str]) -> j.Held:
    """What the ledgers hold: some purchases as they should be, and stray rows of any kind."""
    found = j.Held()
    for ordinal in ORDINALS:
        if draw(st.booleans()):
            found += j.sold(ordinal)
    kinds: dict[str, st.SearchStrategy[list[object]]] = {
        "transactions": some(transactions(owners)),
        "refunds": some(refunds()),
        "orders": some(orders(owners)),
        "grants": some(grants()),
        "effects": some(effects()),
        "usable": some(usable()),
    }
    for kind, rows in kinds.items():
        more = draw(rows)
        names = {_name(row) for row in more}
        known = [row for row in getattr(found, kind) if _name(row) not in names]
        found = replace(found, **{kind: [*known, *more]})
    return found


def some(rows: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    """At most two rows, each with a name of its own."""
    return st.lists(rows, max_size=2, unique_by=_name)


def _name(row: object) -> str:
    if isinstance(row, p.Usable):
        return row.customer
    return str(getattr(row, "id", "") or getattr(row, "key", ""))


def transactions(owners: Sequence[str]) -> st.SearchStrategy[p.Transaction]:
    """A charge of anybody's: first attempts as they should be, second ones of somebody else."""
    return st.builds(
        lambda n, attempt, status: msgspec.structs.replace(
            j.transaction(n, status, SECOND_AMOUNTS[n] if attempt else j.PRICE, attempt),
            email=owners[n] if attempt else j.email(n),
        ),
        st.sampled_from(ORDINALS),
        st.integers(0, 1),
        st.sampled_from(STATUSES),
    )


def refunds() -> st.SearchStrategy[p.Refund]:
    """A refund: all of it, then in part or too much."""
    statuses = ("pending", "processing", "processed", "failed", "needs-attention")
    return st.builds(
        lambda n, status, second: j.refund(
            n, status, SECOND_REFUNDS[n] if second else j.PRICE, second
        ),
        st.sampled_from(ORDINALS),
        st.sampled_from(statuses),
        st.integers(0, 1),
    )


def orders(owners: Sequence[str]) -> st.SearchStrategy[p.Order]:
    """An order of anybody's, with anybody's references; it never changes hands."""
    return st.builds(
        lambda n, attempt, state, references: msgspec.structs.replace(
            j.order(n, state, attempt),
            customer=owners[n] if attempt else j.email(n),
            references=references,
        ),
        st.sampled_from(ORDINALS),
        st.integers(0, 1),
        st.sampled_from(ORDER_STATES),
        st.lists(st.sampled_from(REFERENCES), max_size=2, unique=True),
    )


def grants() -> st.SearchStrategy[p.Grant]:
    """A grant in anybody's hands, of any order."""
    return st.builds(
        lambda n, attempt, customer, active, quantity: msgspec.structs.replace(
            j.grant(n, attempt), customer=customer, active=active, quantity=quantity
        ),
        st.sampled_from(ORDINALS),
        st.integers(0, 1),
        st.sampled_from(CUSTOMERS),
        st.booleans(),
        st.integers(1, 2),
    )


def effects() -> st.SearchStrategy[p.Effect]:
    """A receipt, a key or a piece of stock."""
    kinds: tuple[Literal["receipt", "stock", "key"], ...] = ("receipt", "stock", "key")
    return st.builds(
        lambda kind, key, n: p.Effect(kind, key, j.email(n), f"o{10 * n}"),
        st.sampled_from(kinds),
        st.sampled_from(("a", "b")),
        st.sampled_from(ORDINALS),
    )


def usable() -> st.SearchStrategy[p.Usable]:
    """What a session shows."""
    return st.builds(
        lambda n, shown: p.Usable(j.email(n), "pass", shown),
        st.sampled_from(ORDINALS),
        st.sampled_from((True, False, None)),
    )


def statements() -> st.SearchStrategy[list[Record]]:
    """What the customers were told, and whether they asked for their money."""
    told = st.builds(
        p.Told,
        st.integers(5, 50).map(float),
        st.sampled_from([f"i{n}" for n in ORDINALS]),
        st.sampled_from(get_args(p.Said)),
        st.sampled_from(("page", "mail")),
        st.just(""),
        st.sampled_from(("", *REFERENCES)),
    )
    asked = st.builds(
        p.RefundAsked,
        st.just(55.0),
        st.sampled_from([f"i{n}" for n in ORDINALS]),
        st.sampled_from((None, j.PRICE // 2)),
    )
    return st.lists(st.one_of(told, told, told, asked), max_size=4)


@st.composite
def runs(draw: st.DrawFn) -> j.Run:
    """A drill with two to four rounds of readings; the last two mostly agree."""
    owners = draw(st.lists(st.sampled_from(CUSTOMERS), min_size=3, max_size=3))
    holdings = held(owners)
    last = draw(holdings) + j.CANARIES
    earlier = [draw(holdings) + j.CANARIES for _ in range(draw(st.integers(0, 2)))]
    before = draw(st.one_of(st.just(last), st.just(last), holdings.map(lambda h: h + j.CANARIES)))
    verified = draw(st.one_of(st.none(), st.none(), holdings.map(lambda h: h.transactions)))
    if verified is not None:
        last = replace(last, verified=verified)
    t = draw(st.sampled_from((70.0, j.LATE_S)))
    reads = j.readings(*earlier, before, last, t=t)
    cut = draw(st.sets(st.integers(0, len(reads) - 1), max_size=2))
    reads = [
        msgspec.structs.replace(read, complete=index not in cut) for index, read in enumerate(reads)
    ]
    return j.Run(
        held=last,
        told=draw(statements()),
        intents=[j.intent(n) for n in ORDINALS],
        planned=msgspec.structs.replace(
            j.PLANNED,
            refund_revokes=draw(st.booleans()),
            refunds_settle=draw(st.booleans()),
            exposures_wanted=draw(st.integers(0, 2)),
        ),
        reads=reads,
        faults=draw(st.sampled_from(([], j.fault(), j.fault()[:-1]))),
    )


@st.composite
def hidden(draw: st.DrawFn, reads: Sequence[p.LedgerRead]) -> list[p.LedgerRead]:
    """
    What is left of some readings: few of them hidden, a whole ledger, or any.

    That a last round took place stays known: of it at least one ledger is left.
    """
    any_of = st.sets(st.integers(0, len(reads) - 1))
    few = st.sets(st.integers(0, len(reads) - 1), min_size=1, max_size=2)
    ledger = st.sampled_from(j.LEDGERS).map(
        lambda name: {index for index, read in enumerate(reads) if read.ledger == name}
    )
    gone = draw(st.one_of(few, ledger, any_of))
    kept = [read for index, read in enumerate(reads) if index not in gone]
    if not any(read.round == reads[-1].round for read in kept):
        kept.append(reads[-1])
    return kept
