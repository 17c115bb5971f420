"""How a container was made, read back from the engine, so that another one can be made like it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Info = Mapping[str, Any]
NEXT = "drill-next-"
"""Names of containers in the making begin so; nothing follows them yet."""
RENAMED = re.compile(r"[0-9a-f]{12}_")
"""Compose 1 renames the container it is replacing so."""
SHORT_ID = 12
CONFIG_HASH, COMPOSE_IMAGE = "com.docker.compose.config-hash", "com.docker.compose.image"
VERSION = "org.opencontainers.image.version"
TAKEN = (
    "Cmd",
    "Domainname",
    "Entrypoint",
    "ExposedPorts",
    "Healthcheck",
    "MacAddress",
    "OpenStdin",
    "Shell",
    "StdinOnce",
    "StopSignal",
    "StopTimeout",
    "Tty",
    "User",
    "Volumes",
    "WorkingDir",
)


def tag_of(name: str) -> str:
    """The tag in an image's name, empty if there is none."""
    if name.startswith("sha256:"):
        return ""
    plain = name.partition("@")[0]
    head, _, tail = plain.rpartition(":")
    return tail if head and "/" not in tail else ""


def with_tag(name: str, tag: str) -> str:
    """An image's name with another tag."""
    plain = name.partition("@")[0]
    old = tag_of(plain)
    return f"{plain.removesuffix(f':{old}') if old else plain}:{tag}"


def tag_called(image: Info, name: str) -> str:
    """What a release is called: its image's version label, else its tag, else its digest."""
    said = ((image.get("Config") or {}).get("Labels") or {}).get(VERSION)
    return str(said or tag_of(name) or str(image["Id"])[:19])


def in_the_making(names: Sequence[str]) -> bool:
    """Whether a container's names say that it is being put in, or taken out, by a deployment."""
    plain = [name.lstrip("/") for name in names]
    return any(name.startswith(NEXT) or RENAMED.match(name) for name in plain)


def recipe(info: Info, old: Info, image: str) -> dict[str, Any]:
    """
    What the engine is asked for a container like *info* from another image.

    What *info* only has from its own image is left to the new one. A variable that holds exactly
    the old image's tag holds the new one's, as compose would write it.

    Args:
        info: The engine's inspection of a container.
        old: The engine's inspection of that container's image.
        image: Name or digest of the image to use.
    """
    config, base = info["Config"], old.get("Config") or {}
    body: dict[str, Any] = {
        key: config[key] for key in TAKEN if config.get(key) and config[key] != base.get(key)
    }
    if "Entrypoint" in body and config.get("Cmd"):
        body["Cmd"] = config["Cmd"]  # With an entry point of its own the image's is forgotten.
    if config.get("Hostname") != info["Id"][:SHORT_ID]:
        body["Hostname"] = config.get("Hostname")
    was, now = tag_of(config["Image"]), tag_of(image)
    body["Env"] = [
        _retagged(line, was, now)
        for line in config.get("Env") or ()
        if line not in (base.get("Env") or ())
    ]
    images = base.get("Labels") or {}
    body["Labels"] = {
        key: value
        for key, value in (config.get("Labels") or {}).items()
        if images.get(key) != value
    }
    body["Image"] = image
    body["HostConfig"] = _host(info)
    endpoints = _endpoints(info)
    body["NetworkingConfig"] = {"EndpointsConfig": dict(list(endpoints.items())[:1])}
    return body


def more_networks(info: Info) -> dict[str, Any]:
    """The networks beside the first: older engines take only one at the creation."""
    return dict(list(_endpoints(info).items())[1:])


def _retagged(line: str, was: str, now: str) -> str:
    name, _, value = line.partition("=")
    return f"{name}={now}" if was and now and value == was else line


def _host(info: Info) -> dict[str, Any]:
    """As it was, and volumes without a name keep their data."""
    host = dict(info["HostConfig"])
    host["ContainerIDFile"] = ""
    binds = list(host.get("Binds") or ())
    placed = {bind.split(":")[1] for bind in binds if ":" in bind}
    placed |= {mount.get("Target") for mount in host.get("Mounts") or ()}
    binds += [
        f"{mount['Name']}:{mount['Destination']}"
        for mount in info.get("Mounts") or ()
        if mount.get("Type") == "volume" and mount["Destination"] not in placed
    ]
    host["Binds"] = binds or None
    return host


def _endpoints(info: Info) -> dict[str, Any]:
    """Its networks, the one of its network mode first, with the names it is reached by there."""
    mode = str(info["HostConfig"].get("NetworkMode", ""))
    if mode in ("host", "none") or mode.startswith("container:"):
        return {}
    short = info["Id"][:SHORT_ID]
    found = {
        name: {
            "Aliases": [alias for alias in end.get("Aliases") or () if alias != short],
            "IPAMConfig": end.get("IPAMConfig"),
            "Links": end.get("Links"),
            "DriverOpts": end.get("DriverOpts"),
        }
        for name, end in (info["NetworkSettings"].get("Networks") or {}).items()
    }
    return dict(sorted(found.items(), key=lambda pair: pair[0] != mode))
