"""The journeys' own Chromium, as far as faults may change what it reaches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from drill.errors import BadInput
from drill.events import Remaining
from validators.probes.hosts import HostMet, HostRule, HostSeen, meant


class Routed(Protocol):
    """The rules that are in force in one Chromium."""

    @property
    def held(self) -> Mapping[str, HostRule]:
        """By name."""

    async def divert(self, rule: HostRule) -> None:
        """Bring a rule into force."""

    async def let_through(self, name: str) -> HostMet | None:
        """Take a rule away; what it hit."""

    def met(self, name: str) -> HostMet | None:
        """What a rule has hit up to now."""


class Chromium(Protocol):
    """The part of the journeys' browser that is asked for here."""

    @property
    def routes(self) -> Routed:
        """What its requests meet."""

    async def ask(self, host: str, patience_s: float) -> HostSeen:
        """What a page of it, which is no journey's, gets from a host."""


class Browsing:
    """The part of `DockerStack` that implements `ports.Browser`."""

    _chromium: Chromium | None = None
    _hosts: Collection[str] = ()

    def use_browser(self, chromium: Chromium, hosts: Collection[str]) -> None:
        """The browser whose requests may be diverted, and the hosts that are known here."""
        self._chromium, self._hosts = chromium, hosts

    async def divert(self, rule: HostRule) -> None:
        await self._open().routes.divert(rule)

    async def let_through(self, name: str) -> HostMet | None:
        return await self._open().routes.let_through(name)

    async def met(self, name: str) -> HostMet | None:
        return self._open().routes.met(name)

    async def ask_hosts(self, host: str, patience_s: float) -> tuple[HostSeen, ...]:
        chromium = self._open()
        return tuple([await chromium.ask(one, patience_s) for one in meant(host, self._hosts)])

    def diverted(self) -> Sequence[Remaining]:
        """Rules that are still in force; none of them is on staging."""
        held = self._chromium.routes.held if self._chromium else ()
        text = "{} is in force in the journeys' Chromium; it ends with it"
        return [Remaining(what=text.format(name), command="drill heal") for name in held]

    def _open(self) -> Chromium:
        if self._chromium is None:
            raise BadInput("no journey is run, so no browser's requests can be diverted")
        return self._chromium
