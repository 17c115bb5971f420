"""The transaction resource: initialize, verify, fetch, list."""

from __future__ import annotations

import base64
import json
import re
import secrets

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paystack_sandbox import envelope
from paystack_sandbox.envelope import Data
from paystack_sandbox.store import Row, Store, now
from paystack_sandbox.views import SELECT, transaction_data

CURRENCIES = ("NGN", "GHS", "KES", "ZAR", "USD", "XOF")
REFERENCE = re.compile(r"[A-Za-z0-9\-.=_]{1,100}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
CHECKOUT = "https://checkout.paystack.com"
PER_PAGE, PER_PAGE_LIMIT = 50, 100


def _email(given: Data) -> str:
    email = str(given.get("email") or "").strip()
    if not email:
        raise envelope.missing("Email Address")
    if not EMAIL.fullmatch(email):
        raise envelope.invalid("Invalid Email Address Passed", "invalid_email_address")
    return email


def _amount(given: Data) -> int:
    """Subunits: an integer or a numeric string; 100.0 passes, 100.5 does not."""
    raw = given.get("amount")
    if raw in (None, ""):
        raise envelope.missing("Amount")
    try:
        amount = float(str(raw))
    except ValueError:
        raise envelope.invalid("Invalid Amount Sent", "invalid_amount") from None
    if amount != int(amount) or (isinstance(raw, str) and "." in raw):
        raise envelope.invalid('"amount" must be an integer', "invalid_amount")
    if amount <= 0:
        raise envelope.invalid("Invalid Amount Sent", "invalid_amount")
    return int(amount)


def _currency(given: Data) -> str:
    currency = str(given.get("currency") or "NGN").upper()
    if currency not in CURRENCIES:
        raise envelope.ApiError(
            403, "Currency not supported by merchant", code="unsupported_currency"
        )
    return currency


def _reference(given: Data) -> str:
    reference = str(given.get("reference") or secrets.token_hex(5))
    if not REFERENCE.fullmatch(reference):
        raise envelope.invalid(
            "Invalid characters in reference; use letters, digits and - . =", "invalid_reference"
        )
    return reference


def _metadata(given: Data) -> str:
    """Numbers in a plain object come back as strings, in a JSON string they keep their type."""
    metadata = given.get("metadata", "")
    if isinstance(metadata, str):
        try:
            return json.dumps(json.loads(metadata)) if metadata else '""'
        except ValueError:
            return json.dumps(metadata)
    if isinstance(metadata, dict):
        metadata = {key: _number_as_text(value) for key, value in metadata.items()}
    return json.dumps(metadata)


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class Transactions:
    """Handlers of `/transaction`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """Fixed paths first, as `/transaction/{id}` matches them all."""
        return [
            Route("/transaction/initialize", self.initialize, methods=["POST"]),
            Route("/transaction/verify/{reference:path}", self.verify),
            Route("/transaction", self.list),
            Route("/transaction/{id}", self.fetch),
        ]

    async def initialize(self, request: Request) -> Response:
        """Take the reference and give the address of the hosted page."""
        given = await envelope.params(request)
        email, amount, currency = _email(given), _amount(given), _currency(given)
        reference, access_code = _reference(given), secrets.token_hex(8)[:15]
        with self._store.transaction():
            taken = self._store.run(
                "INSERT INTO transactions (reference, access_code, customer_id, amount, currency,"
                " callback_url, metadata, status, gateway_response, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'abandoned', 'The transaction was not completed', ?)"
                " ON CONFLICT DO NOTHING",
                reference,
                access_code,
                self._store.customer_id(email),
                amount,
                currency,
                given.get("callback_url"),
                _metadata(given),
                now(),
            )
        if not taken.rowcount:
            raise envelope.DUPLICATE_REFERENCE
        return envelope.success(
            "Authorization URL created",
            {
                "authorization_url": f"{CHECKOUT}/{access_code}",
                "access_code": access_code,
                "reference": reference,
            },
        )

    async def verify(self, request: Request) -> Response:
        """What became of a reference; 200 also when the payment failed."""
        row = self._store.one(f"{SELECT} WHERE t.reference = ?", request.path_params["reference"])
        if row is None:
            raise envelope.REFERENCE_NOT_FOUND
        return envelope.success("Verification successful", transaction_data(row))

    async def fetch(self, request: Request) -> Response:
        """One transaction by its number."""
        row = self._store.one(f"{SELECT} WHERE t.id = ?", request.path_params["id"])
        if row is None:
            raise envelope.TRANSACTION_NOT_FOUND
        return envelope.success("Transaction retrieved", transaction_data(row))

    async def list(self, request: Request) -> Response:
        """Newest first; by page, or by cursor with `use_cursor=true`."""
        query = request.query_params
        where, values = _filters(query)
        per_page = min(PER_PAGE_LIMIT, max(1, _whole(query.get("perPage"), PER_PAGE)))
        if query.get("use_cursor") == "true":
            return self._by_cursor(where, values, per_page, query.get("next"))
        page = max(1, _whole(query.get("page"), 1))
        skipped = (page - 1) * per_page
        count = self._store.one(f"SELECT count(*) AS n FROM transactions t {where}", *values)
        total = int(count["n"]) if count else 0
        rows = self._rows(where, values, per_page, skipped)
        pages = -(-total // per_page)
        meta = {
            "total": total,
            "skipped": skipped,
            "perPage": per_page,
            "page": page,
            "pageCount": pages,
        }
        return _listed(rows, meta)

    def _by_cursor(
        self, where: str, values: list[object], per_page: int, after: str | None
    ) -> Response:
        if after and after != "null":
            where += " AND t.id < ?"
            values = [*values, _id_of(after)]
        rows = self._rows(where, values, per_page + 1, 0)
        more = len(rows) > per_page
        rows = rows[:per_page]
        meta = {
            "next": _cursor(rows[-1]["id"]) if more else None,
            "previous": after,
            "perPage": per_page,
        }
        return _listed(rows, meta)

    def _rows(self, where: str, values: list[object], limit: int, skip: int) -> list[Row]:
        order = "ORDER BY t.id DESC LIMIT ? OFFSET ?"
        return self._store.all(f"{SELECT} {where} {order}", *values, limit, skip)


def _filters(query: QueryParams) -> tuple[str, list[object]]:
    """The WHERE clause for a list's parameters."""
    columns = {
        "status": "t.status =",
        "customer": "t.customer_id =",
        "amount": "t.amount =",
        "from": "t.created_at >=",
        "to": "t.created_at <=",
    }
    asked = [name for name in columns if query.get(name)]
    clauses = "".join(f" AND {columns[name]} ?" for name in asked)
    return f"WHERE 1{clauses}", [query[name] for name in asked]


def _listed(rows: list[Row], meta: Data) -> Response:
    return envelope.success(
        "Transactions retrieved", [transaction_data(row) for row in rows], meta=meta
    )


def _cursor(identity: int) -> str:
    return base64.urlsafe_b64encode(f"transaction:{identity}".encode()).decode()


def _id_of(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("transaction:"))
    except ValueError:
        raise envelope.invalid("Invalid cursor", "invalid_cursor") from None


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
