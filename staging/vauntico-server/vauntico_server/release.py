"""What tells one release of the shop from another: the image names it, this table explains it."""

from __future__ import annotations

from dataclasses import dataclass

from common import settings


@dataclass(frozen=True)
class Release:
    """A release of vauntico-server; staging/releases.md says the same in words."""

    name: str
    # The newest version of the tables that it knows, and brings the database to.
    schema: int = 1
    # A bug: the price as customers read it is taken for the amount.
    reads_shown_price: bool = False


RELEASES = (
    Release("v1.2.0"),
    Release("v1.3.0", reads_shown_price=True),
    Release("v1.3.1", schema=2),
    Release("v1.4.0", schema=3),
)


def current() -> Release:
    """The release this image was built as; a name that is not in the table is the stable one."""
    name = settings.text("RELEASE", "unknown")
    return next((one for one in RELEASES if one.name == name), Release(name))
