"""What an agent understands: one JSON object a line, and the nftables text a rule becomes."""

import ipaddress
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

ELEMENT_TIMEOUT_S = 3
HIGHEST_PORT = 65535
BEGUN_TIMEOUT_S = 5
DO = frozenset({"block", "unblock", "count", "look", "crash", "know", "ping"})
WAYS = frozenset({"drop", "reject", "isolate", "hold"})
EVERYONE = "%everyone"
FAMILIES = ("ipv4", "ipv6")
"""What the set of an isolating rule holds: every packet is of one of them."""
SIGNAL = re.compile(r"SIG[A-Z0-9]{2,10}")
HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")


class Refused(Exception):
    """The command cannot be carried out; the text says why and goes back to the client."""


@dataclass(frozen=True)
class Command:
    """
    One command; fields that its kind does not use stay at their defaults.

    Attributes:
        n: Number that the reply carries.

        do: One of `DO`.

        after: Host whose first data begins a hold, empty if it begins at once.

        patience_s: Seconds that a look may take.

        pid: Process to signal, as the host numbers it.

        container: Full id that this process must belong to.
    """

    n: int
    do: str
    name: str = ""
    to: str = ""
    way: str = "drop"
    port: int | None = None
    patience_s: float = 0.25
    pid: int = 0
    container: str = ""
    signal: str = ""
    after: str = ""


NEEDS = {
    "block": ("name", "to", "way"),
    "unblock": ("name",),
    "count": ("name",),
    "look": ("to", "port"),
    "crash": ("pid", "container", "signal"),
    "know": ("to",),
    "ping": (),
}


def parse_command(line: bytes) -> Command:
    """
    Read one line.

    Raises:
        Refused: It is no command of ours; nothing has been done.
    """
    try:
        said = json.loads(line)
    except ValueError as error:
        raise Refused(f"no JSON: {error}") from None
    if not isinstance(said, dict) or said.get("do") not in DO:
        raise Refused("no command of ours")
    missing = [field for field in NEEDS[said["do"]] if said.get(field) in (None, "")]
    if missing:
        raise Refused(f"{said['do']} needs {', '.join(missing)}")
    try:
        command = Command(**said)
    except TypeError as error:
        raise Refused(str(error)) from None
    _check(command)
    return command


def _check(command: Command) -> None:
    kinds: tuple[tuple[object, type | tuple[type, ...]], ...] = (
        (command.n, int),
        (command.name, str),
        (command.to, str),
        (command.patience_s, (int, float)),
        (command.pid, int),
        (command.container, str),
        (command.signal, str),
        (command.after, str),
    )
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise Refused("a field has the wrong type")
    for host in filter(None, (command.to, command.after)):
        if not HOST.fullmatch(host):
            raise Refused(f"no host name or address: {host!r}")
    if command.way not in WAYS:
        raise Refused(f"no way is called {command.way!r}")
    port: object = command.port
    if port is not None and not (isinstance(port, int) and 1 <= port <= HIGHEST_PORT):
        raise Refused(f"no port: {port!r}")
    if command.signal and not SIGNAL.fullmatch(command.signal):
        raise Refused(f"no signal: {command.signal!r}")


def prefix_of(run: str) -> str:
    """What the names of all tables of one drill begin with."""
    return f"drill_{zlib.crc32(run.encode()):08x}_"


def table_of(run: str, name: str) -> str:
    """The table of one rule: the drill, the rule's readable name, a sum that keeps it unique."""
    clean = re.sub(r"[^A-Za-z0-9]", "_", name)[:80]
    return f"{prefix_of(run)}{clean}_{zlib.crc32(name.encode()):08x}"


