"""The hosted page on checkout.paystack.com: where the customer pays, and is sent back from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from paystack_sandbox import cards, envelope
from paystack_sandbox.biting import DID
from paystack_sandbox.captures import Captures
from paystack_sandbox.cards import Card
from paystack_sandbox.store import Row, Store
from paystack_sandbox.views import SELECT

PAID = ("success", "reversed", "reversal-pending")
# All that the customer has to do is done; the money may still be on its way.
GONE = ("over", "waiting")


@dataclass(frozen=True)
class Step:
    """What a post of the form led to: the next stage, or an end."""

    stage: str
    status: str
    says: str
    captured: bool = False
    card: Card | None = None


def next_step(stage: str, card_number: str | None, form: dict[str, str]) -> Step:
    """
    What the bank says to the form, decided without touching anything.

    A declined card leaves the transaction abandoned, so that another may be tried; a wrong PIN or
    OTP ends it as failed.
    """
    if stage == "card":
        card = cards.find(form.get("card_number", ""), form.get("card_cvv", ""))
        if card is None:
            return Step("card", "abandoned", cards.NOT_A_TEST_CARD)
        if card.pin:
            return Step("pin", "ongoing", "Please enter your card PIN", card=card)
        return _end(card)
    card = cards.CARDS[str(card_number)]
    wanted, name = (card.pin, "PIN") if stage == "pin" else (card.otp, "OTP")
    if form.get(f"card_{stage}") != wanted:
        return Step("over", "failed", f"Incorrect {name}", card=card)
    if stage == "pin" and card.otp:
        return Step("otp", "ongoing", "Please enter the OTP sent to you", card=card)
    return _end(card)


def _end(card: Card) -> Step:
    """How a card that has said all it was asked for ends."""
    if card.outcome == "captured":
        return Step("over", "success", card.says, captured=True, card=card)
    if card.outcome == "declined":
        return Step("card", "abandoned", card.says, card=card)
    return Step("over", "failed", card.says, card=card)


class HostedPage:
    """Handlers of checkout.paystack.com."""

    def __init__(self, store: Store, captures: Captures) -> None:
        self._store = store
        self._captures = captures
        environment = Environment(loader=PackageLoader("paystack_sandbox"), autoescape=True)
        self._page = environment.get_template("hosted.html")

    def routes(self) -> list[Route]:
        """The paths of the hosted page."""
        return [
            Route("/{access_code}", self.show, methods=["GET"]),
            Route("/{access_code}/pay", self.pay, methods=["POST"]),
            Route("/{access_code}/cancel", self.cancel, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form; or the way back, when there is nothing left to do here."""
        row = self._find(request)
        if row is None:
            return HTMLResponse(self._page.render(row=None), 404)
        if row["status"] in PAID or row["stage"] == "waiting":
            return self._back(row)
        return self._render(row)

    async def pay(self, request: Request) -> Response:
        """Take a form; a capture is committed before anybody is told of it."""
        form = envelope.form(await request.body())
        row = self._find(request)
        if row is None:
            return HTMLResponse(self._page.render(row=None), 404)
        if row["status"] not in PAID and row["stage"] not in GONE:
            step = next_step(row["stage"], row["card"], form)
            self._record(row, step)
            if step.captured:
                request.scope.get(DID, {})["captured"] = True
            row = self._find(request)
            assert row is not None
        paid = row["status"] in PAID or row["stage"] == "waiting"
        return self._back(row) if paid else self._render(row)

    async def cancel(self, request: Request) -> Response:
        """Leave without paying; the transaction stays abandoned, which is not final."""
        row = self._find(request)
        if row is None:
            return HTMLResponse(self._page.render(row=None), 404)
        if row["status"] in PAID:
            return self._back(row)
        metadata: Any = json.loads(row["metadata"])
        action = metadata.get("cancel_action") if isinstance(metadata, dict) else None
        if action:
            return RedirectResponse(str(action), 303)
        return HTMLResponse(self._page.render(row=row, cancelled=True, amount=_amount(row)))

    def _find(self, request: Request) -> Row | None:
        code = request.path_params["access_code"]
        return self._store.one(f"{SELECT} WHERE t.access_code = ?", code)

    def _record(self, row: Row, step: Step) -> None:
        """Write down a step; a capture is durable when this returns."""
        with self._store.transaction():
            if step.captured and step.card is not None:
                if not self._captures.take_later(row, step.card):
                    self._captures.take(row, step.card, step.says)
                return
            self._store.run(
                "UPDATE transactions SET status = ?, stage = ?, gateway_response = ?, card = ?,"
                " attempts = attempts + 1 WHERE id = ?",
                step.status,
                step.stage,
                step.says,
                step.card.number if step.card else None,
                row["id"],
            )

    def _render(self, row: Row) -> Response:
        return HTMLResponse(self._page.render(row=row, amount=_amount(row), back=return_url(row)))

    def _back(self, row: Row) -> Response:
        url = return_url(row)
        if url:
            return RedirectResponse(url, 303)
        return HTMLResponse(self._page.render(row=row, paid=True, amount=_amount(row)))


def return_url(row: Row) -> str | None:
    """The merchant's callback with `trxref` and `reference` added to what it has already."""
    if not row["callback_url"]:
        return None
    parts = urlsplit(row["callback_url"])
    added = urlencode({"trxref": row["reference"], "reference": row["reference"]})
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def _amount(row: Row) -> str:
    return f"{row['currency']} {row['amount'] / 100:,.2f}"
