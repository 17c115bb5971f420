"""
A small shop and Paystack's page, over real HTTP and TLS, with the bundled staging's own templates.

Healthy, in memory, and no more than customers need: orders are captured once and granted at once.
"""

from __future__ import annotations

import itertools
import subprocess
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader

from tests.staging.module import STAGING

SHOP_PAGES = STAGING / "vauntico-server/vauntico_server/templates"
BANK_PAGES = STAGING / "paystack/paystack_sandbox/templates"
PRODUCTS = {"creator-pass": 500_000, "lore-pack": 150_000}
PINS = {"507850785078507812": ("1111", ""), "5060666666666666666": ("1234", "123456")}
CARDS = {"4084084084084081": "captured", "4084080000005408": "Declined"} | dict.fromkeys(
    PINS, "pin"
)


def template(folder: Path, name: str, **context: object) -> str:
    """A page of the bundled staging as it is rendered there."""
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True)
    environment.filters["money"] = lambda amount, currency: f"{currency} {amount / 100:,.2f}"
    titles = {name: SimpleNamespace(title=name) for name in PRODUCTS}
    context = {"account": None, "products": titles, **context}
    return environment.get_template(name).render(**context)


class Order(SimpleNamespace):
    """An order, its payment, and the stage of the hosted page."""

    def __init__(self, number: int, email: str, product: str) -> None:
        super().__init__(
            id=f"ord_{number}",
            email=email,
            product=product,
            amount=PRODUCTS[product],
            currency="NGN",
            state="open",
            reference=f"van-{number}",
            stage="card",
            card="",
            failed=False,
            paid_reference="",
        )


class Shop:
    """Everything in memory; *broken* paths get no answer, *held* ones wait for the event."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: dict[str, str] = {}
        self.sessions: dict[str, str] = {}
        self.orders: list[Order] = []
        self.seen: Counter[str] = Counter()
        self.captures: Counter[str] = Counter()
        self.refunds: list[tuple[str, bytes]] = []
        self.support: list[str] = []
        self.agents: set[str] = set()
        self.faults: list[tuple[str, str, bytes, str]] = []
        self.control = 200
        self.broken: Counter[str] = Counter()
        self.hold: dict[str, threading.Event] = {}
        self.closed = self.refuse_signin = False
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    def order_for(self, email: str, product: str) -> Order:
        """The live order of a customer, made if there is none."""
        with self.lock:
            for order in self.orders:
                same = (order.email, order.product) == (email, product)
                if same and (order.state == "open" or product == "creator-pass"):
                    return order
            self.orders.append(Order(self.number(), email, product))
            return self.orders[-1]

    def by(self, **given: str) -> Order | None:
        """The order with such a field."""
        ((name, value),) = given.items()
        return next((each for each in self.orders if getattr(each, name) == value), None)


def certificate(folder: Path) -> Path:
    """A certificate that signs itself, with its key, in one file."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    where = ("-keyout", str(folder / "key"), "-out", str(folder / "cert"))
    subprocess.run(
        [*command.split(), "-subj", "/CN=checkout.paystack.com", *where],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return both
