"""The project's containers: what they are, what they reach, and whether they may be touched."""

from collections.abc import Collection, Mapping
from typing import Any

from drill.errors import BadInput
from drill.events import Service
from experiments.guards import Exposure, scan_variables
from experiments.runtime.docker import labels
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.recipe import in_the_making
from experiments.runtime.shapes import ContainerState


def to_state(service: str, info: Mapping[str, Any]) -> ContainerState:
    """One inspection, as the port says it."""
    state, host = info["State"], info["HostConfig"]
    return ContainerState(
        service=service,
        container=info["Id"],
        status=state["Status"],
        started_at=state.get("StartedAt", ""),
        pid=int(state.get("Pid", 0)),
        restarts=int(info.get("RestartCount", 0)),
        restart_policy=str(host.get("RestartPolicy", {}).get("Name") or "no"),
        health=str((state.get("Health") or {}).get("Status", "")),
    )


def target(
    engine: Engine, project: str, service: str, allowed: Collection[str] | None = None
) -> dict[str, Any]:
    """
    Inspect the one container of *service*, if it may be touched.

    Raises:
        BadInput: It is not allowed, there is none or more than one, or the label is missing.
    """
    if allowed is not None and service not in allowed:
        raise BadInput(
            f"{service} is not among this drill's targets ({', '.join(sorted(allowed))})"
        )
    found = engine.listed(f"{labels.PROJECT}={project}", f"{labels.SERVICE}={service}")
    found = [
        entry
        for entry in found
        if entry.get("State") != "removing" and not in_the_making(entry.get("Names") or ())
    ]
    infos = [info for entry in found if (info := engine.inspect(entry["Id"])) is not None]
    if not infos:
        raise BadInput(f"project {project} has no container for {service}; is staging up?")
    if len(infos) > 1:
        raise BadInput(f"{service} has {len(infos)} containers; scale it to one for a drill")
    if infos[0]["Config"]["Labels"].get(labels.TARGET) != labels.TARGET_VALUE:
        raise BadInput(
            f"{service} lacks the label {labels.TARGET}={labels.TARGET_VALUE},"
            " so it is not touched;"
            f" add `labels: {{{labels.TARGET}: {labels.TARGET_VALUE}}}` to it in the compose file"
            " and bring it up again"
        )
    return infos[0]


def inspected(engine: Engine, project: str) -> list[dict[str, Any]]:
    """Every container of the project."""
    found = engine.listed(f"{labels.PROJECT}={project}")
    return [info for entry in found if (info := engine.inspect(entry["Id"])) is not None]


def survey(engine: Engine, project: str) -> list[Service]:
    """The stack for the report, sorted by service."""
    digests: dict[str, str] = {}
    services = []
    for info in inspected(engine, project):
        image = str(info["Image"])
        if image not in digests:
            known = engine.look.images.get(image).attrs.get("RepoDigests") or [image]
            digests[image] = str(known[0]).split("@")[-1]
        state = to_state(info["Config"]["Labels"].get(labels.SERVICE, ""), info)
        services.append(
            Service(
                service=state.service,
                container=state.container,
                image=str(info["Config"]["Image"]),
                digest=digests[image],
                status=state.status,
                restarts=state.restarts,
                oom_killed=bool(info["State"].get("OOMKilled")),
                started_at=state.started_at,
                health=state.health,
            )
        )
    return sorted(services, key=lambda one: one.service)


def exposures(engine: Engine, project: str) -> dict[str, Exposure]:
    """What each service's variables reach; values never leave this function."""
    found = {}
    for info in inspected(engine, project):
        pairs = (line.partition("=") for line in info["Config"].get("Env") or ())
        service = info["Config"]["Labels"].get(labels.SERVICE, "")
        found[service] = scan_variables({name: value for name, _, value in pairs})
    return found


def aliases(engine: Engine, project: str) -> frozenset[str]:
    """Every name by which the project's containers reach each other."""
    names: set[str] = set()
    for info in inspected(engine, project):
        names.add(info["Config"]["Labels"].get(labels.SERVICE, ""))
        names.add(str(info["Name"]).lstrip("/"))
        for network in (info["NetworkSettings"].get("Networks") or {}).values():
            names.update(network.get("Aliases") or ())
            names.add(network.get("IPAddress") or "")
    return frozenset(names - {""})


def neighbours(engine: Engine, project: str, service: str) -> list[str]:
    """Addresses of the other running containers that share a network with *service*, sorted."""
    infos = [info for info in inspected(engine, project) if info["State"]["Status"] == "running"]
    own: set[str] = set()
    for info in infos:
        if info["Config"]["Labels"].get(labels.SERVICE) == service:
            own |= set(info["NetworkSettings"].get("Networks") or {})
    found = set()
    for info in infos:
        if info["Config"]["Labels"].get(labels.SERVICE) != service:
            networks = (info["NetworkSettings"].get("Networks") or {}).items()
            found |= {end.get("IPAddress") for name, end in networks if name in own}
    return sorted(address for address in found if address)
