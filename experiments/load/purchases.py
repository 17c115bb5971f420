"""
The plan of purchases: a fixed count, stratified and drawn before anything starts. Pure.

Each purchase is drawn by a generator of its own (a hash of seed and ordinal), so that neither the
number of customers nor the order in which they come can shift what another one does. Nothing here
knows the run: the same seed gives the same bytes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from drill.payments import Intended, Stratum

STRATA: Mapping[Stratum, int] = {
    "plain": 180,
    "pin": 40,
    "two_tabs": 30,
    "retry_after_unknown": 20,
    "late_success": 20,
    "refund_full": 5,
    "refund_partial": 5,
    "declined": 40,
    "insufficient": 30,
    "abandoned": 30,
    "replayed": 20,
    "underpaid": 10,
}
"""Out of `DEFAULT_PURCHASES`; the first seven are meant to be captured."""
DEFAULT_PURCHASES = sum(STRATA.values())
ONE_PAYMENT: frozenset[Stratum] = frozenset({"plain", "pin", "declined", "insufficient"})
"""Here nobody asks for a second payment, so that a product sold more than once will do."""
OTHER_PRODUCT_SHARE = 0.25
THINKS, THINK_S = 6, (0.1, 0.6)
LATE_S = (4.0, 12.0)
PARTIAL = (0.2, 0.8)
LOCAL_PART_LIMIT = 64
Card = Literal["captured", "pin", "pin_otp", "declined", "insufficient"]
Way = Literal["", "close", "cancel", "return", "replay", "tamper"]


class Purchase(msgspec.Struct, frozen=True):
    """
    One intent as drawn.

    Attributes:
        card: Which of Paystack's test cards is typed in.

        way: How one that is not simply paid goes on: the tab is closed, the payment cancelled, the
            way back taken unpaid; another's reference is shown, or one's own is tampered with.

        thinks_s: How long the customer thinks before each step; after the last the first again.

        wait_s: How long the payment waits on the hosted page.

        share: What part of the money is asked back, or paid where it is too little.
    """

    ordinal: int
    product: str
    stratum: Stratum
    card: Card
    way: Way
    thinks_s: tuple[float, ...]
    wait_s: float = 0.0
    share: float = 1.0

    @property
    def id(self) -> str:
        """The intent's name in the journal."""
        return f"i{self.ordinal}"


class Draw:
    """Numbers in [0, 1) that depend on the words given and on nothing else."""

    def __init__(self, *words: object) -> None:
        self._words = ":".join(map(str, words))
        self._count = 0

    def number(self) -> float:
        """The next number."""
        self._count += 1
        digest = hashlib.sha256(f"{self._words}:{self._count}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48

    def between(self, ends: tuple[float, float]) -> float:
        """The next number in a range, to the millisecond."""
        low, high = ends
        return round(low + (high - low) * self.number(), 3)

    def of(self, among: Sequence[str]) -> str:
        """The next one of several."""
        return among[int(self.number() * len(among))]


def stratified(count: int, mix: Mapping[Stratum, int] = STRATA) -> dict[Stratum, int]:
    """
    How many purchases of each stratum of *mix*, *count* in all.

    As near to their shares as whole numbers allow, and none is left out where there are enough.
    """
    total = sum(mix.values())
    shares = {name: of * count / total for name, of in mix.items()}
    least = 1 if count >= len(mix) else 0
    counts = {name: max(least, int(share)) for name, share in shares.items()}
    for _ in range(len(mix) * 2):
        over = sum(counts.values()) - count
        if over == 0:
            break
        spare = [name for name in counts if over < 0 or counts[name] > least]
        sign = 1 if over > 0 else -1
        most = max(spare, key=lambda name: sign * (counts[name] - shares[name]))
        counts[most] -= sign
    return counts


def plan_purchases(
    seed: int,
    once_only: Mapping[str, bool],
    count: int = DEFAULT_PURCHASES,
    mix: Mapping[Stratum, int] = STRATA,
) -> tuple[Purchase, ...]:
    """
    Draw all purchases, in the order in which customers take them.

    Args:
        seed: The drill's.
        once_only: Every product for sale, and whether a customer has it once.
        count: How many.
        mix: The share of each stratum.

    Raises:
        ValueError: There is nothing for sale.
    """
    if not once_only:
        raise ValueError("nothing is for sale: the environment's `shop.prices` is empty")
    strata = [name for name, of in stratified(count, mix).items() for _ in range(of)]
    places = sorted(range(count), key=lambda place: Draw(seed, "order", place).number())
    return tuple(
        _drawn(Draw(seed, ordinal), ordinal, strata[place], once_only)
        for ordinal, place in enumerate(places, 1)
    )


def _drawn(draw: Draw, ordinal: int, stratum: Stratum, once_only: Mapping[str, bool]) -> Purchase:
    return Purchase(
        ordinal=ordinal,
        product=_product(draw, stratum, once_only),
        stratum=stratum,
        card=_card(draw, stratum),
        way=_way(draw, stratum),
        thinks_s=tuple(draw.between(THINK_S) for _ in range(THINKS)),
        wait_s=draw.between(LATE_S) if stratum == "late_success" else 0.0,
        share=draw.between(PARTIAL) if stratum in ("refund_partial", "underpaid") else 1.0,
    )


def _product(draw: Draw, stratum: Stratum, once_only: Mapping[str, bool]) -> str:
    once = [name for name, is_once in sorted(once_only.items()) if is_once]
    other = [name for name, is_once in sorted(once_only.items()) if not is_once]
    wants_other = draw.number() < OTHER_PRODUCT_SHARE and stratum in ONE_PAYMENT
    return draw.of(other if (wants_other and other) or not once else once)


def _card(draw: Draw, stratum: Stratum) -> Card:
    number = draw.number()
    if stratum == "pin":
        return "pin" if number < 1 / 2 else "pin_otp"
    if stratum == "declined":
        return "declined"
    if stratum == "insufficient":
        return "insufficient"
    return "captured"


WAYS: Mapping[Stratum, tuple[Way, ...]] = {
    "late_success": ("close", "cancel"),
    "declined": ("close", "cancel"),
    "abandoned": ("close", "cancel", "return"),
    "replayed": ("replay", "tamper"),
}


def _way(draw: Draw, stratum: Stratum) -> Way:
    ways, number = WAYS.get(stratum, ("",)), draw.number()
    return ways[int(number * len(ways))]


def digest_of(purchases: Sequence[Purchase]) -> str:
    """What `LoadPlanned.plan` says: the same for the same seed, whatever the run."""
    return hashlib.sha256(msgspec.json.encode(purchases)).hexdigest()


def email_of(intent: str, run: str, domain: str) -> str:
    """
    The address of an intent's own customer: `<intent>-<run>@<domain>`, in lower case.

    A run's name that is too long for an address gives way to its beginning and a hash of it.
    """
    name = run.lower()
    room = LOCAL_PART_LIMIT - len(intent) - 1
    if len(name) > room:
        tail = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: room - 9].rstrip('-.')}-{tail}"
    return f"{intent}-{name}@{domain}".lower()


def intended(purchase: Purchase, run: str, domain: str, t: float) -> Intended:
    """The record that is on disk before the purchase's first byte."""
    return Intended(
        t=t,
        id=purchase.id,
        ordinal=purchase.ordinal,
        email=email_of(purchase.id, run, domain),
        product=purchase.product,
        stratum=purchase.stratum,
    )
