"""
Paystack, as the shop calls it: every call with one deadline, none repeated blindly.

A new connection a call: names are looked up afresh, and no answer of an earlier, given up call
can be waiting in it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from shop import bugs

log = logging.getLogger(__name__)

BASE = "https://api.paystack.co"
# Of a planted bug; the shop itself repeats nothing.
BLIND_TRIES = 3
# What a JSON answer can hold; read by names, and what is missing is no answer.
Json = Any
NOT_FOUND_CODES = {"transaction_not_found"}
NOT_FOUND_TEXT = "transaction reference not found"


class PaystackUnavailable(Exception):
    """No usable answer: no connection, too late, 429, 5xx, HTML, 401. Nothing is known."""


class PaystackRefused(Exception):
    """Paystack understood and said no."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class ReferenceUnknown(PaystackRefused):
    """Paystack has no transaction of this reference."""


@dataclass(frozen=True)
class Transaction:
    """What Paystack says of a reference; only what the shop decides by."""

    id: int
    reference: str
    domain: str
    status: str
    amount: int
    requested_amount: int | None
    fees: int
    currency: str


@dataclass(frozen=True)
class Refund:
    """A refund in Paystack's list."""

    id: int
    amount: int
    status: str


def transaction_of(data: Json) -> Transaction:
    """
    Read a transaction from an answer or from a signed event.

    Raises:
        PaystackUnavailable: if fields are missing; a broken answer is no answer.
    """
    if not isinstance(data, dict):
        raise PaystackUnavailable("an answer without a transaction")
    try:
        requested = data.get("requested_amount")
        return Transaction(
            id=int(data["id"]),
            reference=str(data["reference"]),
            domain=str(data["domain"]),
            status=str(data["status"]),
            amount=int(data["amount"]),
            requested_amount=int(requested) if requested is not None else None,
            fees=int(data.get("fees") or 0),
            currency=str(data["currency"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PaystackUnavailable(f"an answer without its fields: {error!r}") from error


class PaystackApi:
    """The calls the shop makes."""

    def __init__(self, secret_key: str) -> None:
        self._headers = {"authorization": f"Bearer {secret_key}"}
        # Read once; honours SSL_CERT_FILE.
        self._tls = ssl.create_default_context()
        self.key_refused = False

    async def initialize(self, given: dict[str, Any], *, deadline_s: float) -> str:
        """Announce a payment; gives the address of its hosted page."""
        data = await self._call("POST", "/transaction/initialize", deadline_s, given)
        url = data.get("authorization_url") if isinstance(data, dict) else None
        if not isinstance(url, str):
            raise PaystackUnavailable("an answer without authorization_url")
        return url

    async def verify(self, reference: str, *, deadline_s: float) -> Transaction:
        """What became of a reference."""
        path = f"/transaction/verify/{quote(reference, safe='')}"
        try:
            return transaction_of(await self._call("GET", path, deadline_s))
        except PaystackUnavailable:
            if bugs.planted("unavailable_is_failed"):
                return Transaction(0, reference, "test", "failed", 0, None, 0, "NGN")
            raise

    async def refunds(self, transaction_id: int, *, deadline_s: float) -> list[Refund]:
        """The refunds of a transaction; the filter takes its number, not its reference."""
        data = await self._call("GET", f"/refund?transaction={transaction_id}", deadline_s)
        try:
            return [Refund(int(r["id"]), int(r["amount"]), str(r["status"])) for r in data]
        except (KeyError, TypeError, ValueError) as error:
            raise PaystackUnavailable(f"refunds without their fields: {error!r}") from error

    async def refund(self, transaction_id: int, amount: int, *, deadline_s: float) -> None:
        """Give money back; not idempotent, so list the refunds first."""
        given = {"transaction": transaction_id, "amount": amount}
        await self._call("POST", "/refund", deadline_s, given)

    async def reachable(self, *, deadline_s: float) -> None:
        """
        A round trip that costs nothing of the rate limit, as it needs no key.

        Raises:
            PaystackUnavailable: if there was no proper answer, or our key was refused lately.
        """
        await self._request("GET", "/", deadline_s, None, headers={})
        if self.key_refused:
            raise PaystackUnavailable("our key was refused")

    async def _call(
        self, method: str, path: str, deadline_s: float, given: dict[str, Any] | None = None
    ) -> Json:
        answer = await self._answer(method, path, deadline_s, given)
        self.key_refused = answer.status_code == 401
        body = answer.json()
        if answer.status_code == 401:
            raise PaystackUnavailable("our key was refused")
        if answer.is_success and body.get("status") is True:
            return body.get("data")
        message, code = str(body.get("message", "")), str(body.get("code", ""))
        if code in NOT_FOUND_CODES or NOT_FOUND_TEXT in message.lower():
            raise ReferenceUnknown(message, code)
        raise PaystackRefused(message, code)

    async def _answer(
        self, method: str, path: str, deadline_s: float, given: dict[str, Any] | None
    ) -> httpx.Response:
        for _ in range(BLIND_TRIES if bugs.planted("polling_without_budget") else 0):
            try:
                return await self._request(method, path, deadline_s, given, headers=self._headers)
            except PaystackUnavailable:
                log.warning("%s %s: at once again", method, path)
        return await self._request(method, path, deadline_s, given, headers=self._headers)

    async def _request(
        self,
        method: str,
        path: str,
        deadline_s: float,
        given: dict[str, Any] | None,
        *,
        headers: dict[str, str],
    ) -> httpx.Response:
        """
        One request; anything that is not Paystack's own JSON is no answer.

        In a task of its own (wait_for): the anyio of Debian 12 swallows the cancellation of an
        asyncio.timeout around it, and cancels the task once more instead.
        """

        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client:
                return await client.request(method, BASE + path, json=given, headers=headers)

        try:
            answer = await asyncio.wait_for(exchange(), deadline_s)
        except TimeoutError as error:
            raise PaystackUnavailable(f"no answer within {deadline_s:.1f} s") from error
        except (httpx.HTTPError, OSError) as error:
            raise PaystackUnavailable(f"no connection: {type(error).__name__}") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise PaystackUnavailable(f"HTTP {answer.status_code}")
        if not _is_json_object(answer):
            raise PaystackUnavailable(f"HTTP {answer.status_code} that is not JSON")
        return answer


def _is_json_object(answer: httpx.Response) -> bool:
    if "json" not in answer.headers.get("content-type", ""):
        return False
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False
