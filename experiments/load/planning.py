"""From a scenario's `load:` and an environment to the customers of one drill; touches nothing."""

from collections.abc import Iterator, Mapping

import msgspec

from experiments.environment import Environment
from experiments.files import Location
from experiments.load.purchases import STRATA, Purchase, plan_purchases
from experiments.load.running import LoadPlan
from experiments.load.wire import CHECKOUT, FeatureStep, Site
from experiments.scenario import Load
from validators.probes.specs import HttpProbe


def load_problems(load: Load | None, environment: Environment) -> Iterator[tuple[Location, str]]:
    """Why an environment cannot have these customers, each with its place in the scenario."""
    if load is None:
        return
    if environment.load is None:
        yield ("load",), "the environment has no `load`: it says whose addresses customers have"
    if not load.purchases:
        return
    if environment.shop is None or not environment.shop.prices:
        text = "nothing is for sale: the environment's `shop.prices` is empty"
        yield ("load", "purchases"), text
    if CHECKOUT not in resolve_of(environment):
        text = (
            f"{CHECKOUT} is Paystack's own here, and its page needs a browser: customers without"
            " one can pay only at a sandbox that a journey's `resolve` names"
        )
        yield ("load", "purchases"), text


def load_notes(load: Load | None, environment: Environment) -> Iterator[str]:
    """What the customers will not do here, for the plan and the report."""
    if load is None or not load.purchases or environment.load is None:
        return
    if environment.load.refund is None:
        yield "load: nobody asks for a refund, as the environment's `load.refund` says not where"
    if environment.sandbox is None:
        yield "load: nobody pays too little, as the environment names no sandbox's control port"


def plan_load(load: Load, environment: Environment, run: str, seed: int) -> LoadPlan:
    """
    The customers of one drill.

    Args:
        load: As the scenario wants them; `load_problems` has found nothing.
        environment: Where they go.
        run: Which drill it is; it is in their addresses.
        seed: The drill's.
    """
    prices = environment.shop.prices if environment.shop else {}
    once_only = {name: price.once_only for name, price in prices.items()}
    return LoadPlan(
        run=run,
        seed=seed,
        customers=load.customers,
        workers=load.workers,
        purchases=_purchases(load, once_only, seed),
        site=site_of(environment),
        domain=environment.load.domain if environment.load else "",
    )


def _purchases(load: Load, once_only: Mapping[str, bool], seed: int) -> tuple[Purchase, ...]:
    if not load.purchases:
        return ()
    return plan_purchases(seed, once_only, load.purchases, load.mix or STRATA)


def site_of(environment: Environment) -> Site:
    """Where customers go, with the keys that they need: never to be written down."""
    load, sandbox = environment.load, environment.sandbox
    refund = load.refund if load else None
    prices = environment.shop.prices if environment.shop else {}
    return Site(
        web=environment.web,
        resolve=resolve_of(environment),
        refund_path=refund.url if refund else "",
        refund_header=refund.header if refund else "",
        refund_key=refund.key.get_secret_value() if refund else "",
        sandbox=sandbox.control if sandbox else "",
        sandbox_token=sandbox.token.get_secret_value() if sandbox else "",
        features={
            name: _steps(probe) for name, probe in environment.probes.items() if probe.sacred
        },
        prices={name: price.amount for name, price in prices.items()},
        password=load.password.get_secret_value() if load else "",
    )


def resolve_of(environment: Environment) -> Mapping[str, str]:
    """Host -> address:port, as the journeys find their hosts."""
    found: dict[str, str] = {}
    for journey in environment.journeys.values():
        found |= journey.resolve
    return found


def _steps(probe: HttpProbe) -> list[FeatureStep]:
    return [
        FeatureStep(
            method=step.method,
            url=step.url,
            headers={name: value.get_secret_value() for name, value in step.headers.items()},
            body="" if step.body is None else msgspec.json.encode(step.body).decode(),
            save=step.save,
        )
        for step in probe.http
    ]
