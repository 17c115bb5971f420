"""
What a drill needs from the world, as narrow protocols.

Every time in a port is monotonic seconds of this boot (`anyio.current_time()`), so that fakes can
run on virtual time. Every method may raise `Unsure` when the engine does not answer.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from drill.events import Remaining, Service
from drill.records import Record
from experiments.runtime.shapes import (
    ArmedFault,
    ContainerState,
    EngineEvent,
    Imposed,
    LogPart,
    LogWindow,
    PathRule,
    PathSeen,
    Release,
    RunInfo,
    Undo,
)
from validators.probes.hosts import HostMet, HostRule, HostSeen


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

    async def held_back(self, service: str, rule: str) -> int:
        """How many packets the hold named *rule* has dropped in the target's present life."""

    async def unblock(self, service: str, rule: str) -> None:
        """Take the rule named *rule* away; idempotent, and no error when the target is gone."""

    async def look_along(self, service: str, to: str, port: int, patience_s: float) -> PathSeen:
        """Try to connect from the target to *to*:*port*, giving up after *patience_s*."""


class Sights(Protocol):
    """What exists by now on the way of a purchase, counted where it is kept."""

    async def count(self, sight: str) -> int:
        """
        How many there are; only what it grew by means anything.

        Args:
            sight: `order`, `capture`, `event`, `job`, `grant`, `receipt` or `refund`.

        Raises:
            Unsure: It could not be read this time.
        """


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


class Sandbox(Protocol):
    """The Paystack sandbox's own faults, each a lease that ends 3 s after its last refresh."""

    async def state(self, service: str) -> ContainerState:
        """How the container is now."""

    async def impose(self, name: str, body: str) -> None:
        """
        Bring a fault into force and refresh it every second until `lift`.

        Args:
            name: Unique within the drill; one that was ended is never begun again.
            body: The fault as the control port takes it, JSON text.
        """

    async def lift(self, name: str) -> int | None:
        """End a fault, idempotent; how often it bit, None if it was not in force."""

    async def imposed(self, name: str) -> Imposed | None:
        """The fault as the sandbox lists it, None if it does not."""


class Browser(Protocol):
    """The journeys' own Chromium, which ends with the drill, and what its requests meet."""

    async def divert(self, rule: HostRule) -> None:
        """Bring *rule* into force in every context, open and new."""

    async def let_through(self, name: str) -> HostMet | None:
        """Take a rule away, idempotent; what it hit, None if it was not in force."""

    async def met(self, name: str) -> HostMet | None:
        """What Chromium reported of the journeys' requests; None if no such rule is in force."""

    async def ask_hosts(self, host: str, patience_s: float) -> tuple[HostSeen, ...]:
        """
        What a page of the drill's own gets in that Chromium, from each known host that is meant.

        Args:
            host: A name, with `*` for any part of it.
            patience_s: How long each is waited for.
        """


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


class Staging(Lifecycle, Paths, Releases, Sandbox, Browser, Protocol):
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
