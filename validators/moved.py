"""HTTP to hosts that something of the drill's own stands in for, under their real names."""

import ssl
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

import httpx

AGENT = "vauntico-drills"
"""What a drill's own requests say, so that a log of calls can tell them from the shop's."""


@cache
def _trust(*, proven: bool) -> ssl.SSLContext:
    """Whom TLS believes; reading all authorities takes longer than a request."""
    return httpx.create_ssl_context(verify=proven, trust_env=False)


class Moved(httpx.AsyncBaseTransport):
    """
    Sends requests for some hosts elsewhere, and all others where they belong.

    A stand-in is asked by its real name, in `Host` and in TLS, so that addresses, cookies and
    redirects stay what a customer's browser sees. Its certificate is the drill's own and not
    proven; everybody else's is.

    Args:
        resolve: Host -> address:port.
    """

    def __init__(self, resolve: Mapping[str, str]) -> None:
        self._places = {host: urlsplit(f"//{place}") for host, place in resolve.items()}
        self._direct: httpx.AsyncHTTPTransport | None = None
        self._instead: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises what httpx's own transport raises."""
        place = self._places.get(request.url.host)
        if place is None:
            self._direct = self._direct or _transport(proven=True)
            return await self._direct.handle_async_request(request)
        self._instead = self._instead or _transport(proven=False)
        moved = httpx.Request(
            request.method,
            request.url.copy_with(host=place.hostname, port=place.port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._instead.handle_async_request(moved)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in (self._direct, self._instead):
            if transport is not None:
                await transport.aclose()


def _transport(*, proven: bool) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=_trust(proven=proven), trust_env=False)


def client(
    resolve: Mapping[str, str],
    *,
    timeout_s: float,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
) -> httpx.AsyncClient:
    """A client that follows no redirect by itself and asks the environment for no proxy."""
    return httpx.AsyncClient(
        transport=Moved(resolve),
        base_url=base_url,
        headers={"user-agent": AGENT, **(headers or {})},
        timeout=timeout_s,
        trust_env=False,
    )
