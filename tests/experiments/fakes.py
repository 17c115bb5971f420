"""A staging that exists only in virtual time; every method yields, as the real one does."""

from collections.abc import AsyncIterator, Callable, Sequence

import anyio
import anyio.lowlevel

from drill.errors import Unsure
from drill.events import Observation, Remaining, Service
from drill.records import Record
from drill.verdict import Health
from experiments.recorder import Recorder
from experiments.runtime.shapes import (
    ArmedFault,
    ContainerState,
    EngineEvent,
    LogPart,
    LogWindow,
    PathRule,
    PathSeen,
    Release,
    RunInfo,
    Undo,
)
from tests.experiments.fake_browser import FakeBrowser
from tests.experiments.fake_sandbox import FakeSandbox


class FakeSink:
    """Keeps what was written, and which of it had to be on disk."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.durable: list[Record] = []

    def write(self, record: Record, *, durable: bool = False) -> None:
        self.records.append(record)
        if durable:
            self.durable.append(record)


class FakeStack(FakeSandbox, FakeBrowser):
    """Containers with a status and rules; remembers every act in `acts`."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__()
        FakeBrowser.__init__(self)
        self.status = dict.fromkeys(services, "running")
        self.rules: dict[str, str] = {}
        self.dropped = 1
        self.lives: dict[str, int] = {}
        self.unblock_fails = 0
        self.releases: dict[str, str] = {}
        self.intents: dict[str, str] = {}
        self.shown: list[EngineEvent] = []
        self.claimed = False
        self.released = False
        self.heal_fails = 0
        self.blind = False
        self.self_healing = True
        self.logs: dict[str, Callable[[LogWindow], LogPart | None]] = {}
        self.asked_logs: list[LogWindow] = []
        self.silent_logs: set[str] = set()
        self._send, self._events = anyio.create_memory_object_stream[EngineEvent](1000)

    def close(self) -> None:
        """Close the stream of events, so that nothing is left for the garbage collector."""
        self._send.close()
        self._events.close()

    def emit(self, service: str, action: str) -> None:
        now = anyio.current_time()
        if action == "start":
            self.lives[service] = self.lives.get(service, 0) + 1
        event = EngineEvent(
            service=service, container="c-" + service, action=action, at=now, wall_s=now
        )
        if not self.blind:
            self.say(event)

    def say(self, event: EngineEvent) -> None:
        self.shown.append(event)
        self._send.send_nowait(event)

    async def state(self, service: str) -> ContainerState:
        await anyio.lowlevel.checkpoint()
        return ContainerState(
            service=service,
            container="c-" + service,
            status=self.status[service],  # type: ignore[arg-type]
            started_at=f"life {self.lives.get(service, 0)}",
            pid=1,
            restarts=0,
            restart_policy="unless-stopped",
        )

    async def _act(self, service: str, word: str, status: str, *actions: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.acts.append(f"{word} {service}")
        self.status[service] = status
        for action in actions:
            self.emit(service, action)

    async def pause(self, service: str) -> None:
        await self._act(service, "pause", "paused", "pause")

    async def stop(self, service: str, grace_s: float) -> None:
        await self._act(service, "stop", "exited", "die")

    async def restart(self, service: str, grace_s: float) -> None:
        await self._act(service, "restart", "running", "die", "start")

    async def crash(self, service: str, signal: str) -> None:
        await self._act(service, "crash", "running" if self.self_healing else "exited", "die")
        if self.self_healing:
            self.emit(service, "start")

    async def restore(self, undo: Undo) -> str:
        await anyio.lowlevel.checkpoint()
        if self.heal_fails:
            self.heal_fails -= 1
            raise RuntimeError("the engine said no")
        before = self.status.get(undo.service)
        if before is None:
            return "gone"
        self.acts.append(f"restore {undo.service}")
        self.status[undo.service] = "running"
        if before == "running":
            return "already"
        self.emit(undo.service, "unpause" if before == "paused" else "start")
        return "unpaused" if before == "paused" else "started"

    async def seen(self, service: str, action: str, since: float) -> EngineEvent | None:
        await anyio.lowlevel.checkpoint()
        for event in self.shown:
            if (event.service, event.action) == (service, action) and event.at >= since:
                return event
        return None

    async def running(self, service: str) -> Release:
        await anyio.lowlevel.checkpoint()
        tag = self.releases.get(service, "v1")
        return Release(f"{service}:{tag}", f"sha256:{tag}", tag, "c", self.status[service])

    async def find_release(self, service: str, tag: str, image: str = "") -> Release:
        await anyio.lowlevel.checkpoint()
        return Release(image or f"{service}:{tag}", f"sha256:{tag}", tag)

    async def deploy(self, service: str, image: str) -> Release:
        await self._act(service, "deploy", "running", "die", "start")
        self.releases[service] = image.partition(":")[2]
        return await self.running(service)

    async def put_back(self, undo: Undo) -> str:
        assert undo.release is not None
        if (await self.running(undo.service)).digest == undo.release.digest:
            return "already"
        await self.deploy(undo.service, undo.release.image)
        return "put back"

    async def block(self, service: str, rule: PathRule) -> None:
        await anyio.lowlevel.checkpoint()
        self.acts.append(f"block {service}")
        self.rules[rule.name] = rule.way

    async def held_back(self, service: str, rule: str) -> int:
        await anyio.lowlevel.checkpoint()
        if self.rules.get(rule) != "hold":
            raise Unsure(f"no hold is called {rule}")
        return self.dropped

    async def unblock(self, service: str, rule: str) -> None:
        await anyio.lowlevel.checkpoint()
        if self.unblock_fails:
            self.unblock_fails -= 1
            raise Unsure("the agent does not answer")
        self.acts.append(f"unblock {service}")
        self.rules.pop(rule, None)

    async def look_along(self, service: str, to: str, port: int, patience_s: float) -> PathSeen:
        sent = anyio.current_time()
        way = next(iter(self.rules.values()), "")
        await anyio.sleep(patience_s if way == "drop" else 0.001)
        outcome = {"drop": "silent", "reject": "refused"}.get(way, "open")
        return PathSeen(outcome=outcome, sent=sent, got=anyio.current_time())  # type: ignore[arg-type]

    async def cut_off(self, service: str) -> str:
        await self._act(service, "cut off", "running")
        return "nothing reaches it"

    async def join(self, service: str) -> str:
        await self._act(service, "join", "running")
        return "it answers"

    async def intend(self, act: str, undo: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.intents[act] = undo

    async def forget(self, act: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.intents.pop(act, None)

    async def survey(self) -> Sequence[Service]:
        await anyio.lowlevel.checkpoint()
        return [
            Service(
                service=name,
                container="c-" + name,
                image="i",
                digest="d",
                status=status,
                restarts=0,
            )
            for name, status in self.status.items()
        ]

    async def log(self, container: str, window: LogWindow) -> LogPart | None:
        await anyio.lowlevel.checkpoint()
        self.asked_logs.append(window)
        if container in self.silent_logs:
            await anyio.sleep_forever()
        return self.logs[container](window) if container in self.logs else LogPart(first=["a line"])

    async def claim(self, run: RunInfo) -> None:
        await anyio.lowlevel.checkpoint()
        self.claimed = True

    async def arm(self, faults: Sequence[ArmedFault]) -> None:
        await anyio.lowlevel.checkpoint()
        self.acts += [f"arm {fault.id}" for fault in faults]

    async def rearm(self, service: str) -> bool:
        await anyio.lowlevel.checkpoint()
        self.acts.append(f"rearm {service}")
        return service in self.status

    async def events(self) -> AsyncIterator[EngineEvent]:
        async for event in self._events:
            yield event

    async def remaining(self) -> Sequence[Remaining]:
        await anyio.lowlevel.checkpoint()
        wrong = [
            f"{name} is {status}" for name, status in self.status.items() if status != "running"
        ]
        return [
            Remaining(what=what, command="drill heal")
            for what in [*wrong, *self.rules, *self.leases]
        ] + [*self.diverted()]

    async def release(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.released = True


class FakeProbe:
    """Looks at a function of the fake stack, at a fixed rate of virtual time."""

    def __init__(
        self, name: str, look: Callable[[], Health], recorder: Recorder, period_s: float = 1.0
    ) -> None:
        self.name = name
        self.look = look
        self.recorder = recorder
        self.period_s = period_s
        self.periods: list[float] = []
        self.held = False
        self.stopped = False

    async def run(self) -> None:
        while not self.stopped:
            sent = self.recorder.t()
            await anyio.sleep(0.001)
            if not self.held:
                health = self.look()
                self.recorder.observe(
                    Observation(self.name, sent, sent, self.recorder.t(), health, health.word)
                )
            await anyio.sleep(self.period_s - 0.001)

    @property
    def in_flight(self) -> int:
        return 0

    def set_period(self, period_s: float) -> None:
        self.periods.append(period_s)
        self.period_s = period_s

    def hold(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False

    async def drain(self) -> None:
        await anyio.lowlevel.checkpoint()

    def stop(self) -> None:
        self.stopped = True
