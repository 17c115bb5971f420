"""
A Paystack that pages like the real one.

Newest first; a page of 100 asked for holds fewer, a cursor that ends in null, "null" or nothing,
and rows that arrive or move up while somebody reads.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

import httpx
from pydantic import JsonValue, SecretStr

from validators.ledger.paystack import Paystack
from validators.ledger.specs import PaystackLedger

Row = dict[str, JsonValue]
KEY = "sk_test_double"  # pragma: allowlist secret
NOT_FOUND = {
    "status": False,
    "message": "Transaction reference not found.",
    "code": "transaction_not_found",
    "type": "validation_error",
}


def row(number: int, **given: JsonValue) -> Row:
    """A transaction as the list shows it."""
    return {
        "id": number,
        "reference": f"r{number}",
        "status": "success",
        "amount": 500_000,
        "currency": "NGN",
        "customer": {"email": f"I{number}-run@drill.test"},
        "requested_amount": 500_000,
        "fees": 7500,
        "domain": "test",
        "metadata": 0,
        **given,
    }


@dataclass
class Answered:
    """One answer, whatever was asked."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Double:
    """Rows newest first; *moves* is called before each page, *instead* may answer in its place."""

    rows: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    events: list[Row] | None = None
    per_page: int = 3
    end: JsonValue = "null"
    tells_end: bool = True
    moves: Callable[[], None] = lambda: None
    instead: Callable[[str], Answered | None] = lambda _: None
    unknown_http: int = 400
    asked: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    put_count: int = 0

    def put(self, row: Row) -> None:
        """A row comes to the top, be it new or changed; whoever has a cursor is not disturbed."""
        self.rows.insert(0, row)
        self.put_count += 1
        self.places[str(row["id"])] = self.put_count

    async def __call__(self, scope: dict[str, object], receive: object, send: Callable) -> None:  # type: ignore[type-arg]
        assert scope["type"] == "http"
        path, query = str(scope["path"]), bytes(scope["query_string"]).decode()  # type: ignore[call-overload]
        self.asked.append(f"{path}?{query}" if query else path)
        headers = dict(scope["headers"])  # type: ignore[call-overload]
        assert headers[b"host"] == b"api.paystack.co"
        answer = self.instead(path)
        if answer is None:
            if headers[b"authorization"] != f"Bearer {KEY}".encode():
                answer = Answered(401, b'{"status":false,"message":"Invalid key"}')
            else:
                given = {key: each[0] for key, each in parse_qs(query).items()}
                http, body = self.answer(unquote(path), given)
                answer = Answered(http, json.dumps(body).encode())
        fields = {"content-type": "application/json", "date": "then", **answer.headers}
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    def answer(self, path: str, given: dict[str, str]) -> tuple[int, object]:
        """What the real one would say."""
        if path.startswith("/transaction/verify/"):
            wanted = path.removeprefix("/transaction/verify/")
            found = [each for each in self.rows if each["reference"] == wanted]
            return (200, good(found[0])) if found else (self.unknown_http, NOT_FOUND)
        self.moves()
        if path == "/transaction":
            assert "status" not in given, "a status filter loses reversals"
            return 200, self._page(self.rows, given, "perPage")
        if path == "/integration/webhooks/events" and self.events is not None:
            return 200, self._page(self.events, given, "limit")
        if path == "/refund":
            return 200, good(list(self.refunds), meta={"total": len(self.refunds)})
        return 404, {"status": False, "message": "Not found"}

    def _page(self, rows: list[Row], given: dict[str, str], size: str) -> object:
        per_page = min(self.per_page, int(given[size]))
        after = given.get("next")
        # A cursor is a place in the order: what comes to the top is never below it.
        names = [str(each.get("id", each.get("_id"))) for each in rows]
        places = [self.places.get(name, -n) for n, name in enumerate(names)]
        below = [n for n, place in enumerate(places) if not after or place < int(after)]
        page = [rows[n] for n in below[:per_page]]
        more = len(below) > per_page
        meta: dict[str, object] = {"perPage": per_page}
        if more:
            meta["next"] = str(places[below[per_page - 1]])
        elif self.tells_end:
            meta["next"] = self.end
        return good(page, meta=meta)

    def client(self, *, key: str = KEY, calls: int = 100_000) -> Paystack:
        """The drill's client, whose requests come here."""
        spec = PaystackLedger(key=SecretStr(key), calls_a_minute=calls)
        client = Paystack(spec)
        client._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self),  # type: ignore[arg-type]
            base_url=spec.url,
            headers={"authorization": f"Bearer {key}"},
        )
        return client


def good(data: object, **more: object) -> dict[str, object]:
    """An envelope that says the call worked."""
    return {"status": True, "message": "as asked", "data": data, **more}
