"""
The fault agent: commands on stdin, replies on stdout, and nothing left behind.

    agent.py net RUN     in a target's network namespace: block, unblock, look, know, ping
    agent.py sweep RUN   the same place: delete the tables of that drill and exit
    agent.py host RUN    in the host's PID namespace: crash, ping
    agent.py idle        exit at once (what a marker would do if somebody started it)

It reverts and exits when stdin closes or SIGTERM comes, reverts when no command came for
`LEASE_S`, and its rules match elements that the kernel forgets after 3 s unless it renews them.
"""

import ipaddress
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from experiments.runtime.agent import looking
from experiments.runtime.agent.words import (
    EVERYONE,
    FAMILIES,
    Command,
    Refused,
    answer,
    blockable,
    elements_text,
    parse_command,
    prefix_of,
    table_of,
    table_text,
)

LEASE_S = 3.0
RENEW_S = 1.0
KEEP_PUBLIC_S = 30.0
RESOLVE_LIMIT_S = 2.0
LINE_LIMIT = 65536


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
        if not self.names.known(command.to):
            self.names.learn(command.to, looking.resolve_within(command.to, RESOLVE_LIMIT_S))
        addresses = self.names.known(command.to)
        if not addresses:
            raise Refused(f"{command.to} has no address here except loopback or none at all")
        table = table_of(self.run, command.name)
        again = f"delete table inet {table}\n" if command.name in self.held else ""
        text = table_text(table, command.way, command.port)
        self._do(again + text + elements_text(table, addresses, renew=False))
        self.held[command.name] = Rule(table, command.to)
        return list(addresses)

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


class Agent:
    """Reads commands, answers, renews, and reverts when nobody asks any more."""

    def __init__(self, rules: Rules | None, write: Callable[[bytes], None]) -> None:
        self.rules = rules
        self._write = write
        self._pen = threading.Lock()
        self._heard = time.monotonic()
        self._renew_at = self._heard + RENEW_S
        self._rest = b""

    def reply(self, n: int, **fields: object) -> None:
        """One line to the client; looks answer from their own threads."""
        with self._pen:
            self._write(answer(n, **fields))

    def hear(self, line: bytes) -> None:
        """Carry out one line and answer it."""
        self._heard = time.monotonic()
        try:
            command = parse_command(line)
        except Refused as error:
            self.reply(-1, ok=False, error=str(error))
            return
        try:
            fields = self.carry_out(command)
        except Refused as error:
            self.reply(command.n, ok=False, error=str(error))
            return
        if fields is not None:
            self.reply(command.n, ok=True, **fields)

    def carry_out(self, command: Command) -> dict[str, Any] | None:
        """Fields of the reply; None if a thread will answer."""
        if command.do == "ping":
            return {"rules": sorted(self.rules.held) if self.rules else []}
        if command.do == "look":
            threading.Thread(target=self._look, args=(command,), daemon=True).start()
            return None
        if command.do == "crash":
            if self.rules is not None:
                raise Refused("only the host helper signals")
            looking.crash(command.pid, command.container, command.signal)
            return {"at": time.monotonic()}
        if self.rules is None:
            raise Refused(f"the host helper knows no {command.do}")
        if command.do == "know":
            names = self.rules.names
            names.learn(command.to, looking.resolve_within(command.to, RESOLVE_LIMIT_S))
            return {"addresses": list(names.known(command.to))}
        if command.do == "block":
            return {"addresses": self.rules.block(command), "at": time.monotonic()}
        return {"was": self.rules.unblock(command.name), "at": time.monotonic()}

    def _look(self, command: Command) -> None:
        seen = looking.look(command.to, command.port or 443, command.patience_s)
        self.reply(command.n, ok=True, **seen)

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.hear(line)
        if len(self._rest) > LINE_LIMIT:
            self._rest = b""

    def tend(self) -> float:
        """Renew or let go, whichever is due; seconds until the next time."""
        now = time.monotonic()
        if self.rules is not None and now - self._heard > LEASE_S:
            self.rules.revert()
        if self.rules is not None and now >= self._renew_at:
            self.rules.renew()
        if now >= self._renew_at:
            self._renew_at = now + RENEW_S
        return max(0.0, min(self._renew_at, self._heard + LEASE_S + 0.001) - now) or 0.05


def serve(agent: Agent, wake: int) -> None:
    """Until stdin closes or a signal comes."""
    while True:
        ready = select.select([0, wake], [], [], agent.tend())[0]
        if wake in ready:
            return
        if 0 in ready:
            data = os.read(0, LINE_LIMIT)
            if not data:
                return
            agent.feed(data)


def open_rules(run: str) -> Rules:
    """Use libnftables in this process: a command costs no fork."""
    import nftables  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    return Rules(nftables.Nftables(), run)


def main(mode: str, run: str = "") -> int:
    """Run as *mode*; the exit code."""
    if mode == "idle":
        return 0
    wake, awake = os.pipe()
    os.set_blocking(awake, False)
    signal.set_wakeup_fd(awake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    rules = None if mode == "host" else open_rules(run)
    if rules is not None:
        rules.sweep()
    if mode == "sweep":
        return 0
    agent = Agent(rules, _write_all)
    try:
        agent.reply(0, ok=True, ready=mode)
        serve(agent, wake)
    finally:
        if rules is not None:
            rules.revert()
    return 0


def _write_all(line: bytes) -> None:
    while line:
        line = line[os.write(1, line) :]


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # Looks may still wait in threads; nobody hears them any more.
