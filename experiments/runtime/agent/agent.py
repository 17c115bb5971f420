"""
The fault agent: commands on stdin, replies on stdout, and nothing left behind.

    agent.py net RUN     in a target's network namespace: block, unblock, count, look, know, ping
    agent.py sweep RUN   the same place: delete the tables of that drill and exit
    agent.py host RUN    in the host's PID namespace: crash, ping
    agent.py idle        exit at once (what a marker would do if somebody started it)

It reverts and exits when stdin closes or SIGTERM comes, reverts when no command came for
`LEASE_S`, and its rules match elements that the kernel forgets after 3 s unless it renews them.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from experiments.runtime.agent import looking
from experiments.runtime.agent.rules import RESOLVE_LIMIT_S, Rules
from experiments.runtime.agent.words import Command, Refused, answer, parse_command

LEASE_S = 3.0
RENEW_S = 1.0
LINE_LIMIT = 65536


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
        return self._rule(self.rules, command)

    def _rule(self, rules: Rules, command: Command) -> dict[str, Any]:
        if command.do == "know":
            rules.names.learn(command.to, looking.resolve_within(command.to, RESOLVE_LIMIT_S))
            return {"addresses": list(rules.names.known(command.to))}
        if command.do == "count":
            return {"packets": rules.count(command.name)}
        if command.do == "block":
            return {"addresses": rules.block(command), "at": time.monotonic()}
        return {"was": rules.unblock(command.name), "at": time.monotonic()}

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
