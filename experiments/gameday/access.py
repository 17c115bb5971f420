"""Who may speak to the drill: whoever has the token, on this machine, from no other web page."""

import secrets
from collections.abc import Mapping

import msgspec

TOKEN_BYTES = 32
NAMES = ("127.0.0.1", "localhost")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every answer."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not answered: HTTP status and reason."""

    status: int
    reason: str


def new_token() -> str:
    """Make a token for one drill; it opens nothing else and dies with it."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Access:
    """
    Checks the headers of a request.

    Args:
        token: What the page and the commands must show.

        port: Where we listen on loopback.
    """

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._hosts = frozenset(f"{name}:{port}" for name in NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    def refusal(self, headers: Mapping[str, str], *, open_to_all: bool) -> Refusal | None:
        """
        Say why this request is refused, None if it is not.

        Args:
            headers: By lower-case name.
            open_to_all: True for the page's own files, which tell nothing.
        """
        # A name of somebody else's that resolves to loopback: DNS rebinding.
        if headers.get("host", "").lower() not in self._hosts:
            return Refusal(421, "this address answers to 127.0.0.1 and localhost only")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return Refusal(403, "another web page may not speak to the drill")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not open_to_all:
            return Refusal(403, "another web page may not speak to the drill")
        if not open_to_all and not self._knows(headers.get("authorization", "")):
            return Refusal(401, "the token is missing or wrong; use the address the drill printed")
        return None

    def _knows(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(
            token.strip().encode(), self._token
        )
