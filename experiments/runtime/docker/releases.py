"""
Another release under a service, and the one before under it again.

The container is made anew from what the engine knows of it. A never-started copy of the one that
ran before, with its variables, mounts and networks, is kept as the marker of the change: so the
undo needs nothing but the engine, and no secret is in a label. At every instant at least one
container on the engine has all that is needed. Imports no pydantic and no asyncio.
"""

import contextlib
import json
import time
import uuid
from http import HTTPStatus
from typing import Any, NamedTuple

import docker.errors

from drill.errors import BadInput, Unsure
from experiments.runtime.docker import labels, survey
from experiments.runtime.docker.engine import Engine
from experiments.runtime.docker.recipe import (
    COMPOSE_IMAGE,
    CONFIG_HASH,
    NEXT,
    Info,
    in_the_making,
    more_networks,
    recipe,
    tag_called,
    with_tag,
)
from experiments.runtime.shapes import Release, Undo

NAME_LIMIT_S = 5.0
POLL_S = 0.05


class Making(NamedTuple):
    """A container to be made: what the engine is asked for, its name, and what it is made like."""

    body: dict[str, Any]
    name: str
    source: Info


def running(engine: Engine, info: Info) -> Release:
    """What a container runs, from its inspection."""
    state = survey.to_state("", info)
    name, digest = str(info["Config"]["Image"]), str(info["Image"])
    return Release(
        image=name,
        digest=digest,
        tag=tag_called(_image(engine, digest) or {"Id": digest}, name),
        container=str(info["Id"]),
        status=state.status,
        health=state.health,
        started_at=state.started_at,
    )


def find_release(engine: Engine, info: Info, tag: str, image: str = "") -> Release:
    """
    Another release of the service that *info* is of.

    Raises:
        BadInput: The engine has no such image.
    """
    name = image or with_tag(str(info["Config"]["Image"]), tag)
    found = _image(engine, name)
    if found is None:
        service = info["Config"]["Labels"].get(labels.SERVICE, "")
        raise BadInput(
            f"the engine has no image {name}, which {service} {tag} would run;"
            " build or pull it first"
        )
    return Release(image=name, digest=str(found["Id"]), tag=tag)


def keep(engine: Engine, undo: Undo, marks: dict[str, str]) -> str:
    """
    Keep a never-started copy of what runs now, with *marks* as its labels; gives its id.

    Raises:
        Unsure: The service does not run what *undo* names any more.
    """
    info, release = engine.inspect(undo.container), undo.release
    if info is None or release is None or info["Image"] != release.digest:
        raise Unsure(f"{undo.service} was deployed anew just now; try again")
    body = recipe(info, _image_of(engine, info), release.digest)
    kept = {
        "name": str(info["Name"]).lstrip("/"),
        "image": release.image,
        "labels": body["Labels"],
        "restart": body["HostConfig"].get("RestartPolicy"),
    }
    body["Labels"] = marks | {labels.KEPT: json.dumps(kept), labels.KEEPS: undo.service}
    body["HostConfig"] = body["HostConfig"] | {"RestartPolicy": {"Name": "no"}}
    create: Any = engine.act.api.create_container_from_config  # The stubs leave it untyped.
    made = create(body)
    _join(engine, str(made["Id"]), more_networks(info))
    return str(made["Id"])


def deploy(engine: Engine, project: str, info: Info, image: str) -> Release:
    """
    Run the service of *info* from *image*, everything else as it was; the one kept if it is that.

    Raises:
        BadInput: The engine has no such image.
    """
    service = info["Config"]["Labels"][labels.SERVICE]
    found = _image(engine, image)
    if found is None:
        raise BadInput(f"the engine has no image {image}; build or pull it first")
    kept = _kept(engine, project, service)
    if kept is not None and kept["Image"] == found["Id"]:
        making = _unpacked(engine, kept)
    else:
        body = recipe(info, _image_of(engine, info), image)
        making = Making(body, str(info["Name"]).lstrip("/"), info)
        marks = body["Labels"]
        # So that compose sees that this is not what its file says, and `up` puts it right.
        marks[CONFIG_HASH] = f"drill-{str(found['Id'])[-16:]}"
        if COMPOSE_IMAGE in marks:
            marks[COMPOSE_IMAGE] = str(found["Id"])
    made = _swap(engine, project, service, making)
    fresh = engine.inspect(made)
    if fresh is None:
        raise Unsure(f"the new container of {service} is gone again")
    return running(engine, fresh)


