"""
What the acts of the playbook ask of the world, as narrow protocols.

Every method may raise `DrillError` with a message for people. Everything that changes staging can
be put back by the method beside it, also from another process.
"""

from typing import Protocol


class Features(Protocol):
    """The shop's own switches."""

    async def flag(self, feature: str) -> bool:
        """Whether the feature is on."""

    async def set_flag(self, feature: str, *, on: bool) -> str:
        """Switch it, idempotent; gives the shop's own answer as proof."""


class Isolation(Protocol):
    """A service cut off from all others."""

    async def isolate(self, service: str) -> str:
        """Cut it off; gives the proof that nothing reaches it."""

    async def rejoin(self, service: str) -> str:
        """Let it talk again, idempotent; gives the proof."""


class Deployment(Protocol):
    """Releases: which one runs, and how another one gets there."""

    async def roll_back(self, service: str, tag: str) -> str:
        """Bring *service* to the release *tag* and wait until it is healthy; gives the proof."""

    async def release_before(self, service: str) -> str:
        """What an undo of a rollback needs, as JSON text: the release before this drill."""

    async def put_release_back(self, undo: str) -> str:
        """Bring back what `release_before` gave, idempotent; gives the proof."""

    async def run_as_written(self, limit_s: float) -> str:
        """Run the playbook's own rollback commands, to the letter; gives what they printed."""


class Commands(Protocol):
    """The team's own commands."""

    async def run(self, command: str, limit_s: float) -> str:
        """Run it on this machine; gives its last lines; raises if it fails or takes too long."""


class Faults(Protocol):
    """The faults of the drill itself."""

    async def end_faults(self) -> str:
        """Heal every fault now instead of at the end of its `for`; gives how it was proven."""


class Customers(Protocol):
    """The customers, as far as a drill speaks for one."""

    async def report(self, text: str) -> str:
        """Write to support as a customer; gives the channel's own answer as proof."""


class Hands(Features, Isolation, Deployment, Commands, Faults, Customers, Protocol):
    """All that acts may ask for."""
