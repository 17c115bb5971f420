"""What reports say of the load: who came, what they did, and whether they were the limit."""

from typing import Literal

from drill.journal import Journal
from drill.payments import LoadEnded, LoadPlanned, LoadSample
from reports.json_incident import Strict


class Load(Strict, frozen=True):
    """
    The customers of one drill.

    *plan* is the digest of all intents, the same for one seed. *requests* and *failures* are sums,
    *p95_ms*, *behind_s* and *cpu_ratio* the worst of all samples; None where none came. *begun* to
    *limit* are None while the load has not ended.
    """

    customers: int
    workers: int
    intents: int
    plan: str
    begun: int | None
    finished: int | None
    cut: int | None
    requests: int
    failures: int
    p95_ms: float | None
    behind_s: float | None
    cpu_ratio: float | None
    limit: Literal["none", "load", "staging", "unknown"] | None
    detail: str


def load_of(journal: Journal) -> Load | None:
    """Sum up the load of a journal; None if nobody was to come."""
    planned, ended = journal.first(LoadPlanned), journal.last(LoadEnded)
    if planned is None:
        return None
    samples = list(journal.every(LoadSample))
    return Load(
        customers=planned.customers,
        workers=planned.workers,
        intents=planned.intents,
        plan=planned.plan,
        begun=ended.begun if ended else None,
        finished=ended.finished if ended else None,
        cut=ended.cut if ended else None,
        requests=sum(each.requests for each in samples),
        failures=sum(each.failures for each in samples),
        p95_ms=max((each.p95_ms for each in samples), default=None),
        behind_s=max((each.behind_s for each in samples), default=None),
        cpu_ratio=max((each.cpu_ratio for each in samples), default=None),
        limit=ended.limit if ended else None,
        detail=ended.detail if ended else "",
    )


def load_line(load: Load) -> str:
    """Say it in one line: `20 customers, 430 of 430 purchases begun, ...`."""
    if load.limit is None:
        return f"{load.customers} customers, {load.intents} purchases planned; how it ended is lost"
    limit = {"none": "nothing was", "unknown": "not known what was"}.get(load.limit, load.limit)
    was = limit if limit.endswith("was") else f"{limit} was"
    return (
        f"{load.customers} customers, {load.begun} of {load.intents} purchases begun, "
        f"{load.cut} cut off; {was} the limit"
    )
