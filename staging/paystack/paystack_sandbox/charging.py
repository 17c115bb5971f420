"""`/transaction/charge_authorization`: a saved card is charged without its owner."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope, parameters
from paystack_sandbox.captures import Captures
from paystack_sandbox.cards import CARDS
from paystack_sandbox.envelope import Data
from paystack_sandbox.store import Row, Store
from paystack_sandbox.transactions import create
from paystack_sandbox.views import SELECT, transaction_data

ANOTHERS = (
    "Email does not match Authorization code. Authorization may be inactive or belong to a"
    " different email. Please confirm."
)


class Charging:
    """The handler."""

    def __init__(self, store: Store, captures: Captures) -> None:
        self._store = store
        self._captures = captures

    def routes(self) -> list[Route]:
        return [Route("/transaction/charge_authorization", self.charge, methods=["POST"])]

    async def charge(self, request: Request) -> Response:
        """Not idempotent but for its reference: charged once for each."""
        given = await envelope.params(request)
        saved = self._saved(given)
        row = create(self._store, given, http=400)
        card = CARDS[saved["card"]]
        with self._store.transaction():
            if not self._captures.take_later(row, card):
                self._captures.take(row, card, "Approved")
        charged = self._store.one(f"{SELECT} WHERE t.id = ?", row["id"])
        assert charged is not None
        return envelope.success("Charge attempted", transaction_data(charged))

    def _saved(self, given: Data) -> Row:
        email, code = parameters.email(given), str(given.get("authorization_code") or "")
        parameters.amount(given)
        if not code:
            raise envelope.missing("Authorization Code")
        saved = self._store.one(
            "SELECT a.card, c.email FROM authorizations a JOIN customers c ON c.id = a.customer_id"
            " WHERE a.code = ?",
            code,
        )
        if saved is None:
            raise envelope.invalid("Authorization code is invalid", "invalid_authorization")
        if saved["email"] != email:
            raise envelope.invalid(ANOTHERS, "email_mismatch")
        return saved
