"""The container engine: connected once, found to be the right one, its errors in plain words."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions

from drill.errors import BadInput, Unsure
from experiments.runtime.docker import labels

READ_LIMIT_S = 5
ACT_LIMIT_S = 60
AGENT_FOLDER = Path(__file__).parents[1] / "agent"
SILENCE = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)


class Engine:
    """
    Two clients of one engine: one for looking, whose answers come soon or never, and one for acts.

    Attributes:
        id: The engine's own ID.
    """

    def __init__(self, pinned: str = "local") -> None:
        """
        Connect.

        Args:
            pinned: `local` for a local socket, else the ID that the engine must have.

        Raises:
            BadInput: No engine answers, or it is another one than pinned.
        """
        self.where = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        if pinned == "local" and not self.where.startswith("unix://"):
            raise BadInput(
                f"the environment says engine: local, but DOCKER_HOST is {self.where};"
                " unset it, or write that engine's ID (docker info -f '{{.ID}}') as engine"
            )
        try:
            self.look = docker.from_env(version="auto", timeout=READ_LIMIT_S)
            self.act = docker.from_env(version=self.look.api.api_version, timeout=ACT_LIMIT_S)
            self.id = str(self.look.info()["ID"])
        except (docker.errors.DockerException, *SILENCE) as error:
            raise BadInput(
                f"no container engine answers at {self.where} ({error});"
                " start it (systemctl start docker) or set DOCKER_HOST"
            ) from error
        if pinned not in ("local", self.id):
            raise BadInput(
                f"the engine at {self.where} is {self.id}, not the pinned {pinned}; nothing was"
                " touched. Set DOCKER_HOST to the pinned one, or, if this one runs your staging,"
                f' write engine: "{self.id}" into the environment'
            )

    def close(self) -> None:
        """Give back every connection."""
        self.look.close()
        self.act.close()

    def inspect(self, container: str) -> dict[str, Any] | None:
        """All the engine knows about one container; None if it exists no more."""
        try:
            return dict(self.look.api.inspect_container(container))
        except docker.errors.NotFound:
            return None

    def listed(self, *filters: str) -> list[dict[str, Any]]:
        """Every container, running or not, that has all these labels (`key` or `key=value`)."""
        return list(self.look.api.containers(all=True, filters={"label": list(filters)}))

    def ready_image(self) -> None:
        """
        Build the agent's image if it is missing or was built from other files.

        Raises:
            BadInput: It cannot be built, mostly because its base is not there.
        """
        wanted = folder_hash(AGENT_FOLDER)
        with contextlib.suppress(docker.errors.ImageNotFound):
            image = self.look.images.get(labels.AGENT_IMAGE)
            if image.labels.get(labels.AGENT_HASH) == wanted:
                return
        try:
            self.act.images.build(
                path=str(AGENT_FOLDER),
                tag=labels.AGENT_IMAGE,
                labels={labels.AGENT_HASH: wanted},
                rm=True,
            )
        except (docker.errors.BuildError, docker.errors.APIError) as error:
            raise BadInput(
                f"the agent's image {labels.AGENT_IMAGE} cannot be built: {error};"
                " `make staging` builds its base"
            ) from error


def folder_hash(folder: Path) -> str:
    """A sum over the names and contents of the files of *folder*."""
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file():
            total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn an engine's silence or refusal into `Unsure`, keeping its words."""
    try:
        yield
    except SILENCE as error:
        raise Unsure(f"the container engine does not answer: {error}") from error
    except docker.errors.DockerException as error:
        raise Unsure(f"the container engine refused: {error}") from error