def blockable(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses without loopback: a target's talk with itself and Docker's DNS stay untouched."""
    plain = {address.split("%")[0] for address in addresses}
    return tuple(sorted(a for a in plain if not ipaddress.ip_address(a).is_loopback))


def isolating_text(table: str) -> str:
    """A table that does nothing yet: its set is empty, and what will be in it expires."""
    head = " chain {}\n  type filter hook {} priority 0\n  {} lo accept\n"
    drop = "  meta nfproto @families drop\n }\n"
    out = head.format("out {", "output", "oifname")
    into = head.format("into {", "input", "iifname")
    families = " set families {\n  type nf_proto\n  flags timeout\n }\n"
    chains = f"{out}{drop}{into}{drop}"
    return f"create table inet {table}\ntable inet {table} {{\n{families}{chains}}}\n"


def holding_text(table: str, *, after: bool) -> str:
    """
    A table that does nothing yet, and then drops data on its way out and nothing else.

    Connections open and acknowledgements pass, so that the target gets all that it is sent. With
    *after* it begins in the kernel, with the first data to one of the hosts in `after4`, `after6`.
    """
    sets = _sets("peers") + " counter held_back {\n }\n"
    begun, mark = "", ""
    if after:
        sets += _sets("after") + " set begun {\n  type nf_proto\n  flags dynamic,timeout\n"
        sets += f"  timeout {BEGUN_TIMEOUT_S}s\n }}\n"
        begun = " meta nfproto @begun"
        to = ("  ip daddr @after4", "  ip6 daddr @after6")
        mark = "".join(f"{peer} tcp flags psh update @begun {{ meta nfproto }}\n" for peer in to)
    chain = " chain out {\n  type filter hook output priority 0\n  oifname lo accept\n"
    for peer in ("  ip daddr @peers4", "  ip6 daddr @peers6"):
        chain += f"{peer}{begun} tcp flags psh counter name held_back drop\n"
    chain = chain.replace("accept\n", f"accept\n{mark}", 1)
    return f"create table inet {table}\ntable inet {table} {{\n{sets}{chain} }}\n}}\n"


def _sets(name: str) -> str:
    return "".join(f" set {name}{v} {{\n  type ipv{v}_addr\n  flags timeout\n }}\n" for v in (4, 6))


def table_text(table: str, way: str, port: int | None) -> str:
    """A table that does nothing yet: two chains over two empty sets whose elements expire."""
    if way == "isolate":
        return isolating_text(table)
    sets = _sets("peers")
    head = " chain {}\n  type filter hook {} priority 0\n  {} lo accept\n"
    out = head.format("out {", "output", "oifname")
    into = head.format("into {", "input", "iifname")
    to = ("  ip daddr @peers4", "  ip6 daddr @peers6")
    back = ("  ip saddr @peers4", "  ip6 saddr @peers6")
    if way == "drop":
        sport = f" tcp sport {port}" if port else ""
        dport = f" tcp dport {port}" if port else ""
        chains = out + "".join(f"{peer}{dport} drop\n" for peer in to) + " }\n"
        chains += into + "".join(f"{peer}{sport} drop\n" for peer in back) + " }\n"
    else:
        tcp = f" tcp dport {port}" if port else " meta l4proto tcp"
        lines = "".join(f"{peer}{tcp} reject with tcp reset\n" for peer in to)
        if port is None:
            lines += "".join(f"{peer} reject\n" for peer in to)
        chains = f"{out}{lines} }}\n"
    return f"create table inet {table}\ntable inet {table} {{\n{sets}{chains}}}\n"


def elements_text(table: str, addresses: Iterable[str], *, renew: bool, into: str = "peers") -> str:
    """
    Lines that let *addresses*, or families of them, be in the set *into* from now.

    They stay for `ELEMENT_TIMEOUT_S`. Adding an element that is there leaves its clock alone, hence
    add, delete, add in one batch.
    """
    lines = []
    for address in addresses:
        if address in FAMILIES:
            where = f"element inet {table} families"
        else:
            where = f"element inet {table} {into}{ipaddress.ip_address(address).version}"
        add = f"add {where} {{ {address} timeout {ELEMENT_TIMEOUT_S}s }}\n"
        lines.append(f"{add}delete {where} {{ {address} }}\n{add}" if renew else add)
    return "".join(lines)


def answer(n: int, **fields: object) -> bytes:
    """One reply line."""
    return json.dumps({"n": n, **fields}).encode() + b"\n"
