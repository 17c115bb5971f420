"""The pages of the small shop and of Paystack, over real HTTP and TLS."""

from __future__ import annotations

import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.experiments.load.shop import (
    BANK_PAGES,
    CARDS,
    PINS,
    SHOP_PAGES,
    Order,
    Shop,
    certificate,
    template,
)


class Handler(http.server.BaseHTTPRequestHandler):
    """What both sites share."""

    shop: ClassVar[Shop]
    base: ClassVar[str]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(size)
        self.form = {k: v[0] for k, v in parse_qs(self.body.decode()).items()}
        self.shop.agents.add(self.headers.get("user-agent") or "")
        parts = urlsplit(self.path)
        self.query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        first = "/" + parts.path.split("/")[1]
        with self.shop.lock:
            self.shop.seen[first] += 1
            lost = self.shop.broken[first] > 0
            self.shop.broken[first] -= lost
        if first in self.shop.hold:
            self.shop.hold[first].wait(30)
        if lost:
            self.connection.close()
            return
        try:
            self.answer(self.command, parts.path)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self, method: str, path: str) -> None:
        raise NotImplementedError

    def reply(self, status: int, text: str = "", **headers: str) -> None:
        """Send an answer."""
        body = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def go(self, where: str, **headers: str) -> None:
        """Send the customer elsewhere."""
        self.reply(303, location=where, **headers)


class ShopHandler(Handler):
    """The shop's own pages."""

    def answer(self, method: str, path: str) -> None:
        name = {"/buy": "buy", "/signup": "sign", "/signin": "sign", "/support": "support"}.get(
            path
        )
        if method == "POST" and name:
            getattr(self, name)()
        elif path.startswith("/api/admin/orders/"):
            self.refund(path.split("/")[4])
        elif path.startswith("/faults/"):
            token = self.headers.get("authorization") or ""
            self.shop.faults.append((method, path, self.body, token))
            self.reply(self.shop.control)
        elif path.startswith("/api/v1/"):
            self.reply(201, '{"id": "n1"}')
        elif path.startswith("/checkout/"):
            self.callback(cancelled=path.endswith("/cancelled"))
        elif path.startswith("/orders/"):
            self.order(path.rpartition("/")[2])
        elif path == "/dashboard":
            self.dashboard()
        else:
            self.reply(200, template(SHOP_PAGES, "home.html"))

    @property
    def email(self) -> str:
        found = re.search(r"session=(\w+)", self.headers.get("cookie") or "")
        return self.shop.sessions.get(found[1], "") if found else ""

    def sign(self) -> None:
        email, known = self.form["email"], self.form["email"] in self.shop.accounts
        if self.path == "/signup" and known:
            self.reply(422, template(SHOP_PAGES, "signup.html", problem="there", email=email))
            return
        if self.path == "/signin" and self.shop.refuse_signin:
            self.reply(401, template(SHOP_PAGES, "signin.html", problem="wrong", email=email))
            return
        self.shop.accounts.setdefault(email, self.form["password"])
        token = f"t{self.shop.number()}"
        self.shop.sessions[token] = email
        self.go("/plans", set_cookie=f"session={token}")

    def buy(self) -> None:
        if not self.email:
            self.go("/signin?next=/plans")
            return
        if self.shop.closed:
            page = {"outcome": "unavailable", "reason": "closed", "product": self.form["product"]}
            self.reply(503, template(SHOP_PAGES, "checkout.html", order_id="", **page))
            return
        order = self.shop.order_for(self.email, self.form["product"])
        if order.state == "open":
            if order.failed:
                order.failed, order.stage = False, "card"
            self.go(f"https://checkout.paystack.com/{order.id}")
        else:
            self.go(f"/orders/{order.id}")

    def callback(self, *, cancelled: bool) -> None:
        order = self.shop.by(reference=self.query.get("reference", ""))
        if order is None:
            self.reply(404, template(SHOP_PAGES, "lost.html"))
        elif cancelled and order.state == "open":
            page = {"outcome": "cancelled", "reason": "cancelled", "order_id": order.id}
            self.reply(200, template(SHOP_PAGES, "checkout.html", product=order.product, **page))
        elif order.email == self.email:
            self.go(f"/orders/{order.id}")
        else:
            page = {"outcome": self.outcome(order), "reason": "elsewhere", "order_id": ""}
            self.reply(200, template(SHOP_PAGES, "checkout.html", product=order.product, **page))

    def outcome(self, order: Order) -> str:
        if order.state == "fulfilled":
            return "paid"
        return ("failed" if order.failed else "pending") if order.state == "open" else "cancelled"

    def order(self, number: str) -> None:
        order = self.shop.by(id=number)
        if order is None or order.email != self.email:
            self.reply(404, template(SHOP_PAGES, "lost.html"))
            return
        product = SimpleNamespace(title=order.product, name=order.product)
        page = {"order": order, "product": product, "outcome": self.outcome(order)}
        self.reply(200, template(SHOP_PAGES, "order.html", **page))

    def dashboard(self) -> None:
        mine = [order for order in self.shop.orders if order.email == self.email]
        passes = [
            SimpleNamespace(product=each.product, order_id=each.id, starts_at=datetime.now(UTC))
            for each in mine
            if each.state == "fulfilled"
        ]
        self.reply(200, template(SHOP_PAGES, "dashboard.html", passes=passes, orders=mine))

    def refund(self, number: str) -> None:
        order = self.shop.by(id=number)
        if order is None or self.headers.get("x-api-key") != "key":
            self.reply(404)
            return
        self.shop.refunds.append((number, self.body))
        self.reply(202, '{"refund": 1}')

    def support(self) -> None:
        self.shop.support.append(self.email)
        self.reply(200, template(SHOP_PAGES, "support.html", thanks=True))


