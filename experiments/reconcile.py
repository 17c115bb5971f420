"""
The reconcile phase: what the ledgers hold once everything that was begun is over.

Read until nothing is open or the promise for it has run out; restart every service of the shop;
read again until two readings, a period apart, are equal. Nothing is judged here: every reading is
in the journal, and checks look only there.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import anyio
import msgspec

from drill.errors import DrillError, told
from drill.payments import (
    Begun,
    Intended,
    Ledger,
    LedgerRead,
    PaymentsPlanned,
    Told,
)
from experiments.environment_shop import Shop
from experiments.recorder import Recorder
from experiments.runtime.ports import Lifecycle
from experiments.settling import settled
from validators.ledger.question import Question

GRACE_S = 10.0
READY_LIMIT_S = 90.0
LOOK_S = 0.5
ROUNDS_LIMIT = 200
EQUAL_ROUNDS_LIMIT = 10
READ_LIMIT_S = 1800.0


class Ledgers(Protocol):
    """Everything that can be read of money and goods; it raises nothing for what it cannot read."""

    async def sights(self) -> list[Ledger]:
        """The ledgers that can be read here."""

    async def read(self, question: Question) -> list[LedgerRead]:
        """
        Read every ledger once.

        Returns:
            Records whose `t` is monotonic seconds of this boot; `round` and `after_restart` are
            the caller's to fill in.
        """


class Canaries(Protocol):
    """Purchases whose end is known, made before anything is broken."""

    async def make(self, say: Callable[[Intended | Begun | Told], None]) -> None:
        """Make one of each kind, and say what was meant and told."""


class Reconciler:
    """
    Reads the ledgers around a drill.

    Args:
        shop: How this environment reads them, and by what they are judged.

        mark: The run, as the addresses of its customers bear it.

        ledgers: Who reads.

        recorder: The one writer.

        lifecycle: Restarts the shop's services.

        canaries: None where nobody can make any.
    """

    def __init__(  # noqa: PLR0913 - put together in one place
        self,
        shop: Shop,
        mark: str,
        *,
        ledgers: Ledgers,
        recorder: Recorder,
        lifecycle: Lifecycle,
        canaries: Canaries | None = None,
        exposures_wanted: int = 0,
    ) -> None:
        self._shop = shop
        self._mark = mark
        self._ledgers = ledgers
        self._recorder = recorder
        self._lifecycle = lifecycle
        self._canaries = canaries
        self._exposures_wanted = exposures_wanted
        self._round = 0
        self._read_at = 0.0
        self._restarted = False

    async def before(self) -> None:
        """Say by what is judged and what can be read, then make the canaries."""
        promises, recorder = self._shop.promises, self._recorder
        recorder.add(
            PaymentsPlanned(
                t=recorder.t(),
                run=self._mark,
                prices=[self._shop.price(name) for name in self._shop.prices],
                webhook_s=promises.webhook,
                reconcile_s=promises.reconcile,
                refund_s=promises.refund,
                sights=await self._ledgers.sights(),
                out_of_sight=self._shop.out_of_sight,
                refund_revokes=self._shop.refund_revokes,
                refunds_settle=self._shop.refunds_settle,
                exposures_wanted=self._exposures_wanted,
                calls_limit=self._shop.calls.limit if self._shop.calls else 0,
            ),
            durable=True,
        )
        if self._canaries is None:
            recorder.note("nobody can make canaries here, so it is not shown that the readers see")
            return
        await self._canaries.make(lambda said: recorder.add(said, durable=True))

    async def reconcile(self) -> None:
        """Read until nothing is open, restart, and read until two readings are equal."""
        last = await self._until_settled()
        await self._restart()
        for _ in range(EQUAL_ROUNDS_LIMIT):
            await anyio.sleep_until(self._read_at + self._shop.period)
            now = await self._read()
            if _essence(now) == _essence(last):
                return
            last = now
        self._recorder.note(
            f"of {EQUAL_ROUNDS_LIMIT} readings after the restart no two in a row were equal"
        )

    async def _until_settled(self) -> Sequence[LedgerRead]:
        began = anyio.current_time()
        reads: Sequence[LedgerRead] = ()
        for _ in range(ROUNDS_LIMIT):
            reads = await self._read()
            open_ = settled(reads, self._shop.promises, refunds_settle=self._shop.refunds_settle)
            left = began + open_.promise_s - anyio.current_time()
            if not open_.what:
                return reads
            if left <= 0:
                self._recorder.note(f"still open after {open_.promise_s:g} s: {open_.what}")
                return reads
            await anyio.sleep(min(self._shop.period, left))
        self._recorder.note(f"still open after {ROUNDS_LIMIT} readings")
        return reads

    async def _read(self) -> Sequence[LedgerRead]:
        """One round: every ledger, into the journal."""
        self._round += 1
        reads: list[LedgerRead] = []
        with anyio.move_on_after(READ_LIMIT_S) as scope:
            reads = await self._ledgers.read(self._question())
        if scope.cancelled_caught:
            self._recorder.note(f"round {self._round} was not read within {READ_LIMIT_S:g} s")
        self._read_at = anyio.current_time()
        stamped = [
            msgspec.structs.replace(
                read,
                t=read.t - self._recorder.start,
                round=self._round,
                after_restart=self._restarted,
            )
            for read in reads
        ]
        for read in stamped:
            self._recorder.add(read)
        return stamped

    def _question(self) -> Question:
        journal = self._recorder.journal
        said = list(journal.every(Told))
        return Question(
            run=self._mark,
            intents=list(journal.every(Intended)),
            references=sorted({each.reference for each in said if each.reference}),
            orders=sorted({each.order for each in said if each.order}),
            begun=frozenset(each.intent for each in journal.every(Begun)),
        )

    async def _restart(self) -> None:
        """Restart every service of the shop at once, and wait until all are up again."""
        failed: list[str] = []

        async def restart(service: str) -> None:
            try:
                await self._lifecycle.restart(service, GRACE_S)
                await self._ready(service)
            except DrillError as error:
                failed.append(f"{service}: {told(error)}")

        async with anyio.create_task_group() as group:
            for service in self._shop.services:
                group.start_soon(restart, service)
        if failed or not self._shop.services:
            why = "; ".join(sorted(failed)) or "the environment names no services of the shop"
            self._recorder.note(f"the shop was not restarted before the last reading: {why}")
            return
        self._restarted = True

    async def _ready(self, service: str) -> None:
        """Wait until a service runs, and is healthy where it has a health check."""
        with anyio.move_on_after(READY_LIMIT_S):
            while True:
                now = await self._lifecycle.state(service)
                if now.status == "running" and now.health in {"", "healthy"}:
                    return
                await anyio.sleep(LOOK_S)
        self._recorder.note(f"{service} was not healthy within {READY_LIMIT_S:g} s of its restart")


def _essence(reads: Sequence[LedgerRead]) -> dict[Ledger, bytes]:
    """What must be equal in two readings: every row of this run, in no order."""
    return {
        read.ledger: msgspec.json.encode(
            [
                read.complete,
                read.backlog,
                *(sorted(map(msgspec.json.encode, rows)) for rows in _rows(read)),
            ]
        )
        for read in reads
    }


def _rows(read: LedgerRead) -> Sequence[Sequence[msgspec.Struct]]:
    return (
        read.transactions,
        read.refunds,
        read.deliveries,
        read.orders,
        read.grants,
        read.effects,
        read.usable,
    )
