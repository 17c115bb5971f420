"""`at: {held: {from: A, to: B}, seen: SIGHT}`: a fault between two steps of a purchase, as data."""

from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from drill.duration import Duration, show_duration
from experiments.runtime.shapes import Sight

WITHIN_S = 30.0
SIGHTS: tuple[Sight, ...] = get_args(Sight)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Edge(_Part):
    """Two steps of a purchase: the former's effect exists, and the latter cannot be taken."""

    from_: Annotated[
        str, Field(alias="from", min_length=1, description="the service whose data is dropped")
    ]
    to: Annotated[str, Field(min_length=1, description="a service, or a host name of `outside`")]
    after: Annotated[
        str | None,
        Field(
            min_length=1,
            description="hold only from the first data on that `from` sends to this one",
        ),
    ] = None


class Held(_Part):
    """Drop what `from` sends to `to`, wait until the former effect is seen, inject, let go."""

    held: Edge
    seen: Annotated[Sight, Field(description="the effect of the former step")]
    within: Annotated[Duration, Field(description="not seen in time: let go and say so")] = WITHIN_S

    @property
    def edge(self) -> str:
        """Both ends, as people name an edge."""
        return f"{self.held.from_} | {self.held.to}"

    def told(self) -> str:
        """One clause for the plan."""
        after = f" after {self.held.after}" if self.held.after else ""
        article = "an" if self.seen[0] in "aeiou" else "a"
        limit = show_duration(self.within)
        return f"at the held edge {self.edge}{after}, once {article} {self.seen} is seen ({limit})"


def _kind(value: object) -> str:
    return "at.held" if isinstance(value, (dict, Held)) else "at.duration"


At = Annotated[
    Annotated[Duration, Tag("at.duration")] | Annotated[Held, Tag("at.held")], Discriminator(_kind)
]
"""A time after the first phase of faults began, or a held edge."""
