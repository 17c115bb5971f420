"""
What passes between the drill and the generator of the load: one JSON line each. Pure.

To the generator: a `Job`, then `drain` and `stop`; the end of that stream means that the drill is
dead. From it: records of the journal, `Finished`, `Drained` and, last of all, `Over`. A line fits
into what a pipe takes whole (`LINE_LIMIT`), as the workers write into the same one.
"""

from collections.abc import Mapping, Sequence

import msgspec

from drill.events import Event
from drill.payments import Begun, LoadSample, RefundAsked, Told
from experiments.load.purchases import Purchase

CHECKOUT = "checkout.paystack.com"
PURCHASE_LIMIT_S = 60.0
LINE_LIMIT = 4096
"""PIPE_BUF: longer lines of several processes could be torn apart."""
TEXT_LIMIT = 300
DRAIN, STOP = b"drain\n", b"stop\n"


class FeatureStep(msgspec.Struct, frozen=True):
    """One request of a sacred feature, as the environment's probe writes it."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: str = ""
    save: Mapping[str, str] = {}


class Site(msgspec.Struct, frozen=True):
    """
    Where customers go; with keys, so it is never written anywhere.

    Attributes:
        web: The shop.

        resolve: Host -> address:port, for whatever is not found by its name here.

        refund_path: Where a refund is asked for, with `{order}` in it; empty where it cannot be.

        refund_header: Name of the header that carries `refund_key`.

        sandbox: The sandbox's control port, empty where there is none.

        features: The sacred features by name.

        prices: Of every product, in subunits.

        password: Of every customer's account, made up for one drill.
    """

    web: str
    resolve: Mapping[str, str] = {}
    refund_path: str = ""
    refund_header: str = ""
    refund_key: str = ""
    sandbox: str = ""
    sandbox_token: str = ""
    features: Mapping[str, Sequence[FeatureStep]] = {}
    prices: Mapping[str, int] = {}
    password: str = ""


class Errand(msgspec.Struct, frozen=True):
    """A purchase and the customer who makes it."""

    purchase: Purchase
    email: str


class Job(msgspec.Struct, frozen=True):
    """
    What the generator has to do.

    Attributes:
        start: Monotonic seconds of the drill's start; every `t` counts from here.

        run: Which drill this is.
    """

    start: float
    run: str
    seed: int
    customers: int
    workers: int
    site: Site
    errands: Sequence[Errand]


class Finished(Event, frozen=True, tag="load_finished"):
    """The story of an intent is at its end; *error* if it was the load's own fault."""

    intent: str
    error: str = ""


class Drained(Event, frozen=True, tag="load_drained"):
    """No purchase is under way, and none will be."""


class Over(Event, frozen=True, tag="load_over"):
    """The last line: everything before it has been written; what was *dropped* were samples."""

    dropped: int
    errors: Sequence[str] = ()


Message = Begun | Told | RefundAsked | LoadSample | Finished | Drained | Over

_encoder = msgspec.json.Encoder()
_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_jobs = msgspec.json.Decoder(Job)


def encode_message(message: Message) -> bytes:
    """One line, with its newline."""
    return _encoder.encode(message) + b"\n"


def decode_message(line: bytes) -> Message:
    """Read a line; raises msgspec.MsgspecError if it is none of ours."""
    return _messages.decode(line)


def encode_job(job: Job) -> bytes:
    """One line, with its newline."""
    return _encoder.encode(job) + b"\n"


def decode_job(line: bytes) -> Job:
    """Read the first line."""
    return _jobs.decode(line)


def short(text: str, limit: int = TEXT_LIMIT) -> str:
    """A text on one line, cut to a length that a record has room for."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def unfinished(told: Told | None) -> bool:
    """Whether a customer whose last word is *told* has no definite one."""
    return told is None or told.said == "unknown"
