"""Probes and journeys as an environment file writes them: plain data, no secrets in its repr."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from drill.duration import Duration
from validators.probes.cards import paying_card

NONCE = "nonce"
PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m)")
RATE_UNITS_S = {"s": 1.0, "m": 60.0}
ENDPOINT = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
WEB_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
Status = Annotated[int, Field(ge=100, le=599)]


def places(value: JsonValue) -> Iterator[str]:
    """The names in braces anywhere in a JSON value, such as `nonce` in `{"note": "{nonce}"}`."""
    if isinstance(value, str):
        yield from PLACE.findall(value)
    elif isinstance(value, list):
        for item in value:
            yield from places(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from places(item)


def fill(value: JsonValue, names: dict[str, str]) -> JsonValue:
    """A copy of a JSON value with every `{name}` replaced; *names* has all of them."""
    if isinstance(value, str):
        return PLACE.sub(lambda found: names[found[1]], value)
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    return value


def _read_rate(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    found = RATE.fullmatch(value) if isinstance(value, str) else None
    if not found or not float(found[1]):
        raise ValueError(f"a rate is a number a second or a minute, such as 50/s, not {value!r}")
    return float(found[1]) / RATE_UNITS_S[found[2]]


def _web_url(value: str) -> str:
    if not WEB_URL.fullmatch(value):
        raise ValueError(f"{value!r} is no address: it starts with http:// or https://")
    return value.rstrip("/")


def _path_or_url(value: str) -> str:
    if value.startswith("/"):
        return value
    if not WEB_URL.fullmatch(value):
        raise ValueError(f"{value!r} is neither a path (/api/...) nor an address (https://...)")
    return value


def _test_key(value: SecretStr) -> SecretStr:
    if "_live_" in value.get_secret_value():
        raise ValueError("this is a live Paystack key; a drill takes test keys (sk_test_...) only")
    return value


Rate = Annotated[
    float,
    BeforeValidator(_read_rate),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?/(s|m)$", "examples": ["50/s"]}),
]
WebUrl = Annotated[str, AfterValidator(_web_url)]
SecretTestKey = Annotated[SecretStr, AfterValidator(_test_key)]


class Spec(BaseModel):
    """What all parts of a probe have in common: frozen, and no field that nobody knows."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )


class Expect(Spec):
    """What a good answer looks like."""

    status: list[Status] = Field([200], min_length=1, description="any of these HTTP statuses")
    json_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="json",
        description="dotted path -> expected value; '{nonce}' and '{saved}' are filled in",
    )


class DegradedWhen(Spec):
    """A polite refusal: an answer that says clearly that this does not work just now."""

    status: list[Status] = Field(min_length=1, description="any of these HTTP statuses, and")
    json_: dict[str, JsonValue] = Field(
        default_factory=dict, alias="json", description="all of these values in the answer"
    )


class HttpStep(Spec):
    """One request of a look."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Annotated[str, AfterValidator(_path_or_url)] = Field(
        description="a path below `web`, or a whole address; '{saved}' is filled in"
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="sent as they are, never printed"
    )
    body: JsonValue = Field(None, alias="json", description="JSON body; '{nonce}' is filled in")
    expect: Expect = Expect()
    save: dict[str, str] = Field(
        default_factory=dict,
        description="name -> dotted path in the answer, for the steps that follow",
    )


class HttpProbe(Spec):
    """Looks at one feature by HTTP; write, then read back, where the feature stores something."""

    sacred: bool = Field(default=False, description="if it is down, the incident is severity 1")
    http: list[HttpStep] = Field(min_length=1, description="the requests of one look, in order")
    every: Duration = Field(1.0, gt=0, description="a look is sent this often, at a fixed rate")
    deadline: Duration = Field(0.8, gt=0, description="limit for the whole look; then it is down")
    slow_after: Duration | None = Field(None, description="an answer slower than this is degraded")
    max_rate: Rate = Field(50.0, description="looks the feature can take; bounds the fast period")
    degraded_when: DegradedWhen | None = Field(
        None, description="an answer like this is degraded, not down"
    )

    @property
    def shortest_period_s(self) -> float:
        """Seconds between two looks that the feature's rate limit allows."""
        return 1.0 / self.max_rate

    @model_validator(mode="after")
    def _make_sense(self) -> "HttpProbe":
        if self.every < self.shortest_period_s:
            raise ValueError("every: more often than max_rate allows")
        if self.slow_after is not None and self.slow_after >= self.deadline:
            raise ValueError("slow_after: must be shorter than the deadline")
        known = {NONCE}
        for number, step in enumerate(self.http):
            expected: JsonValue = dict(step.expect.json_)
            unknown = {*places(step.url), *places(step.body), *places(expected)} - known
            if unknown:
                name = min(unknown)
                raise ValueError(f"http.{number}: no step before this one saves '{name}'")
            if NONCE in step.save:
                raise ValueError(f"http.{number}.save: 'nonce' is the look's own word")
            known |= set(step.save)
        return self


class PaystackVerify(Spec):
    """Paystack's own ledger, asked directly and never through the shop or the browser."""

    url: WebUrl = Field(
        "https://api.paystack.co", description="of the API; a host in `resolve` goes where it says"
    )
    key: SecretTestKey = Field(description="a secret test key")


def _card(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a card number is text: put it in quotes")
    return paying_card(value).number


def _endpoints(value: dict[str, str]) -> dict[str, str]:
    for host, endpoint in value.items():
        if not ENDPOINT.fullmatch(endpoint):
            raise ValueError(f"{host}: {endpoint!r} is no address with a port (127.0.0.1:8443)")
    return value


Endpoints = Annotated[dict[str, str], AfterValidator(_endpoints)]


class Journey(Spec):
    """A customer's way through the shop, in a real browser."""

    journey: Literal["checkout", "customer"] = Field(description="which way the customer takes")
    web: WebUrl | None = Field(None, description="the shop's pages, if not the environment's `web`")
    plan: str = Field("creator-pass", min_length=1, description="what is bought")
    every: Duration = Field(5.0, gt=0, description="a journey starts at most this often")
    deadline: Duration = Field(25.0, gt=0, description="limit for the whole journey")
    card: Annotated[str, BeforeValidator(_card)] = Field(
        "4084084084084081", description="one of Paystack's published test cards, in quotes"
    )
    resolve: Endpoints = Field(
        default_factory=dict,
        description="host -> address:port, for browser and `paystack_verify`",
    )
    inbox: WebUrl | None = Field(
        None, description="where the receipt arrives; none: not looked for"
    )
    paystack_verify: PaystackVerify | None = Field(
        None, description="Paystack's ledger; none: what the shop says has to do"
    )
