"""Settings come from the environment of the container, and from nowhere else."""

from __future__ import annotations

import hmac
import os


def text(name: str, default: str | None = None) -> str:
    """The variable *name*; without a default it must be set."""
    value = os.environ.get(name) or default
    if value is None:
        raise SystemExit(f"the environment variable {name} is not set")
    return value


def number(name: str, default: float) -> float:
    """The variable *name* as a number; empty means the default."""
    return float(os.environ.get(name) or default)


def paystack_secret_key() -> str:
    """Our key at Paystack; a live key stops the service before it can do harm."""
    key = text("PAYSTACK_SECRET_KEY")
    if not key.startswith("sk_test_"):
        raise SystemExit("PAYSTACK_SECRET_KEY must be a test key (sk_test_...): this is staging")
    return key


def same_secret(given: str | None, wanted: str) -> bool:
    """Compare two secrets without telling by the time taken how much of them agrees."""
    return hmac.compare_digest((given or "").encode(), wanted.encode())
