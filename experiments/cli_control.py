"""
`drill ack`, `contained`, `resolved` and `update`: speak to the drill that runs.

Exit codes: 0 it was said and taken, 2 it was refused, or there is no drill to speak to.
"""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from experiments.control import Say

ABOUT: "tuple[tuple[str, Say, str], ...]" = (
    ("ack", "acknowledge", "Take the incident of the running drill."),
    ("contained", "contain", "Say that the damage no longer grows."),
    ("resolved", "resolve", "Say that the incident is resolved."),
    ("update", "update", "Post TEXT to everybody who is being told."),
)


def add_to(group: click.Group) -> None:
    """Add the four commands."""
    for name, say, about in ABOUT:
        group.add_command(_command(name, say, about))


def _command(name: str, say: "Say", about: str) -> click.Command:
    @click.command(name, help=about)
    @click.option("--as", "actor", metavar="NAME", help="Who says it; your login name by default.")
    @click.option("--role", default="", help="In which role; the one you hold by default.")
    @click.option("--run", default="", help="Which drill, if several are running.")
    @click.argument("text", required=say == "update")
    def command(actor: str | None, role: str, run: str, text: str | None) -> None:
        import getpass  # noqa: PLC0415

        from experiments.gameday.speak import speak  # noqa: PLC0415

        said = {"say": say, "as": actor or getpass.getuser(), "role": role, "text": text or ""}
        click.echo(speak(said, run))

    return command
