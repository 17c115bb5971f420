"""What callers send, checked in Paystack's words."""

from __future__ import annotations

import json
import re
import secrets

from paystack_sandbox import envelope
from paystack_sandbox.envelope import Data

CURRENCIES = ("NGN", "GHS", "KES", "ZAR", "USD", "XOF")
# The underscore is not documented, and taken.
REFERENCE = re.compile(r"[A-Za-z0-9\-.=_]{1,100}")
AMOUNT_LIMIT = 10**15
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def email(given: Data) -> str:
    address = str(given.get("email") or "").strip()
    if not address:
        raise envelope.missing("Email Address")
    if not EMAIL.fullmatch(address):
        raise envelope.invalid("Invalid Email Address Passed", "invalid_email_address")
    return address


def amount(given: Data) -> int:
    """Subunits: an integer or a numeric string; 100.0 passes, 100.5 and "100.50" do not."""
    raw = given.get("amount")
    if raw in (None, ""):
        raise envelope.missing("Amount")
    try:
        value = float(str(raw))
        whole = int(value)
    except (ValueError, OverflowError):
        raise envelope.invalid("Invalid Amount Sent", "invalid_amount") from None
    if value != whole or (isinstance(raw, str) and "." in raw):
        raise envelope.invalid('"amount" must be an integer', "invalid_amount")
    if not 0 < whole <= AMOUNT_LIMIT:
        raise envelope.invalid("Invalid Amount Sent", "invalid_amount")
    return whole


def currency(given: Data, *, http: int = 403) -> str:
    """403 for what initialize cannot take, 400 where a saved card is charged."""
    name = str(given.get("currency") or "NGN").upper()
    if name not in CURRENCIES:
        text = "Currency not supported by merchant"
        raise envelope.ApiError(http, text, code="unsupported_currency")
    return name


def reference(given: Data) -> str:
    wanted = str(given.get("reference") or secrets.token_hex(5))
    if not REFERENCE.fullmatch(wanted):
        raise envelope.invalid(
            "Invalid characters in reference; use letters, digits and - . =", "invalid_reference"
        )
    return wanted


def metadata(given: Data) -> str:
    """Numbers in a plain object come back as strings, in a JSON string they keep their type."""
    value = given.get("metadata", "")
    if isinstance(value, str):
        try:
            return json.dumps(json.loads(value)) if value else '""'
        except ValueError:
            return json.dumps(value)
    if isinstance(value, dict):
        value = {key: _number_as_text(one) for key, one in value.items()}
    return json.dumps(value)


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
