"""
What a journal says about payments: what customers meant and were told, and what each ledger holds.

Times are as in `drill.events`; amounts are in subunits (kobo). Clocks of ledgers are labels: none
is ever compared with another's. An intent is one decision to own one product; its address is its
own, so that a row of a ledger joins to it by `email`, then `reference`, then `order`.
"""

from typing import Literal

import msgspec

from drill.events import Event
from drill.payments_judged import PaymentsJudged

Said = Literal[
    "unsent",  # no byte left: the only certain failure
    "paid",
    "refused",  # "you were not charged": a claim to be tested
    "unknown",  # time-out, reset, "we are checking"
    "never",  # tab closed, load stopped
    "corrected",  # a later definite message that a mail server took, or the customer's own request
]
Via = Literal["page", "mail", "dashboard", "request", "load"]
Stratum = Literal[
    "plain",
    "pin",
    "two_tabs",
    "retry_after_unknown",
    "late_success",
    "refund_full",
    "refund_partial",
    "declined",
    "insufficient",
    "abandoned",
    "replayed",
    "underpaid",
    "directed",  # of a scenario of its own
]
Canary = Literal["", "paid", "declined", "abandoned", "forged"]
Ledger = Literal[
    "paystack.list",
    "paystack.verify",
    "paystack.refunds",
    "paystack.deliveries",
    "shop.orders",
    "shop.grants",
    "shop.effects",
    "shop.backlog",
    "shop.session",
    "shop.calls",
]
OrderState = Literal["open", "paid", "fulfilled", "cancelled", "refunding", "refunded", "other"]


class Price(msgspec.Struct, frozen=True):
    """What a product costs by the environment's own list, whatever an order says."""

    product: str
    amount: int
    currency: str
    once_only: bool


class PaymentsPlanned(Event, frozen=True, tag="payments"):
    """
    By what the ledgers are judged, and which of them can be read.

    *webhook_s*, *reconcile_s* and *refund_s* are the shop's promises in real seconds. *sights* are
    the names in `Ledger` that this environment can read; *out_of_sight* gives the owner's reason
    for each invariant that nobody can see here. *refunds_settle* is false where refunds stay
    pending for ever, as in Paystack's real test mode. *calls_limit* is how often in a minute the
    shop may call Paystack while nobody buys.
    """

    run: str
    prices: list[Price]
    webhook_s: float
    reconcile_s: float
    refund_s: float
    sights: list[Ledger]
    out_of_sight: dict[str, str] = msgspec.field(default_factory=dict)
    refund_revokes: bool = False
    refunds_settle: bool = True
    exposures_wanted: int = 0
    calls_limit: int = 0


class Intended(Event, frozen=True, tag="intent"):
    """One purchase that somebody will want; durable before its first byte."""

    id: str
    ordinal: int
    email: str
    product: str
    stratum: Stratum
    quantity: int = 1
    canary: Canary = ""


class Begun(Event, frozen=True, tag="begun"):
    """The first byte of an intent is about to leave."""

    intent: str


class Told(Event, frozen=True, tag="told"):
    """One statement that a customer got, in order; what it names joins rows to the intent."""

    intent: str
    said: Said
    via: Via
    detail: str = ""
    reference: str = ""
    order: str = ""


class RefundAsked(Event, frozen=True, tag="refund_asked"):
    """A customer asked for money back; *amount* None means all of it."""

    intent: str
    amount: int | None = None


class Transaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of Paystack's list, or its answer to a verification; *status* is its own word."""

    id: int
    reference: str
    status: str
    amount: int
    currency: str
    email: str = ""
    requested_amount: int | None = None
    fees: int | None = None
    domain: str = ""


class Refund(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of Paystack's refunds."""

    id: int
    transaction: int
    amount: int
    currency: str
    status: str
    reference: str = ""


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event as Paystack's own log tells its delivery; *code* is the shop's last answer."""

    id: str
    event: str
    reference: str
    status: str
    trials: int
    code: int | None = None


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of the shop's orders; *references* are those of all attempts to pay it."""

    id: str
    customer: str
    product: str
    amount: int
    currency: str
    state: OrderState
    raw_state: str = ""
    quantity: int = 1
    references: list[str] = []
    history: list[str] | None = None


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something a customer may use; *active* is by the shop's own clock at the reading."""

    id: str
    customer: str
    product: str
    active: bool = True
    quantity: int = 1
    order: str = ""
    reference: str = ""


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened because of a grant; *key* tells two effects from one seen twice."""

    kind: Literal["receipt", "stock", "key"]
    key: str
    customer: str
    order: str = ""
    reference: str = ""


class Usable(msgspec.Struct, frozen=True):
    """Whether a customer's own session shows a product as theirs; None: could not be asked."""

    customer: str
    product: str
    usable: bool | None


class LedgerRead(Event, frozen=True, tag="ledger", kw_only=True):
    """
    One reading of one ledger.

    *round* counts readings of all ledgers, from 1; *after_restart* says that every service of the
    shop was restarted before it. *complete* is whether absence may be concluded from it, *reason*
    why not. *as_of* is the ledger's own clock, a label. *background* counts the rows of nobody of
    this run, which are not kept. *calls* is how often the shop has called Paystack by now; only
    its growth means anything.
    """

    ledger: Ledger
    round: int
    complete: bool
    source: str
    reason: str = ""
    as_of: str = ""
    after_restart: bool = False
    transactions: list[Transaction] = msgspec.field(default_factory=list)
    refunds: list[Refund] = msgspec.field(default_factory=list)
    deliveries: list[Delivery] = msgspec.field(default_factory=list)
    orders: list[Order] = msgspec.field(default_factory=list)
    grants: list[Grant] = msgspec.field(default_factory=list)
    effects: list[Effect] = msgspec.field(default_factory=list)
    usable: list[Usable] = msgspec.field(default_factory=list)
    backlog: int | None = None
    calls: float | None = None
    background: int = 0


class LoadPlanned(Event, frozen=True, tag="load_plan"):
    """The customers that will come: *plan* is a digest of all intents, the same for one seed."""

    customers: int
    workers: int
    intents: int
    plan: str


class LoadSample(Event, frozen=True, tag="load_sample"):
    """What the load did since the sample before; latencies in milliseconds, all requests."""

    users: int
    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    behind_s: float
    cpu_ratio: float


class LoadEnded(Event, frozen=True, tag="load_end"):
    """How the load ended, and whether it or staging was the limit."""

    begun: int
    finished: int
    cut: int
    limit: Literal["none", "load", "staging", "unknown"]
    detail: str = ""


AnyPayment = (
    PaymentsPlanned
    | Intended
    | Begun
    | Told
    | RefundAsked
    | LedgerRead
    | LoadPlanned
    | LoadSample
    | LoadEnded
    | PaymentsJudged
)
