"""The bundled shop's own pages on loopback, without a shop behind them, and Paystack's script."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader

from tests.experiments.load.shop import certificate
from tests.staging.sandbox.inside import part

SERVER = Path(__file__).parents[3] / "staging/vauntico-server/vauntico_server"
PASS = SimpleNamespace(name="creator-pass", title="Creator Pass", price="NGN 5,000", pitch="All.")
HANGS_S = 20.0
AFTER = {"/signup": "/plans", "/signin": "/plans", "/signout": "/"}


@dataclass
class SmallShop:
    """What was asked of it, and whether the customer is signed in."""

    posts: list[str] = field(default_factory=list)
    signed_in: bool = False
    web: str = ""
    paystack: str = ""

    @property
    def resolve(self) -> dict[str, str]:
        """Where the journeys' browser finds Paystack."""
        return dict.fromkeys(("js.paystack.co", "checkout.paystack.com"), self.paystack)


class _Quiet(BaseHTTPRequestHandler):
    shop: SmallShop

    def answer(self, status: int, body: str = "", kind: str = "text/html", to: str = "") -> None:
        """Send a whole answer."""
        self.send_response(status)
        if to:
            self.send_header("location", to)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Shop(_Quiet):
    pages = Environment(loader=FileSystemLoader(SERVER / "templates"), autoescape=True)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/static/"):
            kind = "text/javascript" if path.endswith(".js") else "text/css"
            self.answer(200, (SERVER / path.removeprefix("/")).read_text(), kind)
            return
        name = "home.html" if path == "/" else f"{path.removeprefix('/')}.html"
        if name not in self.pages.list_templates():
            self.answer(404)
            return
        self.answer(200, self._page(name))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.shop.posts.append(self.path)
        if self.path == "/buy":
            self.answer(303, to="https://checkout.paystack.com/abc")
        elif self.path == "/support":
            self.answer(200, self._page("support.html", thanks=True))
        else:
            self.shop.signed_in = self.path != "/signout"
            self.answer(303, to=AFTER[self.path])

    def _page(self, name: str, **more: object) -> str:
        account = SimpleNamespace(email="ada@drill.test") if self.shop.signed_in else None
        given = {"checkout_open": True, "products": {PASS.name: PASS}, "account": account}
        return self.pages.get_template(name).render(given | more)


class _Paystack(_Quiet):
    def do_GET(self) -> None:
        if self.path == "/v2/inline.js":
            self.answer(200, part("inline").SCRIPT, "text/javascript")
        elif self.headers["host"].startswith("checkout."):
            self.answer(200, '<p data-testid="card-number">Your card</p>')
        else:
            self.answer(404)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that tries a certificate and hangs up is no error."""


@contextmanager
def _serving(handler: type[_Quiet], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _bound(handler: type[_Quiet], shop: SmallShop) -> type[_Quiet]:
    return type(handler.__name__, (handler,), {"shop": shop})


@contextmanager
def small_shop(folder: Path) -> Iterator[SmallShop]:
    """Shop and Paystack, each on a port of its own."""
    shop = SmallShop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    with (
        _serving(_bound(_Shop, shop)) as web,
        _serving(_bound(_Paystack, shop), tls) as paystack,
    ):
        shop.web, shop.paystack = f"http://{web}", paystack
        yield shop
