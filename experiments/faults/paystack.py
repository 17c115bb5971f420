"""
Paystack's own faults, by the control port of the bundled sandbox.

Each is a lease of 3 s that the drill refreshes every second: when drill and guardian are both dead
the sandbox lets go by itself. A fault is effective once it bit: what met no request, payment or
event in all its time had no effect, and the report says so.
"""

import json
from typing import Annotated, Any, ClassVar, Literal

import anyio
from pydantic import Field

from drill.duration import Duration
from experiments.faults.base import FaultSpec, Need, Proof
from experiments.runtime.ports import Sandbox
from experiments.runtime.shapes import Undo

LOOK_S = 0.1
OURS = frozenset({"fault", "target", "at", "for_"})
"""Fields that the drill itself reads; all others are the sandbox's."""
WIRE = {
    "delay": "delay_s",
    "lag": "lag_s",
    "spread": "spread_s",
    "reset": "reset_s",
    "events": "routes",
}
Route = Literal[
    "initialize",
    "verify",
    "fetch",
    "list",
    "timeline",
    "charge_authorization",
    "refund",
    "refunds",
    "customer",
    "plan",
    "subscription",
    "webhook_events",
    "welcome",
    "capture",
    "page",
]
Routes = Annotated[tuple[Route, ...], Field(min_length=1)]
Currency = Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF"]


class _PaystackFault(FaultSpec):
    """What every fault of this family shares: a lease at the sandbox."""

    family: ClassVar[str] = "paystack"
    needs: ClassVar[Need | None] = "sandbox"
    bites: ClassVar[bool] = True
    heals_how: ClassVar[str] = "the control port ends it; without us its lease is over within 3 s"

    target: Annotated[str, Field(min_length=1, description="the sandbox's service")] = "paystack"
    share: Annotated[float, Field(ge=0.001, le=1, description="spread evenly, by no chance")] = 1.0
    count: Annotated[int | None, Field(ge=1, description="bites at most so often")] = None
    only: Annotated[
        str | None, Field(min_length=1, description="a text that the request or event holds")
    ] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - pydantic's own
        # Different faults of Paystack go together; twice the same one would be ambiguous.
        super().__pydantic_init_subclass__(**kwargs)
        cls.family = str(cls.model_fields["fault"].default)

    def path(self) -> str:
        return "the control port of the sandbox, by a lease of 3 s that is refreshed every second"

    def body(self) -> str:
        """The fault as the control port takes it."""
        told = {
            WIRE.get(name, name): getattr(self, name)
            for name in type(self).model_fields
            if name not in OURS and getattr(self, name) is not None
        }
        return json.dumps({"kind": self.fault.removeprefix("paystack."), **told})

    async def prepare(self, staging: Sandbox, name: str) -> Undo:
        await staging.imposed(name)  # A wrong address or token is found before anything is broken.
        now = await staging.state(self.target)
        return Undo(service=self.target, container=now.container, want="running", lease=name)

    async def inject(self, staging: Sandbox, undo: Undo) -> None:
        await staging.impose(undo.lease, self.body())

    async def effective(self, staging: Sandbox, undo: Undo, since: float) -> Proof:
        seen = await staging.imposed(undo.lease)
        if seen is None:
            return Proof(holds=False, text="the sandbox does not list it")
        if not seen.bit:
            await anyio.sleep(LOOK_S)
            return Proof(holds=False, text=f"in force, met {seen.met} and bit none of them")
        return Proof(
            holds=True,
            text=f"the sandbox says that it bit {seen.bit} of the {seen.met} it met",
            earliest=since,
            latest=seen.bit_at,
        )

    async def heal(self, staging: Sandbox, undo: Undo) -> str:
        bit = await staging.lift(undo.lease)
        return "its lease was over" if bit is None else f"ended, having bitten {bit} times"

    async def removed(self, staging: Sandbox, undo: Undo, since: float) -> Proof:
        seen = await staging.imposed(undo.lease)
        return Proof(
            holds=seen is None,
            text="the sandbox lists it" + (" no more" if seen is None else ""),
            earliest=since,
            latest=anyio.current_time(),
        )


class _ApiFault(_PaystackFault):
    """Faults of chosen routes; without any, of the whole API and not of the hosted page."""

    routes: Routes | None = None


class ApiError(_ApiFault):
    """Paystack's API answers 5xx, as JSON."""

    fault: Literal["paystack.error"] = "paystack.error"
    status: Annotated[int, Field(ge=500, le=599)] = 500


class ApiSlow(_ApiFault):
    """Paystack's API answers late; with `done_first` the work is done before the wait."""

    fault: Literal["paystack.slow"] = "paystack.slow"
    delay: Duration = 2.0
    done_first: bool = False


class ApiRateLimited(_ApiFault):
    """Paystack's API answers 429 with the headers that say when to go on."""

    fault: Literal["paystack.rate_limited"] = "paystack.rate_limited"
    reset: Annotated[Duration, Field(ge=1, le=3600)] = 30.0


class ApiCloudflare(_ApiFault):
    """Cloudflare's HTML comes instead of Paystack's JSON."""

    fault: Literal["paystack.cloudflare"] = "paystack.cloudflare"
    status: Annotated[int, Field(ge=400, le=599)] = 502


