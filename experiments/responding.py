"""
Who responds: `auto` responders on the playbook's clock, people through `control`, escalation.

Every act is written before it is done and names its actor and role. What changes staging is put
back when the incident is over, however it ends.
"""

from collections.abc import Sequence
from typing import Protocol

import anyio

from drill.errors import DrillError
from drill.incident import Escalated, IncidentPlanned
from experiments.changes import Act, ActLog, Changes, Intents, Who
from experiments.control import Control, Refused, Say, Word
from experiments.incident import Incident, Mark, OutOfOrder
from experiments.problems import nearest
from experiments.recorder import Recorder
from experiments.respond.ports import Hands

LOOK_S = 0.1
MOMENTS: dict[Say, str] = {
    "acknowledge": "acknowledged",
    "contain": "contained",
    "resolve": "resolved",
}


class Teller(Protocol):
    """Tells people how it stands."""

    async def say(self, text: str, actor: str, role: str) -> None:
        """Send an update outside of the cadence."""

    async def page(self, role: str, text: str) -> None:
        """Call the holders of *role* to the incident."""


class Responder:
    """
    Carries out the acts of the plan and what people say.

    Args:
        incident: Where moments are set.

        acts: The plan's acts, in its order.

        hands: What acts can do.

        intents: Where undos are written.

        teller: Tells people.
    """

    def __init__(  # noqa: PLR0913 - put together in one place only
        self,
        incident: Incident,
        recorder: Recorder,
        control: Control,
        *,
        acts: Sequence[Act],
        hands: Hands,
        intents: Intents,
        teller: Teller,
    ) -> None:
        self._incident = incident
        self._recorder = recorder
        self._control = control
        self._acts = acts
        self._hands = hands
        self._teller = teller
        self._log = ActLog(recorder)
        self._changes = Changes(hands, intents, self._log)
        self._begun: set[str] = set()
        self._finished: set[str] = set()
        self._one_at_a_time = anyio.Lock()

    @property
    def planned(self) -> IncidentPlanned:
        """The playbook as far as it binds this drill."""
        return self._incident.planned

    async def run(self) -> None:
        """Act on the plan until cancelled; people may speak meanwhile."""
        self._control.answer = self.answer
        try:
            async with anyio.create_task_group() as group:
                for act in self._acts:
                    if act.planned.by == "auto":
                        group.start_soon(self._auto, act)
                for step in self.planned.escalations:
                    group.start_soon(self._escalate, step.after_s, step.role)
                await anyio.sleep_forever()  # People may speak when nothing is planned any more.
        finally:
            self._control.answer = None

    async def settled(self, undetected_until: float) -> None:
        """
        Wait until nothing is pending: no act whose time has come is unfinished.

        Args:
            undetected_until: In the journal's seconds; detection is waited for until then.
        """
        while self._pending(undetected_until):  # noqa: ASYNC110 - computed from many moments
            await anyio.sleep(LOOK_S)

    def _pending(self, undetected_until: float) -> bool:
        reached = self._incident.moments
        waits_for_detection = any(act.planned.when == "detected" for act in self._acts)
        if waits_for_detection and "detected" not in reached:
            return self._recorder.t() < undetected_until
        return any(
            act.planned.by == "auto"
            and act.planned.id not in self._finished
            and self._incident.has(act.planned.when)
            for act in self._acts
        )

    async def _auto(self, act: Act) -> None:
        await self._incident.reached(act.planned.when)
        await anyio.sleep(self._incident.real_s(act.planned.after_s))
        if act.planned.id in self._begun:
            return
        try:
            await self._perform(act, Who("auto", act.planned.role, "auto"))
        except DrillError as error:
            self._recorder.note(f"{act.planned.do} was not done: {error}")
        finally:
            self._finished.add(act.planned.id)

    async def _escalate(self, after_s: float, role: str) -> None:
        await self._incident.reached("detected")
        with anyio.move_on_after(self._incident.real_s(after_s)):
            await self._incident.reached("acknowledged")
            return
        self._recorder.add(Escalated(t=self._recorder.t(), role=role, after_s=after_s))
        self._incident.note("escalated")
        await self._teller.page(role, "nobody has acknowledged this incident")

    async def answer(self, word: Word) -> str:
        """
        Take what somebody says; `Control.say` passes it on.

        Raises:
            Refused, OutOfOrder: It cannot be taken now.
        """
        if not word.actor.strip():
            raise Refused("say who you are: every act has an actor")
        who = Who(word.actor.strip(), self._role_of(word), word.via)
        if word.say == "update":
            return await self._update(word.text.strip(), who)
        act = self._next(word.say)
        if act is None:
            return await self._declare(word.say, who, word.text)
        proof = await self._perform(act, who)
        return f"{MOMENTS[word.say]}: {proof}"

    def _role_of(self, word: Word) -> str:
        roles = self.planned.roles
        if word.role:
            if word.role not in roles:
                hint = nearest(word.role, roles) or f"; there are {', '.join(roles)}"
                raise Refused(f"no role is called '{word.role}'{hint}")
            return word.role
        held = [role for role, holders in roles.items() if word.actor.strip() in holders]
        return held[0] if held else ""

    def _next(self, say: Say) -> Act | None:
        """The plan's next act of that kind which nobody has begun."""
        for act in self._acts:
            if act.spec.kind == say and act.planned.id not in self._begun:
                return act
        return None

    async def _update(self, text: str, who: Who) -> str:
        if not text:
            raise Refused("an update needs a text: say how it stands")
        await self._teller.say(text, who.actor, who.role)
        self._log.write("said", "update", "done", who, proof=text)
        return "posted"

    async def _declare(self, say: Say, who: Who, text: str) -> str:
        """Somebody says that it is done, and did it with hands of their own."""
        moment = MOMENTS[say]
        proof = text or "said so"
        self._incident.set(moment, Mark(actor=who.actor, role=who.role, source=who.via))  # type: ignore[arg-type]
        self._log.write("said", say, "done", who, moment=moment, proof=proof)
        if say == "resolve":
            await self._over()
        return moment

    async def _perform(self, act: Act, who: Who) -> str:
        async with self._one_at_a_time:
            planned, spec = act.planned, act.spec
            first = bool(spec.sets) and not self._incident.has(spec.sets)
            if first:
                self._incident.check(spec.sets)  # type: ignore[arg-type]
            self._begun.add(planned.id)
            who = Who(who.actor, who.role or planned.role, who.via)
            self._log.write(planned.id, planned.do, "begun", who, moment=spec.sets)
            try:
                proof = await self._done(act, who)
            except DrillError as error:
                self._log.write(planned.id, planned.do, "failed", who, proof=str(error))
                raise
            self._log.write(planned.id, planned.do, "done", who, moment=spec.sets, proof=proof)
            if first:
                mark = Mark(actor=who.actor, role=who.role, source=who.via)
                self._set(spec.sets, mark)
        if spec.kind == "resolve":
            await self._over()
        return proof

    async def _over(self) -> None:
        """It is resolved: what is still broken by the drill ends, and containment with it."""
        await self._hands.end_faults()
        await self.put_back()

    def _set(self, name: str, mark: Mark) -> None:
        try:
            self._incident.set(name, mark)  # type: ignore[arg-type]
        except OutOfOrder as error:
            # It was checked before the act; meanwhile somebody was faster.
            self._recorder.note(str(error))

    async def _done(self, act: Act, who: Who) -> str:
        if act.spec.changes_staging:
            await self._changes.prepare(act, who)
        proof = await act.spec.perform(self._hands)
        if act.spec.kind == "update":
            await self._teller.say(proof, who.actor, who.role)
        return proof

    async def put_back(self) -> None:
        """Undo what acts have changed, newest first."""
        await self._changes.put_back()
