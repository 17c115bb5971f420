"""What other packages add to the catalogues, by entry point."""

from importlib.metadata import entry_points
from typing import TypeVar, cast

from drill.errors import BadInput

C = TypeVar("C")
FAULTS_GROUP = "vauntico_drills.faults"
CHECKS_GROUP = "vauntico_drills.checks"
ACTS_GROUP = "vauntico_drills.acts"


def joined(own: tuple[type[C], ...], group: str, base: type, field: str) -> tuple[type[C], ...]:
    """
    Our classes and those that installed packages offer under *group*.

    Args:
        own: Our catalogue.

        group: The entry points' group; each names one class.

        base: What every class must derive from.

        field: The field whose default is the class's name in scenarios.

    Raises:
        BadInput: An entry point is no such class, or takes a name that is taken.
    """
    classes = list(own)
    for point in entry_points(group=group):
        found = point.load()
        if not (isinstance(found, type) and issubclass(found, base)):
            raise BadInput(
                f"entry point {point.name} of {group}: {point.value} is no {base.__name__}"
            )
        classes.append(cast("type[C]", found))
    names = [getattr(each, "model_fields")[field].default for each in classes]  # noqa: B009
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadInput(f"{group}: these names are taken twice: {', '.join(sorted(twice))}")
    return tuple(classes)
