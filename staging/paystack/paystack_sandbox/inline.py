"""
The payment script on js.paystack.co, as shops load it into their pages.

It opens nothing: the bundled shop sends its customers to the hosted page, and only wants to know
whether their browser reaches Paystack at all.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

VERSION = "2.0.0-sandbox"
SCRIPT = f"""\
// Paystack's payment script, as a sandbox: it says that it is there, and does no more.
window.PaystackPop = Object.freeze({{ version: "{VERSION}" }});
"""


async def script(_: Request) -> Response:
    """Always fresh: a browser's copy would hide that it cannot be reached."""
    headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
    return Response(SCRIPT, media_type="text/javascript", headers=headers)


ROUTES = (Route("/v2/inline.js", script),)
