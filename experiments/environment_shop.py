"""The part of an environment that says how the payments ledgers are read, and by what judged."""

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import Field, model_validator

from drill import payments
from drill.duration import Duration
from experiments.environment_parts import Part
from experiments.problems import nearest
from validators.ledger.specs import (
    ApiReader,
    CallCount,
    CanaryShop,
    Mailbox,
    PaystackLedger,
    SessionReader,
    SqlReader,
)

INVARIANT = re.compile(r"I-([1-9]|1[0-5])")


class Promises(Part):
    """How long the shop may take over each way to set things right."""

    webhook: Duration = 10.0
    reconcile: Duration = 120.0
    refund: Duration = 600.0

    @property
    def longest_s(self) -> float:
        """The longest of them."""
        return max(self.webhook, self.reconcile, self.refund)


class Price(Part):
    """What a product costs, in subunits, whatever an order says."""

    amount: Annotated[int, Field(gt=0)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    once_only: bool = False


class Shop(Part):
    """
    How the payments ledgers are read, and by what they are judged.

    Attributes:
        services: Every service that is the shop's: each is restarted before the last reading.

        period: Between two readings; the shop's own reconciler must have run in it.

        calls: Who counts the shop's calls to Paystack; without, I-15 is out of sight.

        out_of_sight: The owner's reason for each invariant that nobody can see here.
    """

    paystack: PaystackLedger | None = None
    sql: SqlReader | None = None
    api: ApiReader | None = None
    mailbox: Mailbox | None = None
    session: SessionReader | None = None
    canaries: CanaryShop | None = None
    calls: CallCount | None = None
    services: tuple[str, ...] = ()
    period: Annotated[Duration, Field(gt=0, description="between two equal readings")] = 10.0
    promises: Promises = Promises()
    prices: dict[str, Price] = Field(default_factory=dict)
    refund_revokes: Annotated[bool, Field(description="who has the money back has no pass")] = False
    refunds_settle: Annotated[bool, Field(description="false in Paystack's real test mode")] = True
    out_of_sight: dict[str, str] = Field(default_factory=dict)

    def price(self, product: str) -> payments.Price:
        """A price as the journal has it."""
        price = self.prices[product]
        return payments.Price(product, price.amount, price.currency, price.once_only)

    @model_validator(mode="after")
    def _make_sense(self) -> "Shop":
        if self.sql and self.api:
            raise ValueError("the shop is read by `sql` or by `api`, not by both")
        for name, reason in self.out_of_sight.items():
            if not INVARIANT.fullmatch(name):
                raise ValueError(f"out_of_sight: '{name}' is no invariant (I-1 to I-15)")
            if not reason.strip():
                raise ValueError(f"out_of_sight: {name} needs a reason")
        if self.canaries and self.canaries.product not in self.prices:
            raise ValueError(f"canaries.product: '{self.canaries.product}' has no price")
        return self


def unreadable(shop: Shop | None, services: Collection[str] | None = None) -> list[str]:
    """
    Why the ledgers of an environment with this shop could not be read, all reasons at once.

    Args:
        shop: As the environment has it.
        services: Those of the compose file; None where nobody knows them.
    """
    if shop is None:
        return ["this environment does not say how its shop is read (`shop:`)"]
    wanted = (
        (shop.paystack, "shop.paystack: there is no key to read Paystack's ledger with"),
        (shop.sql or shop.api or shop.mailbox, "shop: neither sql, api nor mailbox reads it"),
        (shop.prices, "shop.prices: nothing says what a product costs"),
    )
    unknown = [
        f"shop.services: no service is called '{name}'{nearest(name, services or ())}"
        for name in shop.services
        if services is not None and name not in services
    ]
    return [*(text for there, text in wanted if not there), *unknown]
