"""The shapes of Paystack's answers, read as loosely as they vary and no looser."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from drill.payments import Delivery, Refund, Transaction
from validators.ledger.reading import Unread

Raw = msgspec.Raw
T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
UNKNOWN_REFERENCE = "transaction_not_found"
UNKNOWN_REFERENCE_TOLD = "transaction reference not found"
WRONG_KEY = "invalid_key"


class _Meta(msgspec.Struct):
    next: str | int | None = None
    page_count: int | None = msgspec.field(default=None, name="pageCount")


class Envelope(msgspec.Struct):
    """What is around every answer; its status says that the call worked, and nothing of money."""

    status: bool
    message: str = ""
    data: Raw = msgspec.field(default_factory=lambda: Raw(b"null"))
    meta: Raw = msgspec.field(default_factory=lambda: Raw(b"null"))
    code: str | None = None
    type: str | None = None

    @property
    def told(self) -> str:
        """The error in Paystack's words."""
        return f"{self.code or 'no code'}: {self.message}"

    @property
    def says_unknown_reference(self) -> bool:
        """Whether Paystack says that it knows no such reference."""
        return self.code == UNKNOWN_REFERENCE or self.message.lower().startswith(
            UNKNOWN_REFERENCE_TOLD
        )

    @property
    def final(self) -> bool:
        """Whether asking again would bring the same error."""
        return (
            self.says_unknown_reference
            or self.type == "validation_error"
            or (self.code or "").lower() == WRONG_KEY
        )

    def rows(self) -> list[Raw]:
        """
        The rows of a list.

        Raises:
            Unread: It is an error, or no list.
        """
        if not self.status:
            raise Unread(self.told)
        return _decoded(self.data, list[Raw], "a list")

    def cursor(self) -> str:
        """
        Where the next page is, empty on the last one: missing, null, or the text "null".

        Raises:
            Unread: The pages have numbers, and there are more of them.
        """
        if bytes(self.meta) == b"null":
            return ""
        meta = _decoded(self.meta, _Meta, "meta")
        if meta.next in {None, "", "null"}:
            if (meta.page_count or 0) > 1:
                raise Unread("answered by page numbers although a cursor was asked for")
            return ""
        return str(meta.next)


class _Customer(msgspec.Struct):
    email: str | None = None


class _Transaction(msgspec.Struct):
    id: int
    reference: str
    status: str
    amount: int
    currency: str
    customer: _Customer | None = None
    requested_amount: int | None = None
    fees: int | None = None
    domain: str | None = None


class _Id(msgspec.Struct):
    id: int
    reference: str | None = None


class _Refund(msgspec.Struct):
    id: int
    transaction: _Id | int
    amount: int
    currency: str
    status: str
    transaction_reference: str | None = None


class _EventData(msgspec.Struct):
    reference: str | None = None
    transaction_reference: str | None = None


class _Payload(msgspec.Struct):
    data: _EventData | None = None


class _Event(msgspec.Struct):
    """The row's number is the transaction's; its reference is only in the payload, if at all."""

    id: str = msgspec.field(name="_id")
    event_name: str
    status: str
    trial_count: int = 0
    response_code: int | None = None
    category_row_id: int | None = None
    event_payload: Raw = msgspec.field(default_factory=lambda: Raw(b"null"))


def envelope(body: bytes) -> Envelope | None:
    """An answer's envelope; None if it is none."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def readable(page: Sequence[Raw], read: Callable[[Raw], T], bad: list[str]) -> list[T]:
    """The rows of a page; what is wrong with the others goes to *bad*."""
    rows: list[T] = []
    for raw in page:
        try:
            rows.append(read(raw))
        except Unread as error:
            bad.append(str(error))
    return rows


def transaction(raw: Raw) -> Transaction:
    """A transaction of the list, or a verification's data."""
    row = _decoded(raw, _Transaction, "a transaction")
    return Transaction(
        id=row.id,
        reference=row.reference,
        status=row.status,
        amount=row.amount,
        currency=row.currency,
        email=((row.customer and row.customer.email) or "").lower(),
        requested_amount=row.requested_amount,
        fees=row.fees,
        domain=row.domain or "",
    )


def refund(raw: Raw) -> Refund:
    """A refund; its transaction is a number in lists and an object elsewhere."""
    row = _decoded(raw, _Refund, "a refund")
    inner = row.transaction if isinstance(row.transaction, _Id) else _Id(row.transaction)
    return Refund(
        id=row.id,
        transaction=inner.id,
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        reference=row.transaction_reference or inner.reference or "",
    )


def delivery(raw: Raw) -> Delivery:
    """
    An event of the log.

    Without a payload its reference is the number of a transaction or refund, `#4100000001`, which
    whoever has the lists can tell. A response code of 0 is no answer.
    """
    row = _decoded(raw, _Event, "an event")
    reference = _reference_in(row.event_payload)
    if not reference and row.category_row_id is not None:
        reference = f"#{row.category_row_id}"
    return Delivery(
        id=row.id,
        event=row.event_name,
        reference=reference,
        status=row.status,
        trials=row.trial_count,
        code=row.response_code or None,
    )


def _reference_in(payload: Raw) -> str:
    """The payload comes as an object, or as its text."""
    try:
        inner = msgspec.json.decode(payload, type=_Payload | str | None)
        if isinstance(inner, str):
            inner = msgspec.json.decode(inner, type=_Payload)
    except msgspec.MsgspecError:
        return ""
    data = inner.data if inner else None
    return (data and (data.reference or data.transaction_reference)) or ""


def _decoded(raw: Raw, wanted: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(raw, type=wanted, strict=False)
    except msgspec.MsgspecError as error:
        raise Unread(f"{what} of another shape: {error}") from None
