"""
The incident of one drill while it lasts: which moments were reached, in order, and who set them.

Detection, responders, people, escalation and communication all meet here.
"""

from collections.abc import Mapping

import anyio
import msgspec

from drill.errors import BadInput
from drill.events import MomentSet
from drill.incident import ORDER, IncidentPlanned, MomentName
from experiments.recorder import Recorder

EVERY = ("effective", "escalated", *ORDER)


class OutOfOrder(BadInput):
    """A moment was to be set before the one it follows, or twice."""


class Mark(msgspec.Struct, frozen=True):
    """Who set a moment, and what shows it; bounds in the journal's seconds, None: now."""

    actor: str = ""
    role: str = ""
    source: str = ""
    at: float | None = None
    earliest: float | None = None
    latest: float | None = None


class Incident:
    """
    The moments of one incident.

    Args:
        recorder: Where moments are written.

        planned: The playbook as far as it binds this drill.
    """

    def __init__(self, recorder: Recorder, planned: IncidentPlanned) -> None:
        self.planned = planned
        self._recorder = recorder
        self._reached: dict[str, MomentSet] = {}
        self._events = {name: anyio.Event() for name in EVERY}
        self.given_up = anyio.Event()
        """Set when nobody will resolve it any more: the faults' time is over."""

    @property
    def moments(self) -> Mapping[str, MomentSet]:
        """What has been reached, by name."""
        return self._reached

    def real_s(self, playbook_s: float) -> float:
        """Real seconds for a time on the playbook's clock."""
        return playbook_s / self.planned.time_scale

    def set(self, name: MomentName, mark: Mark) -> MomentSet:
        """
        Set a moment that people or detection decide.

        Raises:
            OutOfOrder: It is set already, or what it follows has not been reached.
        """
        self.check(name)
        now = self._recorder.t()
        at = now if mark.at is None else mark.at
        moment = MomentSet(
            t=at,
            name=name,
            earliest=at if mark.earliest is None else mark.earliest,
            latest=at if mark.latest is None else mark.latest,
            source=mark.source,
            actor=mark.actor,
            role=mark.role,
        )
        self._recorder.add(moment, durable=True)
        self._reached[name] = moment
        self._events[name].set()
        return moment

    def note(self, name: str) -> None:
        """Something happened that acts may wait for and that is no moment of its own."""
        self._events[name].set()

    def has(self, name: str) -> bool:
        """Whether *name* has been reached."""
        return self._events[name].is_set()

    async def reached(self, name: str) -> None:
        """Wait until *name* has been reached."""
        await self._events[name].wait()

    def check(self, name: MomentName) -> None:
        """Raise OutOfOrder if *name* could not be set now."""
        if name in self._reached:
            raise OutOfOrder(f"the incident is {name} already")
        before = ORDER[: ORDER.index(name)]
        missing = [each for each in before if each not in self._reached and each != "contained"]
        if missing:
            raise OutOfOrder(f"it cannot be {name} yet: it has not been {missing[0]}")
        passed = [each for each in ORDER[len(before) + 1 :] if each in self._reached]
        if passed:
            raise OutOfOrder(f"it cannot be {name} any more: it has been {passed[0]}")
