"""How the ledgers are read, as an environment file writes it: plain data, no secret in its repr."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from validators.probes.specs import Endpoints, SecretTestKey, Spec, Status, WebUrl

READS = re.compile(r"\s*(select|with)\b[^;]*;?\s*", re.IGNORECASE)
COUNTED = ("order", "event", "job", "grant", "receipt")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _select(value: str) -> str:
    if not READS.fullmatch(value):
        raise ValueError("this is not one SELECT")
    return value.strip().rstrip(";")


def _dsn(value: SecretStr) -> SecretStr:
    place = urlsplit(value.get_secret_value())
    if place.scheme not in {"postgres", "postgresql"} or not place.hostname:
        raise ValueError("the address of a database is postgresql://user:...@host:port/name")
    return value


def _imap(value: SecretStr) -> SecretStr:
    place = urlsplit(value.get_secret_value())
    if place.scheme not in {"imap", "imaps"} or not place.hostname or not place.username:
        raise ValueError("a mailbox is imaps://user:...@host/FOLDER")
    if place.scheme == "imap" and place.hostname not in LOOPBACK:
        raise ValueError("imap:// would send the password in the clear: use imaps://")
    return value


def _pattern(value: str) -> str:
    try:
        groups = re.compile(value).groupindex
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from None
    if not {"order", "reference"} & set(groups):
        raise ValueError("it names neither (?P<order>...) nor (?P<reference>...)")
    return value


def _pointer(value: str) -> str:
    if value and value[0] not in "/=":
        raise ValueError("a place is a JSON pointer (/user/email), a fixed value is '=NGN'")
    return value


Select = Annotated[str, AfterValidator(_select)]
Pointer = Annotated[str, AfterValidator(_pointer)]
States = Annotated[
    dict[str, str],
    Field(description="the shop's own word -> open, paid, fulfilled, cancelled, refunding, ..."),
]


class PaystackLedger(Spec):
    """Paystack's own ledger."""

    url: WebUrl = "https://api.paystack.co"
    key: SecretTestKey
    resolve: Endpoints = Field(default_factory=dict)
    calls_a_minute: Annotated[
        int, Field(ge=1, le=100_000, description="of the 100 that test mode gives shop and drill")
    ] = 30


class SqlReader(Spec):
    """
    One SELECT a ledger, by a role that may only read.

    Columns bear the names of `drill.payments`; `%(run)s` stands for the run, if it is wanted.
    """

    dsn: Annotated[SecretStr, AfterValidator(_dsn)]
    orders: Select
    grants: Select
    effects: Select | None = None
    backlog: Annotated[
        Select | None, Field(description="one number: accepted and not finished")
    ] = None
    states: States = Field(default_factory=dict)
    sights: dict[str, Select] = Field(
        default_factory=dict, description="one number each: order, event, job, grant, receipt"
    )

    @property
    def host(self) -> str:
        """Where the database is."""
        return urlsplit(self.dsn.get_secret_value()).hostname or ""

    @model_validator(mode="after")
    def _known_sights(self) -> "SqlReader":
        for name in self.sights:
            if name not in COUNTED:
                raise ValueError(f"sights: '{name}' is none of {', '.join(COUNTED)}")
        return self


class ApiLedger(Spec):
    """A list of the shop's API: where it is, how it goes on, and where its fields are."""

    path: Annotated[str, Field(pattern=r"^/")]
    rows: Pointer = ""
    next: Annotated[Pointer | None, Field(description="the cursor, or the next address")] = None
    cursor: Annotated[str, Field(description="the parameter that takes the cursor")] = "cursor"
    fields: Annotated[dict[str, Pointer], Field(min_length=1)]


class ApiReader(Spec):
    """The shop's own API."""

    url: WebUrl
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="sent as they are, never printed"
    )
    resolve: Endpoints = Field(default_factory=dict)
    orders: ApiLedger
    grants: ApiLedger
    effects: ApiLedger | None = None
    states: States = Field(default_factory=dict)


class Mailbox(Spec):
    """Where receipts arrive: an IMAP folder, or an inbox that lists mails as JSON."""

    imap: Annotated[SecretStr, AfterValidator(_imap)] | None = None
    http: WebUrl | None = None
    receipt: Annotated[
        Annotated[str, AfterValidator(_pattern)] | None,
        Field(description="names the order of a receipt, in its subject or text"),
    ] = None
    keeps: Annotated[int | None, Field(description="how many mails it keeps, if it forgets")] = None

    @model_validator(mode="after")
    def _one_place(self) -> "Mailbox":
        if (self.imap is None) == (self.http is None):
            raise ValueError("a mailbox has either `imap` or `http`")
        return self


class CallCount(Spec):
    """Whoever counts the shop's calls to Paystack: Prometheus, by a value that only grows."""

    prometheus: WebUrl
    query: Annotated[str, Field(min_length=1, description="of one value, the drill's calls apart")]
    limit: Annotated[int, Field(gt=0, description="calls a minute while nobody buys")]


class SessionReader(Spec):
    """A customer's own session, over plain HTTP: signs in, and looks at the dashboard."""

    signin: str = "/signin"
    fields: dict[str, str] = Field(
        {"email": "{email}", "password": "{password}"},
        description="of the form; '{email}' and '{password}' are filled in",
    )
    signed_in: list[Status] = Field([302, 303], min_length=1)
    password: Annotated[SecretStr, Field(description="of every customer that the drill makes up")]
    dashboard: str = "/dashboard"
    shows: Annotated[
        str, Field(description="is on the dashboard if '{product}' can be used", min_length=1)
    ]


class CanaryShop(Spec):
    """How a purchase is made over plain HTTP where Paystack's page is the drill's own sandbox."""

    product: str
    domain: Annotated[str, Field(description="of the canaries' addresses; one that we own")]
    password: Annotated[SecretStr, Field(description="of the canaries' accounts")]
    resolve: Endpoints = Field(default_factory=dict)
    signup: str = "/signup"
    buy: str = "/buy"
    webhook: str = "/api/paystack/webhook"
