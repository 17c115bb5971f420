"""What requests to chosen hosts meet in the journeys' Chromium: plain data, and who is meant."""

import math
import re
from collections.abc import Iterable
from typing import Literal

import msgspec

LATE_S = 1.0
"""A request that has waited so long is late, however much longer it will have to."""
Meets = Literal["block", "slow", "status"]


class HostRule(msgspec.Struct, frozen=True):
    """
    What requests to some hosts meet.

    Attributes:
        name: Unique within the drill.

        host: A host's name, with `*` for any part of it.

        way: `block` fails them, `slow` sends them on late, `status` answers them instead.

        delay_s: How late, if they are slow.

        status: What they are answered, if they are.
    """

    name: str
    host: str
    way: Meets
    delay_s: float = 0.0
    status: int = 0

    @property
    def late_s(self) -> float:
        """A request without an answer for so long is seen to be slow."""
        return min(self.delay_s, LATE_S)


class HostSeen(msgspec.Struct, frozen=True):
    """
    What one request of a page of the drill's own came to, in the journeys' Chromium.

    Attributes:
        outcome: `silent` if neither an answer nor an error came in time.

        status: Of the answer, 0 if there was none.

        by: Name of the rule that answered instead of the host, empty if the host did.

        error: Chromium's own word, empty if there was an answer.
    """

    host: str
    outcome: Literal["answered", "failed", "silent"]
    sent: float
    got: float
    status: int = 0
    by: str = ""
    error: str = ""

    def told(self) -> str:
        """What it came to, in a few words."""
        if self.outcome == "answered":
            return f"{self.host} answered {self.status}" + (" by the drill" if self.by else "")
        if self.outcome == "failed":
            return f"{self.host} failed with {self.error}"
        return f"{self.host} did not answer within {self.got - self.sent:.1f} s"


class HostMet(msgspec.Struct, frozen=True):
    """How many of the journeys' own requests a rule has hit; *first* is never while none was."""

    hit: int
    first: float = math.inf


def url_pattern(host: str) -> re.Pattern[str]:
    """Addresses at the hosts that *host* means, in words that JavaScript reads the same way."""
    named = "".join("[^/:@]*" if part == "*" else re.escape(part) for part in host.lower())
    return re.compile(rf"^[a-z]+://{named}(:[0-9]+)?([/?#]|$)")


def meant(host: str, known: Iterable[str]) -> tuple[str, ...]:
    """Those of the hosts *known* that a rule for *host* would be for, sorted."""
    pattern = url_pattern(host)
    return tuple(sorted(one for one in set(known) if pattern.match(f"https://{one.lower()}/")))
