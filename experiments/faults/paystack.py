"""Paystack's own faults, by leases at the control port of the bundled sandbox."""

from typing import Annotated, Literal

from pydantic import Field

from drill.duration import Duration
from experiments.faults.base import FaultSpec
from experiments.faults.leased import LeasedFault

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


class _ApiFault(LeasedFault):
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


class KeyRevoked(LeasedFault):
    """Paystack no longer knows the shop's key: 401 for all that needs one."""

    fault: Literal["paystack.key_revoked"] = "paystack.key_revoked"


class AnswerLost(LeasedFault):
    """The work is done, and the connection is reset before its answer."""

    fault: Literal["paystack.answer_lost"] = "paystack.answer_lost"
    routes: Routes = ("capture",)


class VerifyLag(LeasedFault):
    """A payment that was made is not to be seen for a while."""

    fault: Literal["paystack.verify_lag"] = "paystack.verify_lag"
    lag: Duration = 5.0
    status: Literal["abandoned", "ongoing", "pending", "processing", "queued"] = "ongoing"
    routes: Annotated[tuple[Literal["verify", "list", "fetch"], ...], Field(min_length=1)] = (
        "verify",
        "list",
        "fetch",
    )


class LateSuccess(LeasedFault):
    """The customer is done and sent back, the payment stays abandoned, and succeeds later."""

    fault: Literal["paystack.late_success"] = "paystack.late_success"
    delay: Duration = 5.0


class Underpaid(LeasedFault):
    """Less is captured than was asked."""

    fault: Literal["paystack.underpaid"] = "paystack.underpaid"
    paid_share: Annotated[float, Field(ge=0.01, le=0.99)] = 0.5


class WrongCurrency(LeasedFault):
    """The same number is captured in another currency."""

    fault: Literal["paystack.wrong_currency"] = "paystack.wrong_currency"
    currency: Currency = "USD"


class FeeInclusive(LeasedFault):
    """The customer pays the fee on top: the amount is more than was asked, and right."""

    fault: Literal["paystack.fee_inclusive"] = "paystack.fee_inclusive"


class _WebhookFault(LeasedFault):
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


class WebhookForged(LeasedFault):
    """Somebody without the key claims that each new transaction was paid."""

    fault: Literal["paystack.webhook_forged"] = "paystack.webhook_forged"


class WebhookUnsigned(LeasedFault):
    """Somebody claims, without any signature, that each new transaction was paid."""

    fault: Literal["paystack.webhook_unsigned"] = "paystack.webhook_unsigned"


class WebhookDomain(LeasedFault):
    """Each new transaction is called paid by a well signed event of the other mode."""

    fault: Literal["paystack.webhook_domain"] = "paystack.webhook_domain"
    domain: Annotated[str, Field(min_length=1)] = "live"


class WebhookUnknown(LeasedFault):
    """Each new transaction brings a well signed event of a name that nobody knows."""

    fault: Literal["paystack.webhook_unknown"] = "paystack.webhook_unknown"
    event: Annotated[str, Field(min_length=1)] = "charge.unheard_of"


FAULTS: tuple[type[FaultSpec], ...] = (
    ApiError,
    ApiSlow,
    ApiRateLimited,
    ApiCloudflare,
    KeyRevoked,
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
