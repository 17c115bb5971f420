"""The people's side in virtual time: hands that only remember, and an alert that fires."""

from collections.abc import Callable

import anyio
import anyio.lowlevel

from drill.errors import DrillError
from experiments.beside import Beside
from experiments.changes import Act
from experiments.incident import Incident, Mark
from experiments.responding import Responder
from experiments.response import Ends, Response
from tests.experiments.conftest import Rehearsal


class FakeHands:
    """Remembers what was done, in order; what is named in `fails` fails so many times."""

    def __init__(self, ends: Ends) -> None:
        self.done: list[str] = []
        self.flags = {"checkout": True}
        self.fails: dict[str, int] = {}
        self._ends = ends

    async def _do(self, what: str) -> str:
        await anyio.lowlevel.checkpoint()
        if self.fails.get(what, 0):
            self.fails[what] -= 1
            raise DrillError(f"{what} did not work")
        self.done.append(what)
        return what

    async def flag(self, feature: str) -> bool:
        await anyio.lowlevel.checkpoint()
        return self.flags[feature]

    async def set_flag(self, feature: str, *, on: bool) -> str:
        proof = await self._do(f"{feature} {'on' if on else 'off'}")
        self.flags[feature] = on
        return proof

    async def isolate(self, service: str) -> str:
        return await self._do(f"isolate {service}")

    async def rejoin(self, service: str) -> str:
        return await self._do(f"rejoin {service}")

    async def roll_back(self, service: str, tag: str) -> str:
        return await self._do(f"roll back {service} {tag}")

    async def release_before(self, service: str) -> str:
        await anyio.lowlevel.checkpoint()
        return service

    async def put_release_back(self, undo: str) -> str:
        return await self._do(f"put back {undo}")

    async def run_as_written(self, limit_s: float) -> str:
        return await self._do("as written")

    async def run(self, command: str, limit_s: float) -> str:
        return await self._do(command)

    async def report(self, text: str) -> str:
        return await self._do(f"report {text}")

    async def end_faults(self) -> str:
        await self._do("end faults")
        return await self._ends.end_faults()


class FakeIntents:
    """The undos that are written on the engine now."""

    def __init__(self) -> None:
        self.owed: dict[str, str] = {}

    async def intend(self, act: str, undo: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.owed[act] = undo

    async def forget(self, act: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.owed.pop(act, None)


class FakeTeller:
    """What people were told and who was paged."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.paged: list[str] = []

    async def say(self, text: str, actor: str, role: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.said.append(text)

    async def page(self, role: str, text: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.paged.append(role)


class FakeDetector:
    """Detects so many seconds after the fault took effect, or never."""

    def __init__(self, incident: Incident, after_s: float | None) -> None:
        self._incident = incident
        self._after_s = after_s

    async def run(self) -> None:
        if self._after_s is None:
            await anyio.sleep_forever()
            return
        await self._incident.reached("effective")
        await anyio.sleep(self._after_s)
        self._incident.set("detected", Mark(source="alertmanager:Wrong"))


class Peopled(Rehearsal):
    """A drill with people; *detects* says when, None never."""

    def __init__(self, text: str, *, detects: float | None = 2.0) -> None:
        super().__init__(text)
        self._detects = detects
        self.ends = Ends()
        self.hands = FakeHands(self.ends)
        self.intents = FakeIntents()
        self.teller = FakeTeller()
        self.looked: list[str] = []
        """How far the fault was at each look before and after."""
        self.on_start: Callable[[Peopled], None] = lambda _: None

    async def look(self) -> None:
        """Look at what is around the incident."""
        await anyio.lowlevel.checkpoint()
        self.looked.append(self.states()[-1])

    def beside(self) -> Beside:
        self.incident = Incident(self.recorder, self.plan.incident)
        pairs = zip(self.plan.incident.acts, self.plan.scenario.respond, strict=True)
        responder = Responder(
            self.incident,
            self.recorder,
            self.control,
            acts=[Act(planned, spec) for planned, spec in pairs],
            hands=self.hands,
            intents=self.intents,
            teller=self.teller,
        )
        self.on_start(self)
        return Response(
            self.incident,
            self.recorder,
            responder,
            companions=[FakeDetector(self.incident, self._detects)],
            before=[self.look],
            after=[self.look],
            ends=self.ends,
        )
