"""A customer of the staging shop, over plain HTTP: what a browser would do, without one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.staging.stack import Stack

CHECKOUT = "checkout.paystack.com"
PAYSTACK = ("api.paystack.co", CHECKOUT, "js.paystack.co")
"""The names of the sandbox."""
DEADLINE_S = 5.0
SUCCESS = {"card_number": "4084 0840 8408 4081", "card_expiry": "12/30", "card_cvv": "408"}
PIN = {"card_number": "5078507850785078 12", "card_expiry": "12/30", "card_cvv": "081"}
PIN_OTP = {"card_number": "5060666666666666666", "card_expiry": "12/30", "card_cvv": "123"}
DECLINED = {"card_number": "4084080000005408", "card_expiry": "12/30", "card_cvv": "001"}
NO_FUNDS = {"card_number": "4084080000670037", "card_expiry": "12/30", "card_cvv": "787"}


@dataclass
class Customer:
    """Signs up, buys, pays and looks at the dashboard."""

    stack: Stack
    email: str = field(default_factory=lambda: f"c-{uuid4().hex[:12]}@drill.test")
    password: str = "correct horse battery"

    def __post_init__(self) -> None:
        self.web = httpx.Client(base_url=self.stack.web_url, timeout=DEADLINE_S)
        # The sandbox is asked by its real name; its certificate is the drill's own.
        self.bank = httpx.Client(verify=False, timeout=DEADLINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.web.close()
        self.bank.close()

    def sign_up(self) -> Customer:
        """Make an account, leave, and sign in again."""
        form = {"email": self.email, "password": self.password}
        assert self.web.post("/signup", data=form).status_code == 303
        assert self.web.post("/signout").status_code == 303
        assert self.web.post("/signin", data=form).status_code == 303
        return self

    def buy(self, product: str = "creator-pass") -> httpx.Response:
        """Press the button on the plans page."""
        return self.web.post("/buy", data={"product": product})

    def start(self, product: str = "creator-pass") -> str:
        """Buy, and give the hosted page's address."""
        answer = self.buy(product)
        assert answer.status_code == 303, answer.text
        address = answer.headers["location"]
        assert address.startswith(f"https://{CHECKOUT}/"), address
        return str(address)

    def hosted(
        self, method: str, address: str, form: dict[str, str] | None = None
    ) -> httpx.Response:
        """A request to checkout.paystack.com, wherever it is published."""
        local = address.replace(
            f"https://{CHECKOUT}", f"https://127.0.0.1:{self.stack.paystack_port}"
        )
        return self.bank.request(
            method,
            local,
            headers={"host": CHECKOUT},
            extensions={"sni_hostname": CHECKOUT},
            data=form,
        )

    def pay(self, address: str, *forms: dict[str, str]) -> httpx.Response:
        """Fill in the hosted page's forms one after the other; the last answer."""
        answer = self.hosted("GET", address)
        assert answer.status_code == 200
        assert 'data-testid="card-number"' in answer.text
        for form in forms:
            answer = self.hosted("POST", f"{address}/pay", form)
        return answer

    def come_back(self, answer: httpx.Response) -> httpx.Response:
        """Follow the hosted page back to the shop."""
        assert answer.status_code == 303, answer.text
        return self.web.get(answer.headers["location"], follow_redirects=True)

    def purchase(self, product: str = "creator-pass") -> httpx.Response:
        """From the plans page to the order's page, with the card that works."""
        return self.come_back(self.pay(self.start(product), SUCCESS))

    def has_pass(self, product: str = "creator-pass") -> bool:
        """Whether the dashboard shows it."""
        try:
            return f'data-testid="pass-{product}"' in self.web.get("/dashboard").text
        except httpx.TransportError:
            return False

    def reference(self) -> str:
        """The reference of this customer's newest attempt to pay."""
        return self.stack.sql(
            "SELECT reference FROM attempts a JOIN orders o ON o.id = a.order_id"
            f" WHERE o.email = '{self.email}' ORDER BY a.created_at DESC LIMIT 1"
        )

    def mails(self) -> list[dict[str, Any]]:
        """What the inbox caught for this customer."""
        try:
            answer = httpx.get(f"{self.stack.inbox_url}/api/messages", params={"to": self.email})
        except httpx.TransportError:
            return []  # the inbox is just being broken, or coming back
        return list(answer.json())


def outcome(page: httpx.Response) -> str:
    """What the page tells the customer."""
    found = re.search(r'data-testid="checkout-message" data-outcome="(\w+)"', page.text)
    assert found, page.text
    return found[1]
