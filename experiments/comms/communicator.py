"""
Tells people, beside the incident and never in its way.

Every audience on every channel has a line of its own: what is said on it is said in order, and a
server that hangs holds up nobody but its own line.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec

from drill.incident import Channel, MessageKind, PlannedMessages
from experiments.comms import cadence, words
from experiments.comms.delivery import Delivery, Post
from experiments.comms.facts import FactsNow
from experiments.comms.ports import ChannelPort, Message
from experiments.comms.words import Words
from experiments.control import Refused
from experiments.incident import Incident
from experiments.recorder import Recorder

ACTOR = "drill"
Task = Callable[[], Coroutine[object, object, None]]


class By(msgspec.Struct, frozen=True):
    """Who says something, in which role."""

    actor: str
    role: str


class _Line:
    """One audience on one channel; *closed* once its final was begun."""

    def __init__(self, promise: PlannedMessages) -> None:
        self.promise = promise
        self.lock = anyio.Lock()
        self.closed = False


class Communicator:
    """
    Sends what the playbook promises of an incident, and what somebody says besides.

    Args:
        incident: Whose moments make messages due.

        recorder: Where every attempt is written.

        channels: By name, as `experiments.comms.build.build` gives them.

        facts: Gives what is known when it is called; `experiments.comms.facts.facts_of` reads it
            from the journal.
    """

    def __init__(
        self,
        incident: Incident,
        recorder: Recorder,
        channels: Mapping[Channel, ChannelPort],
        facts: FactsNow,
    ) -> None:
        self._incident = incident
        self._recorder = recorder
        self._delivery = Delivery(recorder, channels)
        self._facts = facts
        planned = incident.planned.messages
        self._lines = [_Line(each) for each in planned if each.every_s is not None]
        self._summaries = [each for each in planned if each.within_s is not None]
        self._group: anyio.abc.TaskGroup | None = None
        self._waiting: list[Task] = []
        self._over = False
        self._count = 0

    async def run(self) -> None:
        """Send what is due until cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            for task in self._waiting:
                group.start_soon(task)
            try:
                await self._incident.reached("detected")
                # Nobody can be told sooner than the drill itself knows.
                known = max(self._incident.moments["detected"].t, self._recorder.t())
                for line in self._lines:
                    group.start_soon(self._keep_informed, line, known)
                await anyio.sleep_forever()
            finally:
                self._over = True

    async def say(self, text: str, actor: str, role: str) -> None:
        """
        Tell everybody who gets updates, outside of the cadence; returns before it is sent.

        Customers get it too: *text* is what somebody chose to say to all of them.

        Raises:
            Refused: There is nothing to tell yet, or the incident is over.
        """
        reached = self._incident.moments
        if "detected" not in reached:
            raise Refused("nothing has been detected yet, so there is nothing to tell")
        if "resolved" in reached:
            raise Refused("the incident is resolved, and its final message is the last one")
        if not self._lines:
            raise Refused("the playbook promises nobody updates in an incident of this severity")
        due = self._recorder.t()
        for line in self._lines:
            self._start(partial(self._say_on, line, text, By(actor, role), due))
        await anyio.lowlevel.checkpoint()

    async def page(self, role: str, text: str) -> None:
        """
        Ask those who hold *role* to come; returns before it is sent.

        Raises:
            Refused: The incident is over.
        """
        facts = self._facts()
        holders = self._incident.planned.roles.get(role, [])
        said = words.for_role(role, holders, facts, text)
        room = next((x.promise.to for x in self._lines if x.promise.channel == "slack"), "")
        rooms: list[tuple[Channel, str]] = [("slack", room), ("email", role)]
        named = [each for each in rooms if self._delivery.has(each[0])]
        due = self._recorder.t()
        for channel, to in named or rooms[:1]:
            target = PlannedMessages(channel, "role", to, role, grace_s=0.0)
            post = self._post(target, "page", due, said)
            self._start(partial(self._delivery.deliver, post, optional=channel == "email"))
        await anyio.lowlevel.checkpoint()

    async def summarise(self) -> None:
        """Send the executive summary if the incident was resolved; returns when it is sent."""
        resolved = self._incident.moments.get("resolved")
        if resolved is None:
            return
        said = words.executive_summary(self._facts())
        async with anyio.create_task_group() as group:
            for promise in self._summaries:
                post = self._post(promise, "summary", resolved.t, said)
                group.start_soon(self._delivery.deliver, post)

    async def _keep_informed(self, line: _Line, known: float) -> None:
        """The first, the updates, and the final of one line."""
        for index in range(cadence.MOST_UPDATES):
            due, following = (self._due(line, known, number) for number in (index, index + 1))
            if await self._resolved_before(due.at):
                break
            async with line.lock:
                await self._update(line, due, following.at)
        else:
            self._recorder.note(f"{line.promise.audience}: no update after {index + 1}")
        await self._incident.reached("resolved")
        async with line.lock:
            line.closed = True
            at = self._incident.moments["resolved"].t
            await self._delivery.deliver(self._update_post(line, "final", at))

    async def _update(self, line: _Line, due: cadence.Due, following: float) -> None:
        if "resolved" in self._incident.moments:
            return
        post = self._update_post(line, due.kind, due.at)
        if self._recorder.t() >= following:
            # Never two at once: the one that is due next says all that this one would have said.
            self._delivery.missed(post, "the message before it was being sent until the next")
            return
        await self._delivery.deliver(post, self._resolved)

    async def _say_on(self, line: _Line, text: str, by: By, due: float) -> None:
        async with line.lock:
            if line.closed or "resolved" in self._incident.moments:
                audience = line.promise.audience
                self._recorder.note(
                    f"an update by {by.actor} to {audience} was not sent: it was resolved meanwhile"
                )
                return
            await self._delivery.deliver(
                self._update_post(line, "update", due, text, by), self._resolved
            )

    def _update_post(
        self, line: _Line, kind: MessageKind, due: float, text: str = "", by: By | None = None
    ) -> Post:
        promise, facts = line.promise, self._facts()
        write = words.for_customers if promise.audience == "customers" else words.for_team
        said = write(kind, facts, every_s=promise.every_s, said=text)
        return self._post(promise, kind, due, said, by)

    def _post(
        self,
        promise: PlannedMessages,
        kind: MessageKind,
        due: float,
        said: Words,
        by: By | None = None,
    ) -> Post:
        self._count += 1
        name = f"{said.drill}.{promise.channel}.{promise.audience}.{self._count}"
        return Post(
            channel=promise.channel,
            kind=kind,
            due=due,
            actor=by.actor if by else ACTOR,
            role=by.role if by else promise.role,
            message=Message(
                id=re.sub(r"[^A-Za-z0-9.-]", "-", name),
                drill=said.drill,
                audience=promise.audience,
                subject=said.subject,
                text=said.text,
                to=promise.to,
            ),
        )

    def _due(self, line: _Line, known: float, index: int) -> cadence.Due:
        return cadence.update_at(line.promise, self._incident.planned.time_scale, known, index)

    async def _resolved(self) -> None:
        await self._incident.reached("resolved")

    async def _resolved_before(self, at: float) -> bool:
        """Wait until *at*; True as soon as the incident is resolved."""
        with anyio.move_on_after(max(0.0, at - self._recorder.t())):
            await self._resolved()
        return "resolved" in self._incident.moments

    def _start(self, task: Task) -> None:
        """Let it run beside; what is said before `run` has begun waits for it."""
        if self._over:
            raise Refused("nobody is told any more: the incident is over")
        if self._group is None:
            self._waiting.append(task)
        else:
            self._group.start_soon(task)
