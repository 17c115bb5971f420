"""What the measuring commands share: a table, the load of the machine, a project to break."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Sequence

import docker
import docker.errors
from docker.models.containers import Container

from drill.moments import percentiles
from experiments.runtime.docker import labels

IMAGE = "vauntico-drills/staging-base:1"
"""Has nft and Python; `staging/bin/up` makes it."""
PORT = 8000


def load() -> str:
    """How busy this machine was in the last minute."""
    return f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"


def show(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))


def in_ms(values_s: Sequence[float], *shares: float) -> list[str]:
    """Order statistics of seconds, as milliseconds."""
    found = percentiles(values_s, shares)
    return ["-" if value is None else f"{value * 1000:.1f}" for value in found]


@contextlib.contextmanager
def throwaway(
    client: docker.DockerClient, *services: str, cap_add: Sequence[str] = ()
) -> Iterator[dict[str, Container]]:
    """Containers that look like a compose project's, each with HTTP at `PORT`; gone afterwards."""
    project = f"bn-{uuid.uuid4().hex[:8]}"
    network = client.networks.create(project)
    made: dict[str, Container] = {}
    try:
        for service in services:
            one = client.containers.create(
                IMAGE,
                ["python3", "-m", "http.server", str(PORT), "--directory", "/etc/apt"],
                name=f"{project}-{service}",
                network=project,
                init=True,
                cap_add=list(cap_add),
                labels={
                    labels.PROJECT: project,
                    labels.SERVICE: service,
                    labels.TARGET: labels.TARGET_VALUE,
                },
            )
            made[service] = one
            network.disconnect(one)
            network.connect(one, aliases=[service])
            one.start()
            one.reload()
        yield made
    finally:
        ours = client.containers.list(all=True, filters={"label": f"{labels.OF}={project}"})
        for one in [*ours, *made.values()]:
            with contextlib.suppress(docker.errors.APIError):
                one.remove(force=True)
        network.remove()


def project_of(container: Container) -> str:
    """The compose project a throwaway container belongs to."""
    return str(container.labels[labels.PROJECT])


def address_of(container: Container) -> str:
    """Its address on its own network."""
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(networks[project_of(container)]["IPAddress"])
