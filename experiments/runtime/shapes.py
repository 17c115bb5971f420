"""
What passes through the ports: frozen records, without secrets where the engine keeps them.

Every time is monotonic seconds of this boot (`anyio.current_time()`) unless it says otherwise.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Outcome = Literal["open", "refused", "silent", "unresolved"]
Way = Literal["drop", "reject", "isolate", "hold"]
Sight = Literal["order", "capture", "event", "job", "grant", "receipt", "refund"]
"""What can be counted while a drill runs; each exists or does not, whoever looks."""


class ContainerState(msgspec.Struct, frozen=True):
    """One container as the engine sees it now; *status* is the engine's own word."""

    service: str
    container: str
    status: Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
    started_at: str
    pid: int
    restarts: int
    restart_policy: str
    health: str = ""


class Release(msgspec.Struct, frozen=True):
    """
    What one service runs, or is to run.

    Attributes:
        image: Name of the image as the container was made from it.

        digest: The engine's own digest of that image, also of one that never was in a registry.

        tag: What the release is called: the image's version label, else the tag of its name.

        status: The container's state in the engine's word, empty if it is only an image.

        health: The engine's word on its health check, empty if it has none.

        started_at: Since when it runs, in the engine's words.

        container: Full id of the container, empty if it is only an image.
    """

    image: str
    digest: str
    tag: str
    container: str = ""
    status: str = ""
    health: str = ""
    started_at: str = ""

    @property
    def up(self) -> bool:
        """Running, and healthy where the engine can tell."""
        return self.status == "running" and self.health in ("", "healthy")


class Undo(msgspec.Struct, frozen=True):
    """
    What must be restored; no secrets, and enough for another process to do it alone.

    Attributes:
        service: Name of the compose service.

        container: Full id of the container the fault is for.

        want: The state it was found in and must be put back to.

        rule: Name of the rule in the container's network namespace, empty if there is none.

        release: What the service ran; None if another release is none of this fault's doing.

        lease: Name of the fault at the sandbox, where it ends by itself; empty if it has none.

        route: Name of the fault in the journeys' Chromium, which is no service and with which it
            ends; empty if it has none.
    """

    service: str
    container: str
    want: Literal["running", "paused", "exited"]
    rule: str = ""
    release: Release | None = None
    lease: str = ""
    route: str = ""


class Imposed(msgspec.Struct, frozen=True):
    """
    A fault of the sandbox as its control port lists it.

    Attributes:
        met: How many requests, payments or events it could have bitten.

        bit: How many it did.

        bit_at: When it had bitten for the first time, None if it has not.
    """

    met: int
    bit: int
    bit_at: float | None = None


class PathRule(msgspec.Struct, frozen=True):
    """
    Packets between a target and what *to* resolves to; *name* is unique within one drill.

    `hold` drops the data that the target sends and nothing else, from the first data on that it
    sends to *after*; empty: from now on.
    """

    name: str
    to: str
    way: Way
    port: int | None = None
    after: str = ""


class PathSeen(msgspec.Struct, frozen=True):
    """One attempt to open a TCP connection from inside the target's present network namespace."""

    outcome: Outcome
    sent: float
    got: float
    address: str = ""


class EngineEvent(msgspec.Struct, frozen=True):
    """
    The engine's own word that something happened to one of the stack's containers.

    Without a service it is about the engine itself: `engine.lost` and `engine.back`.
    """

    service: str
    container: str
    action: str
    at: float
    wall_s: float


class ArmedFault(msgspec.Struct, frozen=True):
    """What is written on the engine before the act: intent and undo of one fault."""

    id: str
    fault: str
    spec: str
    undo: Undo


class Intended(msgspec.Struct, frozen=True):
    """
    What is written on the engine before an act of the playbook that only the shop can undo.

    *undo* is the act's own JSON text, *environment* the file that says how to reach the shop: keys
    are read from there by whoever heals, and never written on the engine.
    """

    id: str
    undo: str
    environment: str = ""


class RunInfo(msgspec.Struct, frozen=True):
    """
    Which drill this is, for the lock, the labels and the guardian.

    *environment* is the path of the environment's file, for undoing what only the shop can undo.
    """

    run: str
    scenario: str
    project: str
    directory: str
    heal: str = "drill heal"
    environment: str = ""


class LogWindow(msgspec.Struct, frozen=True):
    """
    Which part of a log is wanted; what is over *limit_bytes* is cut out of its middle.

    Attributes:
        since: Nothing older.

        around: Where it matters most: what is kept of a log too long begins here.

        until: Nothing younger.
    """

    since: float
    around: float
    until: float
    limit_bytes: int


class LogPart(msgspec.Struct, frozen=True):
    """
    What one container wrote: lines with the engine's time stamps, secrets taken out.

    Attributes:
        first: The lines from *around* on, or all of them if nothing had to be cut.

        last: The lines up to the end, after the cut.

        cut_before: How many lines before *first* were left out.

        cut_between: How many lines between *first* and *last* were left out.

        complete: False when time ran out before the end was reached.
    """

    first: Sequence[str]
    last: Sequence[str] = ()
    cut_before: int = 0
    cut_between: int = 0
    complete: bool = True
