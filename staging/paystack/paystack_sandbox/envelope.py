"""Paystack's envelope: what every answer and every error looks like."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse

Data = dict[str, Any]


def compact(value: object) -> bytes:
    """JSON exactly as JavaScript's `JSON.stringify` writes it, which handlers compare with."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class PaystackResponse(JSONResponse):
    """JSON in Paystack's spelling."""

    def render(self, content: object) -> bytes:
        return compact(content)


def success(message: str, data: object, *, meta: Data | None = None) -> PaystackResponse:
    """A 200 with the envelope; `status` says that the call worked, not the payment."""
    body: Data = {"status": True, "message": message, "data": data}
    return PaystackResponse(body | ({"meta": meta} if meta is not None else {}))


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
        self.body = {
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


async def answer_error(_: Request, error: Exception) -> PaystackResponse:
    """Turn an `ApiError` into its answer."""
    assert isinstance(error, ApiError)
    return PaystackResponse(error.body, error.http)


async def params(request: Request) -> Data:
    """The parameters of a POST: JSON or a form, as Paystack takes both."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise invalid("Invalid JSON in request body", "invalid_json") from None
    if not isinstance(parsed, dict):
        raise invalid("Invalid JSON in request body", "invalid_json")
    return parsed
