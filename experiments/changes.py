"""What acts of the playbook have changed on staging, and how it is put back."""

from typing import Protocol

import anyio
import msgspec

from drill.incident import Acted, ActState, PlannedAct, Via
from experiments.recorder import Recorder
from experiments.respond.base import ActSpec
from experiments.respond.ports import Hands

UNDO_LIMIT_S = 60.0
RETRY_S = 1.0


class Intents(Protocol):
    """What an act changes, written on the engine so that any other process can put it back."""

    async def intend(self, act: str, undo: str) -> None:
        """Write the undo of the act *act*, JSON text, before it is done."""

    async def forget(self, act: str) -> None:
        """The act has been undone; idempotent."""


class Who(msgspec.Struct, frozen=True):
    """Somebody who acts."""

    actor: str
    role: str
    via: Via


class Act(msgspec.Struct, frozen=True):
    """An act of the plan with the spec that performs it."""

    planned: PlannedAct
    spec: ActSpec


class ActLog:
    """Writes acts into the journal; the beginning of one is on disk before it is done."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def write(  # noqa: PLR0913 - an act has that many facts
        self, name: str, do: str, state: ActState, who: Who, *, moment: str = "", proof: str = ""
    ) -> None:
        """
        Write one state of one act.

        Args:
            name: The act's id in the plan, `said` for what people declare.
            do: What it is.
            state: How far it got.
            who: Whose act it is.
            moment: What is reached by it, empty if nothing.
            proof: What shows it, or why it failed.
        """
        self._recorder.add(
            Acted(
                t=self._recorder.t(),
                id=name,
                do=do,
                state=state,
                actor=who.actor,
                role=who.role,
                via=who.via,
                moment=moment,
                proof=proof,
            ),
            durable=state == "begun",
        )


class Changes:
    """
    The acts whose undo is owed.

    Args:
        hands: What undoes them.

        intents: Where the undo is written before the act.
    """

    def __init__(self, hands: Hands, intents: Intents, log: ActLog) -> None:
        self._hands = hands
        self._intents = intents
        self._log = log
        self._owed: dict[str, tuple[Act, str, Who]] = {}
        self._lock = anyio.Lock()

    async def prepare(self, act: Act, who: Who) -> None:
        """Read and write down the undo, before the act."""
        undo = await act.spec.prepare(self._hands)
        await self._intents.intend(act.planned.id, undo)
        self._owed[act.planned.id] = (act, undo, who)

    async def put_back(self) -> None:
        """Undo everything, newest first; what fails is tried again for `UNDO_LIMIT_S`."""
        async with self._lock:
            for name, (act, undo, who) in reversed(list(self._owed.items())):
                deadline = anyio.current_time() + UNDO_LIMIT_S
                self._log.write(name, act.planned.do, "undoing", who)
                while not await self._undone(act, undo, who):
                    if anyio.current_time() >= deadline:
                        break
                    await anyio.sleep(RETRY_S)

    async def _undone(self, act: Act, undo: str, who: Who) -> bool:
        name = act.planned.id
        try:
            proof = await act.spec.undo(self._hands, undo)
            await self._intents.forget(name)
        except Exception as error:  # noqa: BLE001 - one undo that fails must not stop the next
            reason = str(error) or type(error).__name__
            self._log.write(name, act.planned.do, "undo_failed", who, proof=reason)
            return False
        self._owed.pop(name, None)
        self._log.write(name, act.planned.do, "undone", who, proof=proof)
        return True
