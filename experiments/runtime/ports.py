"""
What a drill needs from the world, as narrow protocols.

Every time in a port is monotonic seconds of this boot (`anyio.current_time()`), so that fakes can
run on virtual time. Every method may raise `Unsure` when the engine does not answer.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

import msgspec

from drill.events import Remaining, Service
from drill.records import Record

Outcome = Literal["open", "refused", "silent", "unresolved"]
Way = Literal["drop", "reject", "isolate"]


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
    """

    service: str
    container: str
    want: Literal["running", "paused", "exited"]
    rule: str = ""
    release: Release | None = None


class PathRule(msgspec.Struct, frozen=True):
    """Packets between a target and what *to* resolves to; *name* is unique within one drill."""

    name: str
    to: str
    way: Way
    port: int | None = None


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


class Logs(Protocol):
    """What the containers wrote."""

    async def log(self, container: str, window: LogWindow) -> LogPart | None:
        """The log of one container, by its full id; None if it exists no more."""


class Lifecycle(Protocol):
    """The states of one service's container."""

    async def state(self, service: str) -> ContainerState:
        """How the container is now."""

    async def pause(self, service: str) -> None:
        """Freeze every process of it."""

    async def stop(self, service: str, grace_s: float) -> None:
        """Ask it to end, and kill it after *grace_s*."""

    async def restart(self, service: str, grace_s: float) -> None:
        """Stop it and start it again."""

    async def crash(self, service: str, signal: str) -> None:
        """Signal its first process from the host's PID namespace, so that restart policies act."""

    async def restore(self, undo: Undo) -> str:
        """
        Put the container back into the state *undo* wants; idempotent.

        Returns:
            How: `already`, `unpaused`, `started`, or `gone` when the container exists no more.
        """

    async def seen(self, service: str, action: str, since: float) -> EngineEvent | None:
        """The first event named *action* at or after *since*, from the engine's own stream."""


class Paths(Protocol):
    """The network of one target, from the inside, through its armed agent."""

    async def state(self, service: str) -> ContainerState:
        """How the container is now."""

    async def block(self, service: str, rule: PathRule) -> None:
        """Put *rule* in force; it expires by itself within 3 s once nobody refreshes it."""

    async def unblock(self, service: str, rule: str) -> None:
        """Take the rule named *rule* away; idempotent, and no error when the target is gone."""

    async def look_along(self, service: str, to: str, port: int, patience_s: float) -> PathSeen:
        """Try to connect from the target to *to*:*port*, giving up after *patience_s*."""


class Releases(Protocol):
    """Which release of a service runs, and another one under the same service."""

    async def running(self, service: str) -> Release:
        """What *service* runs now."""

    async def find_release(self, service: str, tag: str, image: str = "") -> Release:
        """
        Look up another release of *service* on the engine.

        Args:
            service: Name of the compose service.
            tag: Name of the release.
            image: Name of its image; empty for the running image's name with *tag*.

        Raises:
            BadInput: The engine has no such image.
        """

    async def deploy(self, service: str, image: str) -> Release:
        """Run *service* from *image*, everything else as it was; returns once it was started."""

    async def put_back(self, undo: Undo) -> str:
        """
        Run the release that *undo* names under its service again; idempotent.

        Returns:
            How: `already`, `started`, or `put back`.
        """

    async def seen(self, service: str, action: str, since: float) -> EngineEvent | None:
        """The first event named *action* at or after *since*, from the engine's own stream."""


class Cuts(Protocol):
    """A service cut off from all others."""

    async def cut_off(self, service: str) -> str:
        """Drop every packet of *service* but its own loopback's; gives what proves it."""

    async def join(self, service: str) -> str:
        """Let it talk again, idempotent; gives what proves it."""


class Intents(Protocol):
    """Acts of the playbook whose undo is on the engine before they are carried out."""

    async def intend(self, act: str, undo: str) -> None:
        """Write the act's id and its undo, JSON text without secrets."""

    async def forget(self, act: str) -> None:
        """The act has been undone; idempotent."""


class Staging(Lifecycle, Paths, Releases, Protocol):
    """All that faults may ask of the stack."""


class Stack(Staging, Logs, Protocol):
    """All that the engine asks of the stack, around the faults."""

    async def survey(self) -> Sequence[Service]:
        """Every container of the project, for the report."""

    async def claim(self, run: RunInfo) -> None:
        """
        Take the lock and start the guardian.

        Raises:
            StagingBusy: Another drill holds the lock and lives.

            Unhealed: A drill that died left something; the message has the command.
        """

    async def arm(self, faults: Sequence[ArmedFault]) -> None:
        """Write intents and undos on the engine and start the agents that the faults need."""

    async def rearm(self, service: str) -> bool:
        """Bring the agent of a restarted target into its new namespace; False if it is gone."""

    def events(self) -> AsyncIterator[EngineEvent]:
        """Events about the project's containers from now on; ends when the stack is closed."""

    async def remaining(self) -> Sequence[Remaining]:
        """What of this drill is still in force on staging, looked up afresh."""

    async def release(self) -> None:
        """Remove agents and markers, tell the guardian that all is well, give the lock back."""


class Sink(Protocol):
    """Where records of the journal go."""

    def write(self, record: Record, *, durable: bool = False) -> None:
        """Append one record; with *durable* it is on disk before this returns."""


class Probe(Protocol):
    """A probe that runs on its own schedule until it is stopped."""

    name: str

    @property
    def in_flight(self) -> int:
        """How many looks wait for their answer."""

    async def run(self) -> None:
        """Look, again and again, until `stop`."""

    def set_period(self, period_s: float) -> None:
        """Look this often from now on; bounded by what the probe's target can take."""

    def hold(self) -> None:
        """Start no look until `resume`."""

    def resume(self) -> None:
        """Go on looking."""

    async def drain(self) -> None:
        """Wait until nothing is in flight."""

    def stop(self) -> None:
        """Start no further look."""
