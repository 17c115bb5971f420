"""Looks at which release runs, for the journal."""

from typing import Literal, Protocol

from drill.errors import DrillError
from drill.incident import ReleaseSeen
from experiments.recorder import Recorder
from experiments.runtime.shapes import Release

When = Literal["before", "bad", "rolled_back", "after"]


class Runs(Protocol):
    """What of the stack is looked at."""

    async def running(self, service: str) -> Release:
        """What *service* runs now."""


async def look_at_release(recorder: Recorder, stack: Runs, service: str, when: When) -> None:
    """Write what *service* runs now as a `ReleaseSeen`; an engine that does not say is noted."""
    try:
        now = await stack.running(service)
    except DrillError as error:
        recorder.note(f"which release of {service} runs could not be read ({when}): {error}")
        return
    recorder.add(
        ReleaseSeen(
            t=recorder.t(),
            service=service,
            when=when,
            release=now.tag,
            image=now.image,
            digest=now.digest,
            detail=" ".join(word for word in (now.status, now.health) if word),
        )
    )
