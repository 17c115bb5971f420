"""Guard rails over the targets' own variables: which hosts they name, and no live key. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LIVE_KEY = re.compile(r"\b[sp]k_live_")
URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s,;'\"]+", re.IGNORECASE)
DSN_HOST = re.compile(r"(?:^|\s)host(?:addr)?=([^\s,]+)")
HOST_PORT = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]):(\d{2,5})")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
HOST_VARIABLE = re.compile(r"(?:^|_)(?:HOST|HOSTNAME|HOSTS|SERVER|ENDPOINT|DOMAIN)$")
OWN_NAME = frozenset({"HOSTNAME"})
HERE = frozenset({"localhost", "0.0.0.0", "::1", "::", "host.docker.internal"})  # noqa: S104


@dataclass(frozen=True)
class Exposure:
    """
    What one container's variables reach; never their values.

    Attributes:
        hosts: Host names and addresses, lower case, sorted.

        live_keys: Names of the variables that hold a live Paystack key.
    """

    hosts: tuple[str, ...] = ()
    live_keys: tuple[str, ...] = ()


def scan_variables(env: Mapping[str, str]) -> Exposure:
    """Find hosts (URLs, DSNs, host:port, *_HOST) and live keys in a container's variables."""
    hosts: set[str] = set()
    for name, value in env.items():
        if name not in OWN_NAME:
            hosts.update(_hosts_in(name, value))
    live = sorted(name for name, value in env.items() if LIVE_KEY.search(value))
    plain = {host.lower().strip("[]").rstrip(".") for host in hosts}
    return Exposure(tuple(sorted(host for host in plain if host)), tuple(live))


def _hosts_in(name: str, value: str) -> Iterable[str]:
    for url in URL.findall(value):
        yield from _hosts_of_url(url)
    rest = URL.sub(" ", value)
    yield from DSN_HOST.findall(rest)
    for part in re.split(r"[\s,;]+", rest):
        paired = HOST_PORT.fullmatch(part)
        if paired and not paired[1].isdigit():
            yield paired[1]
        elif HOST_VARIABLE.search(name) and NAME.fullmatch(part):
            yield part


def _hosts_of_url(url: str) -> Iterable[str]:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if host:
        yield host


def check_exposures(
    exposures: Mapping[str, Exposure], known: Collection[str], outside: Collection[str]
) -> list[str]:
    """
    What must stop a drill, one clear line each.

    Args:
        exposures: By service.
        known: Names of services and their network aliases.
        outside: Hosts that the environment classifies.
    """
    fine = {name.lower() for name in (*known, *outside)} | HERE
    problems = []
    for service, found in sorted(exposures.items()):
        problems += [
            f"{service}: its variable {name} holds a live Paystack key; staging must use test keys"
            for name in found.live_keys
        ]
        problems += [
            f"{service}: its variables name {host}, which is no service of this staging and is not"
            " classified; add it to `outside` of the environment"
            for host in found.hosts
            if host not in fine and not host.startswith("127.")
        ]
    return problems
