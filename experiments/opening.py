"""
Opens the payments side of a drill, as far as its scenario has one.

What reads ledgers brings clients of HTTP and PostgreSQL along, a fifth of a drill's start: it is
imported by those drills alone that need it.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from experiments.load.planning import plan_load
from experiments.payments import Payments
from experiments.plan import Plan
from experiments.recorder import Recorder
from experiments.runtime.ports import Lifecycle
from experiments.runtime.shapes import RunInfo
from validators.checks.ledger import LosesNothing
from validators.ledger.own import mark_of


@asynccontextmanager
async def opened_payments(
    plan: Plan, run: RunInfo, seed: int, recorder: Recorder, lifecycle: Lifecycle
) -> AsyncIterator[Payments]:
    """
    The payments side of a drill, as far as its scenario has one.

    Args:
        plan: What will happen.
        run: Which drill it is; the load's own log is kept in its folder.
        seed: The drill's, from which every purchase is drawn.
        recorder: The one writer.
        lifecycle: Restarts the shop's services.

    Raises:
        BadInput: The environment's shop cannot be read.
    """
    environment = plan.environment
    payments = Payments()
    async with AsyncExitStack() as opened:
        promise = next((each for each in plan.checks if isinstance(each, LosesNothing)), None)
        if promise:
            from experiments.bookkeeping import opened_reconciler  # noqa: PLC0415

            ledgers = opened_reconciler(
                environment, run.run, recorder, lifecycle, exposures_wanted=promise.exposed
            )
            payments = payments._replace(ledgers=await opened.enter_async_context(ledgers))
        if any(each.spec.hold for each in plan.faults):
            from experiments.bookkeeping import opened_sights, shop_of  # noqa: PLC0415

            sights = opened_sights(shop_of(environment))
            payments = payments._replace(sights=await opened.enter_async_context(sights))
        if plan.scenario.load:
            from experiments.load.spawned import opened_load  # noqa: PLC0415

            customers = plan_load(plan.scenario.load, environment, mark_of(run.run), seed)
            load = opened_load(customers, recorder, run.run, Path(run.directory))
            payments = payments._replace(load=await opened.enter_async_context(load))
        yield payments