class BankHandler(Handler):
    """checkout.paystack.com."""

    def answer(self, method: str, path: str) -> None:
        assert self.headers["host"] == "checkout.paystack.com"
        _, number, *step = path.split("/")
        order = self.shop.by(id=number)
        assert order is not None
        if order.state != "open":
            self.back(order)
        elif step == ["cancel"]:
            self.go(f"{self.base}/checkout/cancelled?reference={order.reference}")
        else:
            if method == "POST":
                self.pay(order)
            if order.state == "open":
                self.page(order)
            else:
                self.back(order)

    def back(self, order: Order) -> None:
        pair = f"trxref={order.reference}&reference={order.reference}"
        self.go(f"{self.base}/checkout/callback?{pair}")

    def pay(self, order: Order) -> None:
        if order.stage == "card":
            order.card = self.form.get("card_number", "")
            word = CARDS.get(order.card, "failed")
            order.gateway_response = word
            if word == "pin":
                order.stage = "pin"
            elif word == "failed":
                order.stage, order.failed = "over", True
            elif word == "captured":
                self.capture(order)
        elif order.stage in ("pin", "otp"):
            pin, otp = PINS[order.card]
            assert self.form[f"card_{order.stage}"] == (pin if order.stage == "pin" else otp)
            if order.stage == "pin" and otp:
                order.stage = "otp"
            else:
                self.capture(order)

    def capture(self, order: Order) -> None:
        with self.shop.lock:
            self.shop.captures[order.email] += 1
            order.state, order.paid_reference = "fulfilled", order.reference

    def page(self, order: Order) -> None:
        row = SimpleNamespace(
            email=order.email,
            stage=order.stage,
            access_code=order.id,
            attempts=int(bool(order.card)),
            gateway_response=getattr(order, "gateway_response", ""),
        )
        way = f"{self.base}/checkout/callback?trxref={order.reference}&reference={order.reference}"
        self.reply(200, template(BANK_PAGES, "hosted.html", row=row, back=way, amount="1"))


class Server(http.server.ThreadingHTTPServer):
    """One that is not upset by customers who leave."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A connection that was cut is what some tests are about."""


@contextmanager
def open_shop(folder: Path) -> Iterator[tuple[Shop, str, str]]:
    """A shop, its address, and the address:port of Paystack's page."""
    shop = Shop()
    web = Server(("127.0.0.1", 0), type("Web", (ShopHandler,), {"shop": shop}))
    base = f"http://127.0.0.1:{web.server_port}"
    bank = Server(("127.0.0.1", 0), type("Bank", (BankHandler,), {"shop": shop, "base": base}))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    bank.socket = tls.wrap_socket(bank.socket, server_side=True)
    threads = [threading.Thread(target=each.serve_forever, args=(0.02,)) for each in (web, bank)]
    for thread in threads:
        thread.start()
    try:
        yield shop, base, f"127.0.0.1:{bank.server_port}"
    finally:
        for held in shop.hold.values():
            held.set()
        for each in (web, bank):
            each.shutdown()
            each.server_close()
        for thread in threads:
            thread.join()
