"""The kinds of faults and their settings, as the control port takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from paystack_sandbox.faults import Fault, Value

DELAY_LIMIT_S = 600.0
ROUTES = (
    "welcome",
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
    "other",
    "capture",
    "page",
)
UNPAID = ("abandoned", "ongoing", "pending", "processing", "queued")
Check = Callable[[Any], Value]


def _number(low: float, high: float) -> Check:
    def check(value: object) -> Value:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("must be a number")
        if not low <= value <= high:
            raise ValueError(f"must be from {low:g} to {high:g}")
        return value

    return check


def _one_of(*words: str) -> Check:
    def check(value: object) -> Value:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return check


def _flag(value: object) -> Value:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _word(value: object) -> Value:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise ValueError("must be a text of 1 to 200 characters")
    return value


DELAY = {"delay_s": (_number(0, DELAY_LIMIT_S), 5.0)}
CURRENCY = {"currency": (_one_of("NGN", "GHS", "KES", "ZAR", "USD", "XOF"), "USD")}
API: Mapping[str, Mapping[str, tuple[Check, Value]]] = {
    "error": {"status": (_number(500, 599), 500)},
    "slow": {"delay_s": (_number(0, DELAY_LIMIT_S), 2.0), "done_first": (_flag, False)},
    "rate_limited": {"reset_s": (_number(1, 3600), 30)},
    "cloudflare": {"status": (_number(400, 599), 502)},
    "key_revoked": {},
    "answer_lost": {},
    "verify_lag": {
        "lag_s": (_number(0, DELAY_LIMIT_S), 5.0),
        "status": (_one_of(*UNPAID), "ongoing"),
    },
}
MONEY: Mapping[str, Mapping[str, tuple[Check, Value]]] = {
    "late_success": DELAY,
    "underpaid": {"paid_share": (_number(0.01, 0.99), 0.5)},
    "wrong_currency": CURRENCY,
    "fee_inclusive": {},
}
WEBHOOKS: Mapping[str, Mapping[str, tuple[Check, Value]]] = {
    "webhook_dropped": {"for_good": (_flag, False)},
    "webhook_late": DELAY,
    "webhook_duplicated": {"copies": (_number(2, 20), 2)},
    "webhook_reordered": {"spread_s": (_number(0, DELAY_LIMIT_S), 1.0)},
    "webhook_escaped": {},
    "webhook_forged": {},
    "webhook_unsigned": {},
    "webhook_domain": {"domain": (_word, "live")},
    "webhook_unknown": {"event": (_word, "charge.unheard_of")},
    "webhook_amount": {"factor": (_number(0.01, 100), 0.5)},
    "webhook_currency": CURRENCY,
    "webhook_reference": {},
}
KINDS = {**API, **MONEY, **WEBHOOKS}
COMMON: Mapping[str, Check] = {
    "share": _number(0.001, 1),
    "count": _number(1, 1_000_000),
    "only": _word,
}
DEFAULT_ROUTES = {
    "answer_lost": ("capture",),
    "verify_lag": ("verify", "list", "fetch"),
    # All that needs a key.
    "key_revoked": tuple(one for one in ROUTES if one not in ("welcome", "capture", "page")),
}


def parse(given: object) -> Fault:
    """
    A fault from the control port's JSON.

    Raises:
        ValueError: The text names the field and what it must be.
    """
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise ValueError(f"kind: must be one of {', '.join(KINDS)}")
    kind, rest = str(given["kind"]), {k: v for k, v in given.items() if k != "kind"}
    routes = _routes(kind, rest.pop("routes", None))
    wanted = KINDS[kind]
    common: dict[str, Any] = {}
    settings: dict[str, Value] = {name: default for name, (_, default) in wanted.items()}
    for name, value in rest.items():
        check = COMMON.get(name) or wanted.get(name, (None,))[0]
        if check is None:
            raise ValueError(f"{name}: {kind} has no such setting")
        try:
            (common if name in COMMON else settings)[name] = check(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return Fault(kind=kind, routes=routes, settings=settings, **common)


def _routes(kind: str, given: object) -> tuple[str, ...]:
    if given is None:
        return DEFAULT_ROUTES.get(kind, ())
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("routes: must be a list of names")
    unknown = [one for one in given if kind in API and one not in ROUTES]
    if unknown:
        raise ValueError(f"routes: there is no {unknown[0]}; there are {', '.join(ROUTES)}")
    return tuple(given)
