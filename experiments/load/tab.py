"""
A tab of a customer's browser, over plain HTTP: cookies, one address at a time, never a retry.

Every request has a new connection and a deadline of its own: so a reset is seen as what it is, no
answer of an earlier, given up request can be waiting, and nothing is ever sent twice unasked.
"""

import os
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import msgspec

from experiments.load.pages import Page
from experiments.load.wire import CHECKOUT, Site

CONNECT_LIMIT_S, REQUEST_LIMIT_S = 5.0, 10.0
BODY_LIMIT = 512 * 1024
AGENT = "vauntico-drills-load"
"""Whoever reads the shop's logs sees that these are no customers of flesh and blood."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)


class TooLate(Exception):
    """The deadline of a request is over."""


class Asked(msgspec.Struct, frozen=True):
    """One request as the load's own figures count it; *problem* is empty if it was answered."""

    name: str
    method: str
    took_s: float
    size: int
    problem: str = ""


class Network(msgspec.Struct, frozen=True):
    """
    What all tabs of a process share.

    Attributes:
        shop_tls: How the shop's certificate is verified.

        bank_tls: How Paystack's is; one that stands in for it has the drill's own.

        limit: Ends what runs inside it with `TooLate` after so many seconds.

        count: Told of each request.
    """

    site: Site
    shop_tls: ssl.SSLContext
    bank_tls: ssl.SSLContext
    limit: Callable[[float], AbstractContextManager[object]]
    count: Callable[[Asked], None]


def make_network(
    site: Site,
    limit: Callable[[float], AbstractContextManager[object]],
    count: Callable[[Asked], None],
) -> Network:
    """A network for a site; certificates are read once, as that is slow."""
    trusted = ssl.create_default_context()
    stands_in = ssl.create_default_context()
    stands_in.check_hostname = False
    stands_in.verify_mode = ssl.CERT_NONE
    bank = stands_in if CHECKOUT in site.resolve else trusted
    return Network(site=site, shop_tls=trusted, bank_tls=bank, limit=limit, count=count)


class Tab:
    """One session: its own cookies at the shop."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._shop = _client(network.shop_tls)
        self._bank = _client(network.bank_tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shop.close()
        self._bank.close()

    def get(self, path: str, name: str = "") -> Page:
        """A page of the shop; *path* may be its whole address."""
        return self.send("GET", path, name=name)

    def post(self, path: str, form: Mapping[str, str]) -> Page:
        """A form of the shop."""
        return self.send("POST", path, form=form)

    def send(
        self,
        method: str,
        path: str,
        *,
        name: str = "",
        form: Mapping[str, str] | None = None,
        json: tuple[str, Mapping[str, str]] | None = None,
    ) -> Page:
        """
        One request to the shop.

        Args:
            method: GET, POST or another.
            path: A path, or a whole address at the shop; nothing is sent anywhere else.
            name: What it counts as, the path if empty.
            form: Fields of a form, or
            json: a JSON body with the headers that go with it.
        """
        base, asked = urlsplit(self._network.site.web), urlsplit(path)
        if asked.netloc and asked.netloc != base.netloc:
            return Page(0, problem=f"sent to {asked.netloc}, which is not the shop", sent=False)
        query = f"?{asked.query}" if asked.query else ""
        url = f"{self._network.site.web.rstrip('/')}{asked.path}{query}"
        request = self._shop.build_request(method, url, data=form)
        if json is not None:
            body, headers = json
            headers = {"content-type": "application/json", **headers} if body else headers
            request = self._shop.build_request(method, url, content=body or None, headers=headers)
        return self._ask(self._shop, request, name or asked.path)

    def hosted(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Page:
        """A request to checkout.paystack.com, wherever the environment says that it is."""
        asked = urlsplit(url)
        if asked.hostname != CHECKOUT:
            return Page(0, problem=f"{asked.netloc} is not Paystack's page", sent=False)
        where = self._network.site.resolve.get(CHECKOUT, asked.netloc)
        request = self._bank.build_request(
            method,
            f"https://{where}{asked.path}",
            data=form,
            headers={"host": CHECKOUT},
            extensions={"sni_hostname": CHECKOUT},
        )
        step = asked.path.rpartition("/")[2] if method == "POST" else "page"
        return self._ask(self._bank, request, f"hosted {step}")

    def control(self, method: str, path: str, body: bytes = b"") -> Page:
        """A request to the sandbox's control port, which no customer has."""
        site = self._network.site
        headers = {"authorization": f"Bearer {site.sandbox_token}"}
        url = f"{site.sandbox.rstrip('/')}{path}"
        request = self._bank.build_request(method, url, content=body or None, headers=headers)
        return self._ask(self._bank, request, "sandbox control")

    def _ask(self, client: httpx.Client, request: httpx.Request, name: str) -> Page:
        began = time.monotonic()
        try:
            with self._network.limit(REQUEST_LIMIT_S):
                page = _answered(client, request)
        except TooLate:
            page = Page(0, problem=f"no whole answer within {REQUEST_LIMIT_S:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            sent = not isinstance(error, NOT_SENT)
            page = Page(0, problem=f"{type(error).__name__}: {error}", sent=sent)
        problem = page.problem or (f"HTTP {page.status}" if page.status >= 500 else "")  # noqa: PLR2004
        took = time.monotonic() - began
        self._network.count(Asked(name, request.method, took, len(page.text), problem))
        return page


def _client(tls: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(
        verify=tls,
        trust_env=False,
        timeout=httpx.Timeout(REQUEST_LIMIT_S, connect=CONNECT_LIMIT_S),
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"user-agent": f"{AGENT} (process {os.getpid()})"},
    )


def _answered(client: httpx.Client, request: httpx.Request) -> Page:
    """The whole answer; raises what httpx raises, and ValueError if it is beyond all measure."""
    with closing(client.send(request, stream=True)) as answer:
        body = b""
        for part in answer.iter_bytes():
            body += part
            if len(body) > BODY_LIMIT:
                raise ValueError(f"a page of more than {BODY_LIMIT} bytes")
        text = body.decode(answer.encoding or "utf-8", "replace")
        return Page(answer.status_code, text, answer.headers.get("location", ""))
