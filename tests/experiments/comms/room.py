"""An incident with its communicator in virtual time, and channels that yield."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import trio
import trio.testing

from drill.incident import Channel, IncidentPlanned, MessageSent, PlannedMessages
from experiments.comms.communicator import Communicator
from experiments.comms.facts import Facts, facts_of
from experiments.comms.ports import Acceptance, ChannelPort, Message
from experiments.incident import Incident, Mark
from experiments.recorder import Recorder
from tests.experiments.conftest import header
from tests.experiments.fakes import FakeSink
from validators.checks.communication import InformsAsPromised

SCALE = 600.0
SLACK = PlannedMessages("slack", "internal", "#incident-response", "lead", 300.0, 0.0, 3600.0)
MAIL = PlannedMessages("email", "customers", "", "lead", 300.0, 0.0, 7200.0)
SUMMARY = PlannedMessages("email", "stakeholders", "", "lead", 300.0, within_s=86400.0)


@dataclass
class FakeChannel:
    """Takes messages after *takes_s*; raises what *fails* gives, one at a time."""

    takes_s: float = 0.01
    fails: list[Exception] = field(default_factory=list)
    refused: str = ""
    taken: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> Acceptance:
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(self.takes_s)
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append(message)
        return Acceptance("taken", self.refused)


class Room:
    """An incident with its communicator, run for a while."""

    def __init__(self, channels: Mapping[Channel, ChannelPort], *messages: PlannedMessages) -> None:
        self.channels = channels
        self.planned = IncidentPlanned(
            t=0.0,
            playbook="p",
            time_scale=SCALE,
            acknowledge_s=900.0,
            resolve_s=3600.0,
            roles={"lead": ["tess"], "orphan": []},
            rules={},
            messages=list(messages or (SLACK, MAIL, SUMMARY)),
        )

    def run(self, story: Callable[["Room"], Awaitable[None]]) -> "Room":
        """Live *story* in no time at all."""
        trio.run(self.live, story, clock=trio.testing.MockClock(autojump_threshold=0))
        return self

    async def live(self, story: Callable[["Room"], Awaitable[None]]) -> None:
        """Live *story* on the clock of whoever calls."""
        self.recorder = Recorder(FakeSink(), anyio.current_time())
        self.recorder.add(header())
        self.recorder.add(self.planned)
        self.incident = Incident(self.recorder, self.planned)
        self.communicator = Communicator(self.incident, self.recorder, self.channels, self._facts)
        async with anyio.create_task_group() as group:
            group.start_soon(self.communicator.run)
            await anyio.lowlevel.checkpoint()
            await story(self)
            group.cancel_scope.cancel()

    def _facts(self) -> Facts:
        return facts_of(self.recorder.journal, self.planned, self.recorder.t())

    async def until(self, t: float) -> None:
        """Wait until *t* of the drill."""
        await anyio.sleep(t - self.recorder.t())

    async def resolve(self, t: float) -> None:
        """At *t* it is acknowledged and resolved."""
        await self.until(t)
        self.incident.set("acknowledged", Mark(actor="tess", role="lead"))
        self.incident.set("resolved", Mark(actor="tess", role="lead"))

    def attempts(self) -> list[MessageSent]:
        """Every attempt, in order."""
        return list(self.recorder.journal.every(MessageSent))

    def sent(self, channel: str) -> list[tuple[str, float, float | None]]:
        """Kind, due and sent of every attempt by one channel."""
        return [
            (each.kind, round(each.due, 3), each.sent and round(each.sent, 3))
            for each in self.attempts()
            if each.channel == channel
        ]

    def evidence(self) -> list[str]:
        """What every attempt that failed left."""
        return [each.evidence for each in self.attempts() if each.sent is None]

    def finding(self) -> tuple[str, str]:
        """What the check says of it."""
        found = InformsAsPromised(check="informs_as_promised").judge(self.recorder.journal)
        return found.verdict.word, found.reason


async def told_for_13_s(room: Room) -> None:
    """Detected at 10, resolved at 23."""
    await room.until(10)
    room.incident.set("detected", Mark())
    await room.resolve(23)
    await room.until(30)