class AnswerLost(_PaystackFault):
    """The work is done, and the connection is reset before its answer."""

    fault: Literal["paystack.answer_lost"] = "paystack.answer_lost"
    routes: Routes = ("capture",)


class VerifyLag(_PaystackFault):
    """A payment that was made is not to be seen for a while."""

    fault: Literal["paystack.verify_lag"] = "paystack.verify_lag"
    lag: Duration = 5.0
    status: Literal["abandoned", "ongoing", "pending", "processing", "queued"] = "ongoing"
    routes: Annotated[tuple[Literal["verify", "list", "fetch"], ...], Field(min_length=1)] = (
        "verify",
        "list",
        "fetch",
    )


class LateSuccess(_PaystackFault):
    """The customer is done and sent back, the payment stays abandoned, and succeeds later."""

    fault: Literal["paystack.late_success"] = "paystack.late_success"
    delay: Duration = 5.0


class Underpaid(_PaystackFault):
    """Less is captured than was asked."""

    fault: Literal["paystack.underpaid"] = "paystack.underpaid"
    paid_share: Annotated[float, Field(ge=0.01, le=0.99)] = 0.5


class WrongCurrency(_PaystackFault):
    """The same number is captured in another currency."""

    fault: Literal["paystack.wrong_currency"] = "paystack.wrong_currency"
    currency: Currency = "USD"


class FeeInclusive(_PaystackFault):
    """The customer pays the fee on top: the amount is more than was asked, and right."""

    fault: Literal["paystack.fee_inclusive"] = "paystack.fee_inclusive"


class _WebhookFault(_PaystackFault):
    """Faults of chosen events; without any, of all."""

    events: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None


class WebhookDropped(_WebhookFault):
    """Deliveries get lost; they are tried again on schedule, unless `for_good`."""

    fault: Literal["paystack.webhook_dropped"] = "paystack.webhook_dropped"
    for_good: bool = False


class WebhookLate(_WebhookFault):
    """Events come later."""

    fault: Literal["paystack.webhook_late"] = "paystack.webhook_late"
    delay: Annotated[Duration, Field(le=600)] = 5.0


class WebhookDuplicated(_WebhookFault):
    """Each delivery is sent several times at once."""

    fault: Literal["paystack.webhook_duplicated"] = "paystack.webhook_duplicated"
    copies: Annotated[int, Field(ge=2, le=20)] = 2


class WebhookReordered(_WebhookFault):
    """Every other event is overtaken by the next."""

    fault: Literal["paystack.webhook_reordered"] = "paystack.webhook_reordered"
    spread: Annotated[Duration, Field(le=600)] = 1.0


class WebhookEscaped(_WebhookFault):
    """The same JSON in other bytes: escaped, spaced and in another order, and well signed."""

    fault: Literal["paystack.webhook_escaped"] = "paystack.webhook_escaped"


class WebhookAmount(_WebhookFault):
    """Events tell of another amount than the API."""

    fault: Literal["paystack.webhook_amount"] = "paystack.webhook_amount"
    factor: Annotated[float, Field(ge=0.01, le=100)] = 0.5


class WebhookCurrency(_WebhookFault):
    """Events tell of another currency than the API."""

    fault: Literal["paystack.webhook_currency"] = "paystack.webhook_currency"
    currency: Currency = "USD"


class WebhookReference(_WebhookFault):
    """Events name the reference of an order that nobody paid."""

    fault: Literal["paystack.webhook_reference"] = "paystack.webhook_reference"


class WebhookForged(_PaystackFault):
    """Somebody without the key claims that each new transaction was paid."""

    fault: Literal["paystack.webhook_forged"] = "paystack.webhook_forged"


class WebhookUnsigned(_PaystackFault):
    """Somebody claims, without any signature, that each new transaction was paid."""

    fault: Literal["paystack.webhook_unsigned"] = "paystack.webhook_unsigned"


class WebhookDomain(_PaystackFault):
    """Each new transaction is called paid by a well signed event of the other mode."""

    fault: Literal["paystack.webhook_domain"] = "paystack.webhook_domain"
    domain: Annotated[str, Field(min_length=1)] = "live"


class WebhookUnknown(_PaystackFault):
    """Each new transaction brings a well signed event of a name that nobody knows."""

    fault: Literal["paystack.webhook_unknown"] = "paystack.webhook_unknown"
    event: Annotated[str, Field(min_length=1)] = "charge.unheard_of"


FAULTS: tuple[type[FaultSpec], ...] = (
    ApiError,
    ApiSlow,
    ApiRateLimited,
    ApiCloudflare,
    AnswerLost,
    VerifyLag,
    LateSuccess,
    Underpaid,
    WrongCurrency,
    FeeInclusive,
    WebhookDropped,
    WebhookLate,
    WebhookDuplicated,
    WebhookReordered,
    WebhookEscaped,
    WebhookAmount,
    WebhookCurrency,
    WebhookReference,
    WebhookForged,
    WebhookUnsigned,
    WebhookDomain,
    WebhookUnknown,
)