def put_back(engine: Engine, project: str, undo: Undo) -> str:
    """
    Run what *undo* names under its service again, from whatever state it is in.

    Returns:
        `already`, `started`, `put back`; `gone` if staging is not up at all.
    """
    release = undo.release
    if release is None or not engine.listed(f"{labels.PROJECT}={project}"):
        return "gone"
    found = containers(engine, project, undo.service)
    right = [info for info in found if info["Image"] == release.digest and not _making(info)]
    kept = _kept(engine, project, undo.service)
    if right:
        _remove(engine, [info for info in found if info["Id"] != right[0]["Id"]])
        if right[0]["State"]["Status"] == "running":
            return "already"
        engine.act.api.start(right[0]["Id"])
        return "started"
    if kept is None and not found:
        return "gone"
    making = _from_running(engine, found, release) if kept is None else _unpacked(engine, kept)
    _swap(engine, project, undo.service, making)
    return "put back"


def containers(engine: Engine, project: str, service: str) -> list[dict[str, Any]]:
    """Every container of one service, those in the making too."""
    asked = (f"{labels.PROJECT}={project}", f"{labels.SERVICE}={service}")
    found = [engine.inspect(entry["Id"]) for entry in engine.listed(*asked)]
    return [info for info in found if info is not None and info["State"]["Status"] != "removing"]


def _swap(engine: Engine, project: str, service: str, making: Making) -> str:
    """The new one is complete before the old one is touched, so that the gap is short."""
    api = engine.act.api
    create: Any = api.create_container_from_config  # The stubs leave it untyped.
    old = containers(engine, project, service)
    made = create(making.body, f"{NEXT}{service}-{uuid.uuid4().hex[:8]}")
    _join(engine, str(made["Id"]), more_networks(making.source))
    for info in old:
        if info["State"]["Running"]:
            with contextlib.suppress(docker.errors.NotFound):
                api.stop(info["Id"])
    _remove(engine, old)
    _rename(engine, str(made["Id"]), making.name)
    api.start(made["Id"])
    return str(made["Id"])


def _rename(engine: Engine, container: str, name: str) -> None:
    """The name is free once the removal of its last owner, perhaps by another, is through."""
    until = time.monotonic() + NAME_LIMIT_S
    while True:
        try:
            engine.act.api.rename(container, name)
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT or time.monotonic() > until:
                raise
            time.sleep(POLL_S)
        else:
            return


def _join(engine: Engine, container: str, networks: dict[str, Any]) -> None:
    for name, end in networks.items():
        engine.act.api.connect_container_to_network(
            container, name, aliases=end["Aliases"], links=end["Links"]
        )


def _remove(engine: Engine, infos: list[dict[str, Any]]) -> None:
    for info in infos:
        try:
            engine.act.api.remove_container(info["Id"], force=True)
        except docker.errors.NotFound:
            continue
        except docker.errors.APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:  # Its removal is under way already.
                raise


def _kept(engine: Engine, project: str, service: str) -> dict[str, Any] | None:
    """The copy of what ran before the drill, the first one made if there are several."""
    found = engine.listed(f"{labels.OF}={project}", f"{labels.KEEPS}={service}")
    for entry in sorted(found, key=lambda entry: int(entry["Created"])):
        info = engine.inspect(entry["Id"])
        if info is not None:
            return info
    return None


def _unpacked(engine: Engine, kept: dict[str, Any]) -> Making:
    """What to ask the engine for to have the kept container back."""
    said = json.loads(kept["Config"]["Labels"][labels.KEPT])
    body = recipe(kept, _image_of(engine, kept), kept["Image"])
    known = _image(engine, said["image"])
    if known is not None and known["Id"] == kept["Image"]:
        body["Image"] = said["image"]
    body["Labels"] = said["labels"]
    body["HostConfig"]["RestartPolicy"] = said["restart"]
    return Making(body, str(said["name"]), kept)


def _from_running(engine: Engine, found: list[dict[str, Any]], release: Release) -> Making:
    """Nothing was kept: the container that took its place is made like it, apart from the image."""
    source = next((info for info in found if not _making(info)), found[0])
    body = recipe(source, _image_of(engine, source), release.image)
    if (known := _image(engine, release.image)) is None or known["Id"] != release.digest:
        body["Image"] = release.digest
    return Making(body, str(source["Name"]).lstrip("/").removeprefix(NEXT), source)


def _making(info: Info) -> bool:
    return in_the_making([info["Name"]])


def _image_of(engine: Engine, info: Info) -> Info:
    return _image(engine, str(info["Image"])) or {"Id": info["Image"]}


def _image(engine: Engine, name: str) -> dict[str, Any] | None:
    inspect: Any = engine.look.api.inspect_image  # The stubs leave it untyped.
    try:
        return dict(inspect(name))
    except docker.errors.NotFound:
        return None
