"""Paystack's envelope: what every answer and every error looks like."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse

Data = dict[str, Any]
PER_PAGE, PER_PAGE_LIMIT = 50, 100
WHOLE = re.compile(r"[0-9]{1,15}")


def compact(value: object) -> bytes:
    """JSON exactly as JavaScript's `JSON.stringify` writes it, which handlers compare with."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair: as JavaScript does


class PaystackResponse(JSONResponse):
    """JSON in Paystack's spelling."""

    media_type = "application/json; charset=utf-8"

    def render(self, content: object) -> bytes:
        return compact(content)


def success(
    message: str, data: object, *, meta: Data | None = None, http: int = 200
) -> PaystackResponse:
    """The envelope of what worked; its `status` says that of the call, not of the payment."""
    body: Data = {"status": True, "message": message, "data": data}
    return PaystackResponse(body | ({"meta": meta} if meta is not None else {}), http)


class ApiError(Exception):
    """An answer of Paystack's that says no."""

    def __init__(
        self,
        http: int,
        message: str,
        *,
        code: str,
        next_step: str = "Ensure that the value(s) you're passing are valid.",
        kind: str = "validation_error",
    ) -> None:
        super().__init__(message)
        self.http = http
        self.told = {"code": code, "next_step": next_step, "kind": kind}
        self.body: Data = {
            "status": False,
            "message": message,
            "meta": {"nextStep": next_step},
            "type": kind,
            "code": code,
        }


def missing(what: str) -> ApiError:
    """A required parameter is not there."""
    return ApiError(
        400,
        f"{what} is required",
        code="missing_params",
        next_step="Provide all required params",
    )


def invalid(message: str, code: str = "invalid_params") -> ApiError:
    """A parameter is there and wrong."""
    return ApiError(400, message, code=code)


INVALID_KEY = ApiError(
    401,
    "Invalid key",
    code="invalid_Key",  # Paystack's own capital K
    next_step="Ensure that you provide the correct authorization key for the request",
)
DUPLICATE_REFERENCE = ApiError(
    400,
    "Duplicate Transaction Reference",
    code="duplicate_reference",
    next_step="Try and create the Transaction or Charge with a new reference",
)
DUPLICATE_REFERENCE.body["errorCodeMappingNotFound"] = False
# 400 as observed in test mode three times; the specification says 404.
REFERENCE_NOT_FOUND = ApiError(
    400,
    "Transaction reference not found.",
    code="transaction_not_found",
    next_step="Ensure that you're passing the reference of a transaction that exists on this "
    "integration",
)
TRANSACTION_NOT_FOUND = ApiError(404, "Transaction not found", code="transaction_not_found")


def rate_headers(limit: int, remaining: int, reset_s: int) -> dict[str, str]:
    """What tells of the limit, on each answer; the last is in seconds."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(reset_s),
    }


def rate_limited(*, limit: int = 100, reset_s: int) -> PaystackResponse:
    """429 as it is documented."""
    body = {
        "status": False,
        "message": "Rate limit exceeded!",
        "meta": {"nextStep": "Wait a few minutes and try the API call again"},
        "type": "api_error",
        "code": "rate_limited",
    }
    return PaystackResponse(body, 429, rate_headers(limit, 0, reset_s))


def pages(total: int, per_page: int, page: int) -> Data:
    """The `meta` of a list that is read by page."""
    return {
        "total": total,
        "skipped": (page - 1) * per_page,
        "perPage": per_page,
        "page": page,
        "pageCount": -(-total // per_page),
    }


def whole(text: str | None, default: int) -> int:
    """A whole number of a query, or the default where there is none."""
    return int(text) if text and WHOLE.fullmatch(text) else default


def cursor(prefix: str, identity: int) -> str:
    """Where a list goes on, in the official sample's own form."""
    return base64.b64encode(f"{prefix}:{identity}".encode()).decode()


def cursor_id(prefix: str, text: str) -> int:
    """
    The row that a cursor names.

    Raises:
        ApiError: It is none of ours.
    """
    try:
        told, _, number = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        told, number = "", ""
    if told != prefix or not WHOLE.fullmatch(number):
        raise invalid("Invalid cursor", "invalid_cursor")
    return int(number)


def page_of(query: QueryParams) -> tuple[int, int]:
    """Rows a page, and which page."""
    per_page = whole(query.get("perPage") or query.get("per_page"), PER_PAGE)
    return min(PER_PAGE_LIMIT, max(1, per_page)), max(1, whole(query.get("page"), 1))


async def answer_error(_: Request, error: Exception) -> PaystackResponse:
    """Turn an `ApiError` into its answer."""
    assert isinstance(error, ApiError)
    return PaystackResponse(error.body, error.http)


def text(given: Data, name: str) -> str | None:
    """A parameter as text, None where it is not given."""
    value = given.get(name)
    return None if value is None else str(value)


def form(body: bytes) -> Data:
    """The fields of a form."""
    return dict(parse_qsl(body.decode("utf-8", "replace")))


async def params(request: Request) -> Data:
    """The parameters of a POST: JSON or a form, as Paystack takes both."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return form(body)
    try:
        parsed = json.loads(body or b"{}")
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise invalid("Invalid JSON in request body", "invalid_json") from None
    if not isinstance(parsed, dict):
        raise invalid("Invalid JSON in request body", "invalid_json")
    return parsed
