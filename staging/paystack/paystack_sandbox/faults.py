"""
Faults that somebody keeps in force: each is a lease that ends 3 s after its last refresh.

They live in memory only. When the drill, its guardian and this process have all died, nothing is
left behind; a drill that lives puts its faults back within a second.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Value = str | float | bool | tuple[str, ...] | None
LEASE_S = 3.0
ENDED_KEPT = 1_000


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong, and for whom: a share of what it meets, at most `count` times.

    `only` is a piece of text that the request or the event must hold: a reference or an address.
    `routes` are routes of the API, for webhooks names of events; empty means all of them.
    """

    kind: str
    share: float = 1.0
    count: int | None = None
    only: str = ""
    routes: tuple[str, ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)

    def number(self, name: str) -> float:
        value = self.settings[name]
        assert isinstance(value, int | float)
        return float(value)

    def text(self, name: str) -> str:
        return str(self.settings[name])

    def meets(self, text: str, route: str) -> bool:
        return self.only in text and (route in self.routes if self.routes else _usual(route))


def _usual(route: str) -> bool:
    """The hosted page is broken only where a fault names it, the payment script never."""
    return route not in ("page", "capture", "script")


@dataclass
class Lease:
    """A fault in force, and how often it bit."""

    fault: Fault
    until: float
    met: int = 0
    bit: int = 0
    first_bit: float | None = None

    def meet(self, now: float) -> bool:
        """Whether this one of those that it meets is bitten; spread evenly, by no chance."""
        if self.fault.count is not None and self.bit >= self.fault.count:
            return False
        self.met += 1
        before, after = (
            math.ceil(round(n * self.fault.share, 9)) for n in (self.met - 1, self.met)
        )
        if after == before:
            return False
        self.bit += 1
        self.first_bit = now if self.first_bit is None else self.first_bit
        return True


class Ended(Exception):
    """A fault of this name was ended; what comes for it is a refresh that was late."""


class Board:
    """All leases; what is asked for a bite sees only those that are not over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._leases: dict[str, Lease] = {}
        self.ended: deque[tuple[str, Lease]] = deque(maxlen=ENDED_KEPT)
        self._dropped: deque[str] = deque(maxlen=ENDED_KEPT)

    def put(self, name: str, fault: Fault) -> Lease:
        """
        Bring a fault into force, or refresh it; the same fault keeps its counts.

        Raises:
            Ended: It was ended by `drop`.
        """
        if name in self._dropped:
            raise Ended(name)
        lease, until = self.in_force().get(name), self.clock() + LEASE_S
        if lease is None or lease.fault != fault:
            lease = self._leases[name] = Lease(fault, until)
        lease.until = until
        return lease

    def drop(self, name: str) -> Lease | None:
        """End a fault for good; None if it is not in force."""
        lease = self.in_force().get(name)
        if name not in self._dropped:
            self._dropped.append(name)
        if lease is not None:
            self._end(name)
        return lease

    def in_force(self) -> Mapping[str, Lease]:
        now = self.clock()
        for name in [name for name, lease in self._leases.items() if lease.until <= now]:
            self._end(name)
        return self._leases

    def bite(self, kind: str, text: str = "", route: str = "") -> Fault | None:
        """The fault of that kind that bites here, if one does."""
        now = self.clock()
        for lease in self.in_force().values():
            if lease.fault.kind == kind and lease.fault.meets(text, route) and lease.meet(now):
                return lease.fault
        return None

    def has(self, *kinds: str) -> bool:
        return any(lease.fault.kind in kinds for lease in self.in_force().values())

    def _end(self, name: str) -> None:
        self.ended.append((name, self._leases.pop(name)))
