"""The order of the moments that people set, and what is around an incident."""

import anyio
import pytest
import trio
import trio.testing

from experiments.incident import Incident, Mark, OutOfOrder
from experiments.recorder import Recorder
from tests.experiments.conftest import plan_of
from tests.experiments.fakes import FakeSink
from tests.experiments.people import Peopled
from tests.experiments.test_responding import WHOLE


def test_no_moment_is_set_twice_or_after_what_follows_it() -> None:
    """
    Detected stays when it was, and what was resolved uncontained is not contained afterwards.
    """

    async def main() -> None:
        incident = Incident(Recorder(FakeSink(), anyio.current_time()), plan_of(WHOLE).incident)
        first = incident.set("detected", Mark())
        with pytest.raises(OutOfOrder, match="the incident is detected already"):
            incident.set("detected", Mark())
        incident.set("acknowledged", Mark())
        incident.set("resolved", Mark())
        with pytest.raises(OutOfOrder, match="cannot be contained any more: it has been resolved"):
            incident.set("contained", Mark())
        assert incident.moments["detected"] is first

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_what_is_around_is_looked_at_before_and_after() -> None:
    """
    Monitoring and releases are asked while nothing is broken yet, and once more when all is over.
    """
    drill = Peopled(WHOLE)

    drill.run()

    assert drill.looked == ["armed", "healed"]


def test_an_undo_that_never_works_is_given_up_and_stays_owed() -> None:
    """
    The drill ends, the undo is still written on the engine, and the next heal finds it there.
    """
    drill = Peopled(WHOLE)
    drill.hands.fails = {"checkout on": 100_000}

    drill.run()

    assert drill.hands.flags == {"checkout": False}
    assert list(drill.intents.owed) == ["a2"]
