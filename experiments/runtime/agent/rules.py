"""The rules of one drill in one network namespace, and the addresses of the names they are for."""

import ipaddress
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from experiments.runtime.agent import looking
from experiments.runtime.agent.words import (
    EVERYONE,
    FAMILIES,
    Command,
    Refused,
    blockable,
    elements_text,
    holding_text,
    prefix_of,
    table_of,
    table_text,
)

KEEP_PUBLIC_S = 30.0
RESOLVE_LIMIT_S = 2.0


class Nft(Protocol):
    """libnftables: a batch is all or nothing."""

    def cmd(self, text: str) -> tuple[int, str, str]:
        """Run one batch; code, output, error."""


class Names:
    """
    Addresses of names, looked up beside the main loop so that a slow resolver delays no rule.

    A private address is forgotten as soon as the name has another (it may be given to somebody
    else); a public one is kept for `KEEP_PUBLIC_S`, as many vendors answer with a few of many in
    turn.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, float]] = {}
        self._busy: set[str] = set()

    def known(self, host: str) -> tuple[str, ...]:
        """What *host* is now; empty if it was never resolved."""
        if host == EVERYONE:
            return FAMILIES
        return blockable(self._seen.get(host, {}))

    def learn(self, host: str, addresses: list[str]) -> None:
        """Take over a fresh answer; an empty one changes nothing."""
        if not addresses:
            return
        now = time.monotonic()
        old = {
            address: at
            for address, at in self._seen.get(host, {}).items()
            if now - at < KEEP_PUBLIC_S and ipaddress.ip_address(address.split("%")[0]).is_global
        }
        self._seen[host] = {**old, **dict.fromkeys(addresses, now)}

    def follow(self) -> None:
        """Start a look-up of every name that has none under way."""
        for host in set(self._seen) - self._busy:
            self._busy.add(host)
            threading.Thread(target=self._look_up, args=(host,), daemon=True).start()

    def _look_up(self, host: str) -> None:
        try:
            self.learn(host, looking.resolve(host))
        finally:
            self._busy.discard(host)


@dataclass(frozen=True)
class Rule:
    """One rule in force."""

    table: str
    to: str
    after: str = ""


@dataclass
class Rules:
    """The tables of one drill in this namespace."""

    nft: Nft
    run: str
    names: Names = field(default_factory=Names)
    held: dict[str, Rule] = field(default_factory=dict)

    def sweep(self) -> int:
        """Delete every table of this drill, ours or of an agent that was killed; how many."""
        _, out, _ = self.nft.cmd("list tables inet\n")
        tables = [line.split()[2] for line in out.splitlines() if line.startswith("table inet ")]
        mine = [table for table in tables if table.startswith(prefix_of(self.run))]
        for table in mine:
            self.nft.cmd(f"delete table inet {table}\n")
        return len(mine)

    def block(self, command: Command) -> list[str]:
        """Put one rule in force; its addresses."""
        addresses = self._resolved(command.to)
        table = table_of(self.run, command.name)
        text = f"delete table inet {table}\n" if command.name in self.held else ""
        if command.way == "hold":
            text += holding_text(table, after=bool(command.after))
        else:
            text += table_text(table, command.way, command.port)
        if command.after:
            begins = self._resolved(command.after)
            text += elements_text(table, begins, renew=False, into="after")
        self._do(text + elements_text(table, addresses, renew=False))
        self.held[command.name] = Rule(table, command.to, command.after)
        return list(addresses)

    def _resolved(self, host: str) -> tuple[str, ...]:
        if not self.names.known(host):
            self.names.learn(host, looking.resolve_within(host, RESOLVE_LIMIT_S))
        addresses = self.names.known(host)
        if not addresses:
            raise Refused(f"{host} has no address here except loopback or none at all")
        return addresses

    def count(self, name: str) -> int:
        """How many packets the hold *name* has dropped."""
        if name not in self.held:
            raise Refused(f"no hold is called {name}")
        listing = f"list counter inet {self.held[name].table} held_back\n"
        code, out, _ = self.nft.cmd(listing)
        found = re.search(r"packets (\d+)", out)
        if code != 0 or found is None:
            raise Refused(f"{name} counts nothing")
        return int(found[1])

    def unblock(self, name: str) -> bool:
        """Take one rule away; False if it was not there."""
        rule = self.held.pop(name, None)
        if rule is not None:
            self._do(f"delete table inet {rule.table}\n")
        return rule is not None

    def renew(self) -> None:
        """Let every rule live on; one whose table somebody deleted is held no more."""
        self.names.follow()
        for name, rule in list(self.held.items()):
            text = elements_text(rule.table, self.names.known(rule.to), renew=True)
            if rule.after:
                begins = self.names.known(rule.after)
                text += elements_text(rule.table, begins, renew=True, into="after")
            if self.nft.cmd(text)[0] != 0:
                del self.held[name]

    def revert(self) -> None:
        """Delete all our tables, one batch each so that a missing one spares none."""
        for rule in self.held.values():
            self.nft.cmd(f"delete table inet {rule.table}\n")
        self.held.clear()

    def _do(self, text: str) -> None:
        code, _, error = self.nft.cmd(text)
        if code != 0:
            raise Refused(f"nftables: {error.strip().splitlines()[:1]}")
