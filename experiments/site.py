"""Where a drill is rehearsed: everything a plan is checked against."""

from pathlib import Path

import msgspec

from drill.errors import BadInput
from experiments.environment import Environment, compose_services, load_environment
from experiments.playbook import PLAYBOOK, Playbook, load_playbook


class Site(msgspec.Struct, frozen=True):
    """An environment, the services of its compose file, and the team's playbook."""

    environment: Environment
    services: frozenset[str]
    playbook: Playbook


def load_site(path: Path) -> Site:
    """
    Read an environment and what it names; touches nothing.

    Raises:
        BadInput: Every problem of the file that has any, each with its line.
    """
    environment, document = load_environment(path)
    playbook = PLAYBOOK
    if environment.playbook is not None:
        playbook = path.parent / environment.playbook
        if not playbook.is_file():
            place = document.place(("playbook",))
            raise BadInput(f"{place}: there is no file {playbook}")
    return Site(
        environment=environment,
        services=compose_services(environment, path),
        playbook=load_playbook(playbook, environment.groups()),
    )
